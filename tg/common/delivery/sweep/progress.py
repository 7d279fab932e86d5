"""How far a sweep is, as people watch it in a notebook or a terminal."""

from __future__ import annotations

import sys
import warnings
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from .status import SweepStatus
from .task_state import TaskState

if TYPE_CHECKING:
    from tqdm.std import tqdm

__all__ = ["SweepProgress"]

_LINE = "{desc}: {n_fmt}"
_DONE = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}]"


class SweepProgress:
    """Shows a bar with the time that is left, and below it a line for each state.

    For ``Sweep(..., on_progress=SweepProgress())``; several calls of ``run`` may share it. Where
    nobody watches, standard error being neither a notebook nor a terminal, nothing is written.

    Parameters
    ----------
    file
        Where it is drawn; standard error if ``None``.
    is_shown
        Whether it is; looked up if ``None``.

    Example
    -------
    >>> import io
    >>> screen = io.StringIO()
    >>> with SweepProgress(screen, is_shown=True) as progress:
    ...     progress(SweepStatus(name="demo", counts={TaskState.RUNNING: 3, TaskState.FAILED: 1}))
    >>> "running: 3" in screen.getvalue(), "failed: 1" in screen.getvalue()
    (True, True)
    """

    def __init__(self, file: TextIO | None = None, *, is_shown: bool | None = None) -> None:
        self._file = file
        self._is_shown = is_shown
        self._bar: tqdm[None] | None = None
        self._lines: dict[TaskState, tqdm[None]] = {}

    def __call__(self, status: SweepStatus) -> None:
        """Show how far a sweep is."""
        if not self._shows():
            return
        if self._bar is None:
            self._bar = self._line(f"sweep {status.name}", _DONE, status.total)
            # what was done before this process says nothing of the time that the rest takes
            self._bar.initial = self._bar.n = status.done
        self._bar.total = status.total
        _set(self._bar, status.done)
        for state in TaskState:
            if status[state] or state in self._lines:
                if state not in self._lines:
                    self._lines[state] = self._line(f"  {state}", _LINE)
                _set(self._lines[state], status[state])
        if status.is_done:
            self.close()

    def close(self) -> None:
        """Leave what is shown as it is; the next call draws anew."""
        for line in [*([self._bar] if self._bar is not None else []), *self._lines.values()]:
            line.close()
        self._bar = None
        self._lines = {}

    def __enter__(self) -> SweepProgress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _shows(self) -> bool:
        if self._is_shown is None:
            stream = self._file or sys.stderr
            self._is_shown = stream.isatty() or _is_notebook()
        return self._is_shown

    def _line(self, description: str, form: str, total: int | None = None) -> tqdm[None]:
        with warnings.catch_warnings():
            # without ipywidgets tqdm draws its bar as text in a notebook, and warns that it does
            warnings.simplefilter("ignore")
            from tqdm.auto import tqdm  # noqa: PLC0415 decides by where it is imported first

        return tqdm(
            total=total,
            desc=description,
            bar_format=form,
            file=self._file,
            position=len(self._lines) + (self._bar is not None),
            leave=True,
        )


def _set(line: tqdm[None], count: int) -> None:
    if line.n != count:
        line.n = count
    line.refresh()


def _is_notebook() -> bool:
    return "ipykernel" in sys.modules
