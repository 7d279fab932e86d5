"""What a builder prints: progress to pass on, and the step that failed."""

from __future__ import annotations

import re
from collections import deque

__all__ = ["BuildOutput"]

_TAIL_LINES = 60
_VERTEX = re.compile(r"#(\d+) (.*)")
_TIMED = re.compile(r"\d+\.\d+ ?(.*)")
_CLASSIC_STEP = re.compile(r"Step \d+/\d+ : (.*)")
_BUILDKIT_ERROR = re.compile(r"ERROR: (.*)")
_STATUS = re.compile(r"(sha256:|transferring|resolve |extracting |exporting |DONE|CACHED|\.\.\.)")


class BuildOutput:
    """Follows the lines of a build, of either builder in its plain form.

    Example
    -------
    >>> output = BuildOutput()
    >>> for line in ["#5 [2/3] RUN make", "#5 0.412 no rule", "#5 ERROR: exit code: 2"]:
    ...     output.add(line)
    >>> output.step, output.tail
    ('RUN make', 'no rule')
    """

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._lines: dict[str, deque[str]] = {}
        self._current = ""
        self._failed = ""

    def add(self, line: str) -> None:
        """Take one line."""
        classic = _CLASSIC_STEP.match(line)
        vertex = _VERTEX.match(line)
        if classic:
            self._current = line
            self._names[line] = classic.group(1)
        elif vertex:
            self._add_vertex(vertex.group(1), vertex.group(2))
        elif self._current and not line.startswith((" ---> ", "Removing intermediate")):
            self._keep(self._current, line)

    @property
    def step(self) -> str:
        """The instruction that failed, or the last one that was begun."""
        return self._names.get(self._failed or self._current, "")

    @property
    def tail(self) -> str:
        """The end of what that step printed."""
        return "\n".join(self._lines.get(self._failed or self._current, ())).strip()

    def _add_vertex(self, number: str, text: str) -> None:
        if number not in self._names:
            self._names[number] = re.sub(r"^\[[^\]]*\] ", "", text)
            return
        if _BUILDKIT_ERROR.match(text):
            self._failed = number
            if number not in self._lines:
                self._keep(number, text)
            return
        timed = _TIMED.match(text)
        if timed:
            self._keep(number, timed.group(1))
        elif not _STATUS.match(text) and text != self._names[number]:
            self._keep(number, text)

    def _keep(self, step: str, line: str) -> None:
        self._lines.setdefault(step, deque(maxlen=_TAIL_LINES)).append(line)
