"""A command in the foreground: it has this process's terminal, output and signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from types import FrameType, TracebackType
from typing import Any, Self

from .child import not_started

__all__ = ["Foreground"]

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")
_BY_SIGNAL = 128


class Foreground:
    """Runs a command as a shell would, and passes signals on to it.

    Before the command runs, a signal ends what is done within by an exception, so that it is
    undone; one that comes while the command is started is passed on as soon as it is; after the
    command's end signals are ignored, again so that all is undone. To be used in the main thread.

    Example
    -------
    >>> with Foreground() as foreground:
    ...     foreground.run([sys.executable, "-c", "raise SystemExit(3)"])
    3
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._before: dict[int, Any] = {}
        # signals that come while the command is started; ``None`` at any other time
        self._early: list[int] | None = None

    def __enter__(self) -> Self:
        numbers = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
        for number in numbers:
            self._before[number] = signal.signal(number, self._receive)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()

    def run(self, argv: Sequence[str], on_start: Callable[[int], None] | None = None) -> int:
        """Run a command to its end.

        Parameters
        ----------
        argv
            The program and its arguments.
        on_start
            Called with the id of its process.

        Returns
        -------
        int
            Its exit code; 128 and the signal's number if a signal ended it, as shells have it.

        Raises
        ------
        CommandError
            The program cannot be started.
        """
        sys.stdout.flush()
        early: list[int] = []
        self._early = early
        try:
            self._process = subprocess.Popen(list(argv))
        except (OSError, ValueError) as exc:
            raise not_started(tuple(argv), None, exc) from exc
        finally:
            self._early = None
            for number in early:
                if self._process is None:
                    self._receive(number, None)
                else:  # also what a terminal tells: it may have been too early for the program
                    self._process.send_signal(number)
        try:
            if on_start is not None:
                on_start(self._process.pid)
            code = self._process.wait()
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise
        return code if code >= 0 else _BY_SIGNAL - code

    def _receive(self, number: int, _frame: FrameType | None) -> None:
        if self._early is not None:  # an exception now would leave the command to itself
            self._early.append(number)
            return
        if self._process is None:
            if number == signal.SIGINT:
                raise KeyboardInterrupt
            raise SystemExit(_BY_SIGNAL + number)
        # a terminal tells all that are in its foreground by itself
        is_told = number in (signal.SIGINT, getattr(signal, "SIGQUIT", 0)) and _has_terminal()
        if self._process.returncode is None and not is_told:
            self._process.send_signal(number)


def _has_terminal() -> bool:
    try:
        return os.tcgetpgrp(0) == os.getpgrp()
    except (AttributeError, OSError):
        return False
