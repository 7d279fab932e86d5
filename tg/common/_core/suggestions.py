"""The nearest right name, for messages about a wrong one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["did_you_mean", "nearest"]

_SHOWN = 12  # names a message can list and still be read


def nearest(name: str, candidates: Iterable[object]) -> str | None:
    """Give the candidate that is most like `name`, or ``None`` if none is like it.

    Example
    -------
    >>> nearest("Surived", ["Survived", "Sex"])
    'Survived'
    """
    names = [str(candidate) for candidate in candidates]
    lowered = {text.lower(): text for text in reversed(names)}
    if name.lower() in lowered:
        return lowered[name.lower()]
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    return close[0] if close else None


def did_you_mean(name: str, candidates: Iterable[object], *, what: str = "names") -> str:
    """Write the hint of an error about an unknown name.

    Parameters
    ----------
    name
        The wrong name.
    candidates
        The right ones.
    what
        What the right ones are, in the plural.

    Example
    -------
    >>> did_you_mean("Surived", ["Survived", "Sex"])
    "Did you mean 'Survived'?"
    >>> did_you_mean("x", ["Survived", "Sex"], what="columns")
    'The columns are: Survived, Sex.'
    """
    names = [str(candidate) for candidate in candidates]
    found = nearest(name, names)
    if found is not None:
        return f"Did you mean {found!r}?"
    if not names:
        return f"There are no {what}."
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"The {what} are: {', '.join(names[:_SHOWN])}{more}."
