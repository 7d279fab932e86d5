"""The one way to run an external command."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from .child import Child, start
from .errors import CommandError

__all__ = ["Child", "Completed", "Runner", "run", "start"]

_POLL_SECONDS = 0.1


@dataclass(frozen=True, kw_only=True)
class Completed:
    """A command that has ended.

    Attributes
    ----------
    argv
        The command, secrets replaced by ``***``.
    exit_code
        Its exit code; the negative signal number if a signal ended it.
    output
        The tail of what it printed, at most 65,536 characters.
    """

    argv: tuple[str, ...]
    exit_code: int
    output: str


class Runner(Protocol):
    """What runs a command: `run`, or something of its shape."""

    def __call__(
        self,
        argv: Sequence[str],
        *,
        cwd: str | os.PathLike[str] | None = None,
        env: Mapping[str, str | None] | None = None,
        timeout_seconds: float | None = None,
        secrets: Iterable[str] = (),
        on_line: Callable[[str], None] | None = None,
        check: bool = True,
    ) -> Completed:
        """Run `argv`; see `run`."""


def run(
    argv: Sequence[str],
    *,
    cwd: str | os.PathLike[str] | None = None,
    env: Mapping[str, str | None] | None = None,
    timeout_seconds: float | None = None,
    secrets: Iterable[str] = (),
    on_line: Callable[[str], None] | None = None,
    check: bool = True,
    stdin_text: str | None = None,
    stop_event: threading.Event | None = None,
    grace_seconds: float = 10.0,
) -> Completed:
    r"""Run a command to its end.

    Whatever ends the waiting early (a timeout, Ctrl-C, an error in `on_line`) ends the command
    with all its children: SIGTERM, then SIGKILL after `grace_seconds`.

    Parameters
    ----------
    argv, cwd, env, secrets, stdin_text
        As for `start`.
    timeout_seconds
        How long it may take.
    on_line
        Called with each line of output, standard error included, in the caller's thread.
    check
        Whether an exit code other than 0 is an error.
    stop_event
        Ends the command when it is set.
    grace_seconds
        Between SIGTERM and SIGKILL.

    Returns
    -------
    Completed
        The exit code and the tail of the output.

    Raises
    ------
    CommandError
        The program cannot be started, fails, takes too long or is stopped.

    Example
    -------
    >>> import sys
    >>> run([sys.executable, "-c", "print('ready')"]).output
    'ready\n'
    """
    began = time.monotonic()
    deadline = None if timeout_seconds is None else began + timeout_seconds
    child = start(argv, cwd=cwd, env=env, secrets=secrets, stdin_text=stdin_text)
    try:
        for lines in child.read_until(deadline, stop_event):
            if on_line is not None:
                for line in lines:
                    on_line(line)
        exit_code = _await_exit(child, deadline, stop_event)
    except BaseException:
        child.terminate(grace_seconds)
        raise
    if exit_code is None:
        child.terminate(grace_seconds)
        raise _ended_early(child, timeout_seconds, stopped=bool(stop_event and stop_event.is_set()))
    if check and exit_code != 0:
        raise CommandError(
            f"the command {child.command_line} ended with {_ending(exit_code)}",
            exit_code=exit_code,
            output=child.tail,
            hint=f"The end of its output:\n{child.tail[-2000:].rstrip()}" if child.tail else "",
        )
    return Completed(argv=child.argv, exit_code=exit_code, output=child.tail)


def _await_exit(
    child: Child, deadline: float | None, stop_event: threading.Event | None
) -> int | None:
    """Wait for a command that may have closed its output before its end."""
    while True:
        left = _POLL_SECONDS if deadline is None else deadline - time.monotonic()
        exit_code = child.wait(max(0.0, min(left, _POLL_SECONDS)))
        stopped = stop_event is not None and stop_event.is_set()
        if exit_code is not None or left <= 0 or stopped:
            return exit_code


def _ending(exit_code: int) -> str:
    return f"exit code {exit_code}" if exit_code >= 0 else f"signal {-exit_code}"


def _ended_early(child: Child, timeout_seconds: float | None, *, stopped: bool) -> CommandError:
    why = "was stopped" if stopped else f"was ended: it took more than {timeout_seconds:g} seconds"
    return CommandError(
        f"the command {child.command_line} {why}",
        output=child.tail,
        has_timed_out=not stopped,
        hint="" if stopped else "Allow more time, or look at the end of its output.",
    )
