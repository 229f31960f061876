"""How many files the gateway's process may open, asked in a process of its own: a limit once lowered stays low."""

import subprocess
import sys

import pytest

ASK = """
import resource
from monitor.gateway.connection_limit import allowed_clients
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 512))
print(allowed_clients({clients}), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


@pytest.mark.parametrize(("clients", "room", "files"), [(100, 100, 400), (1_000, 212, 256)])
def test_the_limit_of_open_files_is_raised_as_far_as_the_machine_allows(clients: int, room: int, files: int) -> None:
    """200 sockets and 100 other files besides: 100 clients need 400 of the 512; of 1,000 clients 212 have room."""
    asked = [sys.executable, "-c", ASK.format(clients=clients)]
    told = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=True)
    assert told.stdout.split() == [str(room), str(files)]
