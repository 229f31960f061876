"""What processes use, read from Linux' /proc."""

import os
from pathlib import Path

from monitor.errors import MissingPart

TICKS_PER_S = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
PROC = Path("/proc")


def check_proc() -> None:
    """Raise MissingPart where there is no /proc."""
    if not (PROC / "self" / "stat").exists():
        raise MissingPart("Linux' /proc", "measuring processor time and memory", "run the benchmark on Linux")


def children_of(pid: int) -> list[int]:
    """List a process' children, and theirs."""
    found = []
    for task in (PROC / str(pid) / "task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *children_of(child)]
    return found


def name_of(pid: int) -> str:
    """Give the program's name, as far as the system keeps it; "" when the process has gone."""
    try:
        return (PROC / str(pid) / "comm").read_text().strip()
    except OSError:
        return ""


def cpu_s(pid: int) -> float:
    """Give the processor time of a process so far, of all its threads; 0 when it has gone."""
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S  # utime and stime, fields 14 and 15 of proc(5)


def rss_mb(pid: int) -> float:
    """Give the resident memory in units of 1,000,000 bytes; pages that processes share count in each."""
    try:
        pages = int((PROC / str(pid) / "statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
