"""`bodywatch models show`, called as a user calls it."""

import json
from pathlib import Path

from typer.testing import CliRunner

from monitor.commands.models import app
from tests.support.model_files import untaught

FACES = {"network_sha256": "8b61a0d2f3c4" + "0" * 52, "limit": 0.46, "means": [[0.1234] * 128] * 2}


def test_a_face_is_told_in_words_and_its_numbers_never_leave_the_file(tmp_path: Path) -> None:
    """As text and as JSON: what is printed ends in logs and in tickets, and a face's numbers are biometrics."""
    path = untaught(tmp_path / "ada.pt", faces=FACES)
    page = CliRunner().invoke(app, ["show", str(path)]).stdout
    told = CliRunner().invoke(app, ["show", str(path), "--json"]).stdout
    assert "  face             2 events, limit 0.46, network sha256 8b61a0d2f3c4\n" in page
    assert json.loads(told)["faces"] == {"events": 2, "limit": 0.46, "network_sha256": "8b61a0d2f3c4" + "0" * 52}
    assert "0.1234" not in page + told
