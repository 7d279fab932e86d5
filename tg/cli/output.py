"""What a command prints: tables for people, one JSON document for programs."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..common._core.errors import TgError
from .wording import in_commands

__all__ = ["Column", "Output", "age_text", "clock_text", "duration_text", "size_text"]

_REFUSED = 2
_DIGESTS = ("commit", "content_hash")
_DIGITS = 12
_FOLDED = 40  # columns of a terminal that a folded column of a table has
_GAP = 2
_UNLIMITED = 10_000  # columns: what reads a pipe wants whole lines


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    title
        Its heading.
    key
        Which value of a row it shows.
    is_spare
        Whether it is left out where the terminal is too narrow for all: first one that is empty,
        then the last.
    """

    title: str
    key: str
    is_spare: bool = False


class Output:
    """Where a command's results go.

    Parameters
    ----------
    as_json
        Whether standard output is to be one JSON document.
    debug
        Whether to tell more on standard error.
    """

    def __init__(self, *, as_json: bool = False, debug: bool = False) -> None:
        self.as_json = as_json
        self.debug = debug

    def document(self, values: Mapping[str, Any]) -> None:
        """Print the JSON document; once in a command."""
        sys.stdout.write(json.dumps(_finite(values), indent=1, default=_plain) + "\n")

    def table(
        self, title: str, columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]
    ) -> None:
        """Print a table: times as ages, sizes in bytes with a unit.

        A value that a row does not have is left empty.
        """
        console = Console(file=sys.stdout, highlight=False)
        if not console.is_terminal:
            console.width = _UNLIMITED
        texts = {c.title: [_shown(c.key, row.get(c.key, "")) for row in rows] for c in columns}
        kept = _fitting(columns, texts, console.width)
        table = Table(title=title, title_justify="left", box=None, pad_edge=False)
        for column in kept:
            right = column.key.endswith("_bytes")
            table.add_column(column.title, justify="right" if right else "left", overflow="fold")
        for cells in zip(*(texts[column.title] for column in kept), strict=True):
            table.add_row(*map(Text, cells))
        console.print(table)
        left_out = [c.title for c in columns if c not in kept and any(texts[c.title])]
        if left_out:
            self.say(f"Left out, as the terminal is narrow: {', '.join(left_out)}. Add --json.")

    def line(self, text: str) -> None:
        """Print a line of the result."""
        typer.echo(text)

    def say(self, text: str) -> None:
        """Tell something that is not the result, on standard error."""
        typer.echo(text, err=True)

    def error(self, error: TgError) -> None:
        """Show an error: what failed, and what to do."""
        self.say(f"Error: {in_commands(error.what)}")
        if error.hint:
            self.say(in_commands(error.hint))

    def confirm(self, question: str, *, yes: bool) -> None:
        """Go on only if the user wants to.

        Parameters
        ----------
        question
            Without its question mark's answer.
        yes
            Whether the user has said so already.

        Raises
        ------
        typer.Exit
            With 1 if the user does not want to, with 2 if there is nobody to ask.
        """
        if yes:
            return
        if not sys.stdin.isatty():
            self.say("There is no terminal to ask at, so nothing was removed. Add --yes to do it.")
            raise typer.Exit(_REFUSED)
        if not typer.confirm(question, err=True):
            self.say("Nothing was removed.")
            raise typer.Exit(1)


def size_text(size_bytes: int) -> str:
    """Write a size as the engine's client does, in powers of 1,000.

    Example
    -------
    >>> size_text(532), size_text(441_143_094), size_text(1_060_000_000)
    ('532 B', '441 MB', '1.06 GB')
    """
    size = float(size_bytes)
    units = ["B", "kB", "MB", "GB", "TB"]
    while round(size) >= 1000 and len(units) > 1:
        size /= 1000
        units.pop(0)
    return f"{size:.3g} {units[0]}"


def age_text(moment: datetime, now: datetime) -> str:
    """Write how long ago something was.

    Example
    -------
    >>> age_text(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 3, 12, tzinfo=UTC))
    '2 days ago'
    """
    seconds = max(0.0, (now - moment).total_seconds())
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        count = int(seconds // length)
        if count:
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"


def clock_text(utc: str, now: datetime) -> str:
    """Write a time in ISO 8601 as the clock here shows it, to the minute; of another year the day.

    Example
    -------
    >>> clock_text("2025-11-21T16:34:55.219+00:00", datetime(2026, 11, 21, tzinfo=UTC))
    '2025-11-21'
    >>> clock_text("", datetime(2026, 11, 21, tzinfo=UTC))
    ''
    """
    if not utc:
        return ""
    moment = datetime.fromisoformat(utc).astimezone()
    is_recent = moment.year == now.astimezone().year
    return moment.strftime("%m-%d %H:%M" if is_recent else "%Y-%m-%d")


def duration_text(seconds: float) -> str:
    """Write how long something took.

    Example
    -------
    >>> duration_text(1.476), duration_text(59), duration_text(3_700), duration_text(200_000)
    ('1.5 s', '59 s', '1 h 1 min', '55 h 33 min')
    """
    if seconds < 10:
        return f"{max(0.0, seconds):.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _fitting(
    columns: Sequence[Column], texts: Mapping[str, Sequence[str]], width: int
) -> list[Column]:
    """Leave spare columns out until the rest fits; a wide one is folded, and needs less."""
    kept = list(columns)
    needs = {c.title: min(_FOLDED, max(map(cell_len, [c.title, *texts[c.title]]))) for c in columns}
    while sum(needs[c.title] + _GAP for c in kept) - _GAP > width:
        spare = [column for column in kept if column.is_spare]
        if not spare:
            break
        empty = [column for column in spare if not any(texts[column.title])]
        kept.remove((empty or spare)[-1])
    return kept


def _shown(key: str, value: Any) -> str:
    if isinstance(value, datetime):
        return age_text(value, datetime.now(UTC))
    if key.endswith("_bytes") and value != "":
        return size_text(value)
    if key in _DIGESTS:
        return _short(str(value))
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)


def _short(digest: str) -> str:
    """Show as many digits as tell digests apart; a commit's may be followed by `-dirty`."""
    digits, dash, rest = digest.partition("-")
    return f"{digits[:_DIGITS]}{dash}{rest}"


def _finite(value: Any) -> Any:
    """Write numbers that JSON does not have, such as a metric that is no number, as texts."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return value


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    return str(value)
