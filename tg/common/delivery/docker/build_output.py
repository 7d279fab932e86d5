"""What a builder prints: progress to pass on, and the step that failed."""

from __future__ import annotations

import re
from collections import deque

__all__ = ["BuildOutput"]

_TAIL_LINES = 60
_VERTEX = re.compile(r"#(\d+) (.*)")
_TIMED = re.compile(r"\d+\.\d+ ?(.*)")
_CLASSIC_STEP = re.compile(r"Step \d+/\d+ : (.*)")
_STATUS = re.compile(r"(sha256:|transferring|resolve |extracting |exporting |\.\.\.)")
_END = re.compile(r"(DONE|CACHED|CANCELED)\b")
# what the builders do of their own accord, and what we add to every build
_CHORE = re.compile(r"\[internal\]|\[auth\]|exporting |importing |preparing |resolve |LABEL ")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_MOUNTS = re.compile(r"--mount=\S+ ")
_CLASSIC_CHORE = re.compile(r" ---> |Removing intermediate |Successfully (built|tagged) ")
_SUMMARY = "------"
_SHOWN_CHARACTERS = 120


class BuildOutput:
    """Follows the lines of a build, of either builder in its plain form.

    Example
    -------
    >>> output = BuildOutput()
    >>> for line in ["#5 [2/3] RUN make", "#5 0.412 no rule", "#5 ERROR: exit code: 2"]:
    ...     print(output.add(line))
    RUN make
      no rule
    None
    >>> output.step, output.tail
    ('RUN make', 'no rule')
    """

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._chores: set[str] = set()
        self._lines: dict[str, deque[str]] = {}
        self._current = ""
        self._failed = ""
        self._is_over = False

    def add(self, line: str) -> str | None:
        """Take one line, and give what of it is worth to be shown, if anything."""
        line = _COLOUR.sub("", line)  # the classic builder shows standard error in red
        classic = _CLASSIC_STEP.match(line)
        vertex = _VERTEX.match(line)
        if self._failed and line == _SUMMARY:
            self._is_over = True  # what follows was there before
        if self._is_over:
            return None
        if classic:
            self._current = line
            return self._begin(line, classic.group(1))
        if vertex:
            return self._add_vertex(vertex.group(1), vertex.group(2))
        if self._current and not _CLASSIC_CHORE.match(line):
            return self._keep(self._current, line)
        return None

    @property
    def step(self) -> str:
        """The instruction that failed, or the last one that was begun."""
        return self._names.get(self._failed or self._current, "")

    @property
    def tail(self) -> str:
        """The end of what that step printed."""
        return "\n".join(self._lines.get(self._failed or self._current, ())).strip()

    def _add_vertex(self, number: str, text: str) -> str | None:
        if number not in self._names:
            return self._begin(number, re.sub(r"^\[[^\]]*\d+/\d+\] ", "", text))
        if text.startswith("ERROR: "):
            self._failed = number
            if number not in self._lines:
                self._keep(number, text)
            return None
        timed = _TIMED.match(text)
        if timed:
            return self._keep(number, timed.group(1))
        if not (_STATUS.match(text) or _END.match(text) or self._is_name(number, text)):
            return self._keep(number, text)
        return None

    def _is_name(self, number: str, text: str) -> bool:
        """Whether a builder comes back to a step and says its name again."""
        return text.endswith(self._names[number])

    def _begin(self, step: str, name: str) -> str | None:
        self._names[step] = name
        if _CHORE.match(name):
            self._chores.add(step)
            return None
        text = _MOUNTS.sub("", name)
        return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"

    def _keep(self, step: str, line: str) -> str | None:
        self._lines.setdefault(step, deque(maxlen=_TAIL_LINES)).append(line)
        return None if step in self._chores else f"  {line}"
