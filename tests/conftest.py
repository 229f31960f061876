"""Fixtures that several test files need."""

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("BODYWATCH_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real clips and real motion that the repository may not contain."""
    if not SHARED.is_dir():
        pytest.skip(f"no test data at {SHARED}; set BODYWATCH_TEST_DATA")
    return SHARED
