"""Options and arguments that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = [
    "AsJson",
    "Debug",
    "DryRun",
    "Keep",
    "Names",
    "OlderThan",
    "Yes",
]

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the log, and where an error came from.")]

Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="NAME",
        show_default=False,
        help="Only these; * stands for any letters. Everything if left out.",
    ),
]
OlderThan = Annotated[
    float,
    typer.Option(
        "--older-than", min=0, metavar="DAYS", show_default=False, help="Only what is older."
    ),
]
Keep = Annotated[
    int,
    typer.Option(
        "--keep", min=0, metavar="N", show_default=False, help="Keep the N newest of each name."
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would go; remove nothing.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
