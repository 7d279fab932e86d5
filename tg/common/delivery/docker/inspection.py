"""What the engine says of its images and containers, as its client prints it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, TypeVar

from ..._core.errors import FormatError
from .engine import DockerEngine, passing_over

__all__ = ["inspect", "parse_time", "parsed"]

_T = TypeVar("_T")

# of an image that is removed at the same moment, the engine may miss the layers first
_GONE = ("no such", "layer does not exist")


def inspect(
    engine: DockerEngine, kind: str, names: Iterable[str], form: str = "{{json .}}"
) -> list[dict[str, Any]]:
    """Ask for many things at once; those that are not there, or have just gone, are left out.

    Parameters
    ----------
    engine
        Who is asked.
    kind
        ``"image"`` or ``"container"``.
    names
        Their ids or names.
    form
        The client's template of one JSON object; all that it knows if not given.

    Raises
    ------
    EngineUnavailableError
        The engine does not answer.
    FormatError
        It answers in a way that is not known.
    """
    unique = list(dict.fromkeys(names))
    if not unique:
        return []
    lines: list[str] = []
    with passing_over(*_GONE):
        engine.call([kind, "inspect", "--format", form, *unique], on_line=lines.append)
    found = [line for line in lines if line.startswith("{")]
    return parsed(f"its {kind}s", lambda: [json.loads(line) for line in found])


def parsed(what: str, parse: Callable[[], _T]) -> _T:
    """Read an answer of the engine.

    Parameters
    ----------
    what
        What the answer describes, for the error.
    parse
        Reads it.

    Raises
    ------
    FormatError
        It is not of the form that is read.
    """
    try:
        return parse()
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        raise FormatError(
            f"the engine describes {what} in a way that is not known: {exc!r}",
            hint="Is `docker` another program than Docker's own client?",
        ) from exc


def parse_time(text: str) -> datetime:
    """Read a time that the engine wrote; the year 1 stands for never.

    Raises
    ------
    FormatError
        It is none, or has no zone.

    Example
    -------
    >>> parse_time("2026-01-31T16:37:38.123456789Z").isoformat()
    '2026-01-31T16:37:38.123456+00:00'
    """
    return parsed("a time", lambda: _with_zone(datetime.fromisoformat(text)))


def _with_zone(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no zone")
    return moment
