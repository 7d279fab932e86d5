"""What stands between a training and its place, as far as it can be told before."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .check import Check, Finding, Verdict

__all__ = ["Checkup", "Look"]

# what is looked at, and how
Look = tuple[str, Callable[[], Finding]]


@dataclass(frozen=True, kw_only=True)
class Checkup:
    """A list of checks. It prints with one line for each, and what to do below it.

    Attributes
    ----------
    checks
        In the order in which a training needs what they are about.

    Example
    -------
    >>> checkup = Checkup.of([("tea", lambda: Finding(text="it is hot"))])
    >>> checkup.is_well, len(checkup.checks)
    (True, 1)
    """

    checks: tuple[Check, ...]

    @classmethod
    def of(cls, looks: Iterable[Look]) -> Checkup:
        """Look at one thing after the other."""
        return cls(checks=tuple(Check.of(name, look) for name, look in looks))

    def __add__(self, other: Checkup) -> Checkup:
        return Checkup(checks=(*self.checks, *other.checks))

    @property
    def is_well(self) -> bool:
        """Whether nothing failed; what could not be told is none's fault."""
        return not self.failed

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if check.verdict is Verdict.FAILED)

    def raise_failed(self) -> None:
        """Raise the error of the first check that failed; notes on it name the others.

        Raises
        ------
        TgError
            Of the type that a submission would raise.
        """
        errors = [check.error for check in self.failed if check.error is not None]
        for error in errors[1:]:
            errors[0].add_note(f"There is more in the way: {error}")
        if errors:
            raise errors[0]

    def __str__(self) -> str:
        return "\n".join(map(str, self.checks))

    __repr__ = __str__  # what a notebook and a console show of it

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(check.mark)}</td><td>{html.escape(check.name)}</td>"
            f"<td style='text-align:left'>{html.escape(check.finding)}"
            f"{f'<br><b>{html.escape(check.advice)}</b>' if check.advice else ''}</td></tr>"
            for check in self.checks
        )
        return f"<table>{rows}</table>"
