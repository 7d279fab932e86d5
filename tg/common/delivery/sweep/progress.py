"""How far a sweep is, as people watch it in a notebook or a terminal."""

from __future__ import annotations

import io
import sys
import warnings
from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, TextIO

from .status import SweepStatus
from .task_state import TaskState

if TYPE_CHECKING:
    from tqdm.std import tqdm

__all__ = ["SweepProgress"]

_LINE = "{desc}: {n_fmt}"
_DONE = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}]"
_CELL_COLUMNS = 80


class SweepProgress:
    """Shows a bar with the time that is left, and below it a line for each state.

    For ``Sweep(..., on_progress=SweepProgress())``; several calls of ``run`` may share it. Where
    nobody watches, standard error being neither a notebook nor a terminal, nothing is written. A
    notebook without ``ipywidgets`` gets the same as text.

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
        self._cell: _CellText | None = None

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
        if self._cell is not None:
            self._cell.show([self._bar, *self._lines.values()])
        if status.is_done:
            self.close()

    def close(self) -> None:
        """Leave what is shown as it is; the next call draws anew."""
        for line in [*([self._bar] if self._bar is not None else []), *self._lines.values()]:
            line.close()
        self._bar = None
        self._lines = {}
        self._cell = None

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
            self._is_shown = stream.isatty() or (self._file is None and _is_notebook())
        return self._is_shown

    def _line(self, description: str, form: str, total: int | None = None) -> tqdm[None]:
        with warnings.catch_warnings():
            # without ipywidgets tqdm draws its bar as text in a notebook, and warns that it does
            warnings.simplefilter("ignore")
            from tqdm.auto import tqdm  # noqa: PLC0415 decides by where it is imported first

        file = self._file
        if file is None and _is_notebook() and not _draws_widgets(tqdm):
            # as text it moves up and down with escapes, which a notebook shows as they are
            self._cell = self._cell or _CellText()
            file = io.StringIO()
        return tqdm(
            total=total,
            desc=description,
            bar_format=form,
            file=file,
            ncols=_CELL_COLUMNS if self._cell else None,
            ascii=False if self._cell else None,
            position=len(self._lines) + (self._bar is not None),
            leave=True,
        )


class _CellText:
    """What a notebook's cell shows: one text, which is replaced as a whole."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, lines: Iterable[object]) -> None:
        """Replace what was shown."""
        from IPython.display import display  # noqa: PLC0415 a notebook has it

        text = {"text/plain": "\n".join(str(line).rstrip() for line in lines)}
        if self._handle is None:
            show: Any = display  # IPython does not say what it takes
            self._handle = show(text, raw=True, display_id=True)
        else:
            self._handle.update(text, raw=True)


def _set(line: tqdm[None], count: int) -> None:
    if line.n != count:
        line.n = count
    line.refresh()


def _is_notebook() -> bool:
    shell = sys.modules.get("IPython")
    return "ipykernel" in sys.modules and shell is not None and shell.get_ipython() is not None


def _draws_widgets(kind: type) -> bool:
    from tqdm.notebook import tqdm_notebook  # noqa: PLC0415 loaded already, or quick in a notebook

    return issubclass(kind, tqdm_notebook)
