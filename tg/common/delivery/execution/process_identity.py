"""Whether a process id still means the process it meant."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..._core.errors import CommandError
from ..._core.process import run

__all__ = ["is_alive", "process_identity", "signal_group", "submitter", "submitter_is_alive"]


def process_identity(pid: int) -> str:
    """Tell a process from later ones of the same id: by the time it started.

    Returns
    -------
    str
        Empty if there is no such process, or if it has ended and waits for its parent.
    """
    stat = Path(f"/proc/{pid}/stat")
    if stat.parent.parent.joinpath("self").exists():
        try:
            # the second field is a name in parentheses, which may hold spaces (proc_pid_stat(5))
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            return ""
        return "" if fields[0] in "ZX" else fields[19]
    try:
        output = run(["ps", "-o", "stat=,lstart=", "-p", str(pid)]).output.split(maxsplit=1)
    except CommandError:
        return ""
    return "" if not output or output[0].startswith("Z") else output[1].strip()


def is_alive(pid: int, identity: str) -> bool:
    """Whether the process that had this identity still runs."""
    return bool(identity) and process_identity(pid) == identity


def signal_group(pid: int, number: int) -> None:
    """Signal a process and all of its group, if it is there; the process alone before that."""
    with contextlib.suppress(ProcessLookupError):
        try:
            os.killpg(pid, number)
        except ProcessLookupError:
            os.kill(pid, number)  # it was forked a moment ago, and has not made its group yet


def submitter() -> dict[str, Any]:
    """Tell who submits a run: what a run's details hold of this process."""
    pid = os.getpid()
    return {"submitter": pid, "submitter_process": process_identity(pid)}


def submitter_is_alive(details: Mapping[str, Any]) -> bool:
    """Whether the process that submitted a run still runs, by the run's details."""
    return is_alive(details["submitter"], details["submitter_process"])
