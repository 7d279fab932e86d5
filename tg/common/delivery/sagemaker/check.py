"""One thing that a training needs, looked at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from ..._core.errors import TgError

__all__ = ["Check", "Finding", "Verdict"]


class Verdict(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What was seen where nothing speaks against a training.

    Attributes
    ----------
    text
        What is there.
    doubt
        What to do, where it could not be told whether it is enough; empty if it is.
    """

    text: str
    doubt: str = ""


@dataclass(frozen=True, kw_only=True)
class Check:
    """The outcome of a look at one thing.

    Attributes
    ----------
    name
        What was looked at.
    verdict
        Whether it is as a training needs it.
    finding
        What was seen.
    advice
        What to do; empty if it passed.
    error
        What a submission raises, if it failed.

    Example
    -------
    >>> print(Check.of("tea", lambda: Finding(text="there are 3 leaves")))
    pass  tea: there are 3 leaves
    """

    name: str
    verdict: Verdict
    finding: str
    advice: str = ""
    error: TgError | None = field(default=None, repr=False, compare=False)

    @classmethod
    def of(cls, name: str, look: Callable[[], Finding]) -> Check:
        """Look, and take one of our errors for a failure."""
        try:
            found = look()
        except TgError as exc:
            return cls(
                name=name,
                verdict=Verdict.FAILED,
                finding=exc.what,
                advice=exc.hint or "See the cause of the error.",
                error=exc,
            )
        verdict = Verdict.UNKNOWN if found.doubt else Verdict.PASSED
        return cls(name=name, verdict=verdict, finding=found.text, advice=found.doubt)

    @property
    def mark(self) -> str:
        """``pass``, ``FAIL`` or ``?``."""
        return {Verdict.PASSED: "pass", Verdict.FAILED: "FAIL"}.get(self.verdict, "?")

    def __str__(self) -> str:
        line = f"{self.mark:<4}  {self.name}: {self.finding}"
        return f"{line}\n      {self.advice}" if self.advice else line
