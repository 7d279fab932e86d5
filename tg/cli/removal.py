"""Removing things, in the words of every `prune`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import typer

from .output import Column, Output, size_text

__all__ = ["Removal"]

_REASON = Column(title="REASON", key="reason")


@dataclass(frozen=True, kw_only=True)
class Removal:
    """What goes and what stays.

    Attributes
    ----------
    output
        Where that is told.
    going
        A row for each thing that goes, or has gone.
    kept
        A row for each thing that stays, with its reason.
    refused
        The same, for what could not be removed.
    freed_bytes
        What that frees.
    """

    output: Output
    going: Sequence[Mapping[str, Any]]
    kept: Sequence[Mapping[str, Any]]
    refused: Sequence[Mapping[str, Any]] = ()
    freed_bytes: int

    def show(self, columns: Sequence[Column]) -> None:
        """Show people what is going to happen."""
        if self.output.as_json:
            return
        if self.kept:
            self.output.table("Kept", (*columns, _REASON), self.kept)
        if self.going:
            self.output.table("To be removed", columns, self.going)
        else:
            self.output.line("Nothing to remove.")

    def confirm(self, warning: str = "", *, yes: bool) -> None:
        """Go on only if the user wants to, after a warning."""
        count = len(self.going)
        things = "1 thing" if count == 1 else f"{count} things"
        self.output.confirm(f"{warning}Remove {things}, {size_text(self.freed_bytes)}?", yes=yes)

    def tell(self, columns: Sequence[Column], *, dry_run: bool) -> None:
        """Tell what has happened.

        Raises
        ------
        typer.Exit
            With 1 if something could not be removed.
        """
        if self.output.as_json:
            self.output.document(
                {
                    "dry_run": dry_run,
                    "removed": self.going,
                    "kept": [*self.kept, *self.refused],
                    "freed_bytes": self.freed_bytes,
                }
            )
        elif dry_run:
            if self.going:
                freed = size_text(self.freed_bytes)
                self.output.line(f"{len(self.going)} would go: {freed} would be free again.")
        else:
            if self.refused:
                self.output.table("Not removed", (*columns, _REASON), self.refused)
            if self.going:
                freed = size_text(self.freed_bytes)
                self.output.line(f"Removed {len(self.going)}: {freed} are free again.")
        if self.refused:
            raise typer.Exit(1)
