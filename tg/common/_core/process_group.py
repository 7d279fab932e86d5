"""A command together with all the processes it started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

__all__ = ["ProcessGroup"]

_STEP_SECONDS = 0.05
_KILLED_SECONDS = 5.0


class ProcessGroup:
    """Ends a command that leads a process group.

    Parameters
    ----------
    leader
        The command, started in a session of its own.
    """

    def __init__(self, leader: subprocess.Popen[bytes]) -> None:
        self._leader = leader

    def terminate(self, grace_seconds: float) -> None:
        """Send SIGTERM to all, wait up to `grace_seconds`, then SIGKILL to what is left.

        A group without a living member is left in peace: its id may be another's by now.
        """
        try:
            if grace_seconds > 0 and self._send(signal.SIGTERM):
                self._wait_until_gone(grace_seconds)
        finally:
            # also when a second Ctrl-C cuts the waiting short
            kill = signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL
            if self._send(kill):
                self._wait_until_gone(_KILLED_SECONDS)

    def _send(self, number: int) -> bool:
        """Signal the group; ``False`` if nobody is there."""
        if sys.platform == "win32":
            if self._leader.poll() is None:
                self._leader.terminate()
                return True
            return False
        try:
            os.killpg(self._leader.pid, number)
        except (ProcessLookupError, PermissionError):
            return False
        return True

    def _wait_until_gone(self, seconds: float) -> None:
        """Wait for the leader, then for those it started, up to `seconds` in all."""
        deadline = time.monotonic() + seconds
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._leader.wait(seconds)
            while self._others_live() and time.monotonic() < deadline:
                time.sleep(_STEP_SECONDS)

    def _others_live(self) -> bool:
        if sys.platform == "win32":
            return False
        try:
            os.killpg(self._leader.pid, 0)
        except (ProcessLookupError, PermissionError):
            return False
        return not _all_zombies(self._leader.pid)


def _all_zombies(group: int) -> bool:
    """Whether the members of a group have ended and only wait to be collected.

    In a container without an init process nobody collects them, and they would be waited for in
    vain (proc_pid_stat(5): state is field 3, process group field 5).
    """
    found = False
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, member_of = stat.read_text().rpartition(")")[2].split()[:3]
        except (OSError, ValueError):
            continue  # ended while we looked
        if int(member_of) == group:
            found = True
            if state not in "ZX":
                return False
    return found
