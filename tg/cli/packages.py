"""`tg packages`: what is kept on this machine of packages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from ..common._core.archive_reader import ArchiveReader
from ..common._core.errors import StorageError
from ..common._core.retention import Retention
from ..common.delivery.execution.package_store import PackageStore
from ..common.delivery.execution.stored_thing import StoredKind, StoredThing
from ..common.delivery.runtime.package_manifest import read_manifest
from .command import command, group
from .options import DryRun, Keep, Names, OlderThan, Yes
from .output import Column, Output
from .removal import Removal

__all__ = ["packages"]

_THINGS = (
    Column(title="NAME", key="name"),
    Column(title="VERSION", key="version"),
    Column(title="KIND", key="kind"),
    Column(title="SIZE", key="size_bytes"),
    Column(title="FAULT", key="fault", is_spare=True),
    Column(title="USED BY", key="used_by", is_spare=True),
    Column(title="MADE", key="made_at", is_spare=True),
    Column(title="CONTENT", key="content_hash", is_spare=True),
    Column(title="PATH", key="path"),
)
_COLUMNS = (
    Column(title="NAME", key="name"),
    Column(title="KIND", key="kind"),
    Column(title="SIZE", key="size_bytes"),
    Column(title="PATH", key="path"),
)
_FILES = (Column(title="FILE", key="name"), Column(title="SIZE", key="size_bytes"))

Kinds = Annotated[
    list[StoredKind] | None,
    typer.Option("--kind", help="Only this kind; may be given several times."),
]
All = Annotated[
    bool,
    typer.Option("--all", help="Also what is in these folders and may not be of this library."),
]


def _list_all(output: Output) -> None:
    list_packages(output)


packages = group(
    _list_all,
    help_text="Show or remove packages of this project, and what is kept in the user's cache of "
    "any: unpacked copies and environments.",
    meant="tg packages list {0}, or tg packages show PATH of its archive",
)


@command(packages, "list")
def list_packages(output: Output, *, names: Names = None, kinds: Kinds = None) -> None:
    """Show packages, unpacked copies and environments."""
    store = PackageStore()
    rows = [_row(thing) for thing in store.things(kinds or ()) if thing.matches(names or ())]
    if output.as_json:
        folders = {"archives": str(store.archives), "cache": str(store.cache)}
        output.document({"packages": rows, "folders": folders})
    elif rows:
        output.table("Packages", _THINGS, rows)
    else:
        output.line(f"There are none in {store.archives} and {store.cache}.")


@command(packages, "prune")
def prune_packages(
    output: Output,
    *,
    names: Names = None,
    kinds: Kinds = None,
    older_than: OlderThan = 0.0,
    keep: Keep = 0,
    take_all: All = False,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Remove packages, unpacked copies and environments that no process was started with.

    They are made again when they are needed; an environment takes an installation for that.
    """
    store = PackageStore()
    things = [thing for thing in store.things(kinds or ()) if thing.matches(names or ())]
    retention = Retention(older_than_days=older_than, keep=keep)
    reasons = store.reasons(things, retention, datetime.now(UTC), with_unknown=take_all)
    pairs = list(zip(things, reasons, strict=True))
    going = [thing for thing, reason in pairs if not reason]
    removal = Removal(
        output=output,
        going=[_row(thing) for thing in going],
        kept=[{**_row(thing), "reason": reason} for thing, reason in pairs if reason],
        freed_bytes=sum(thing.size_bytes for thing in going),
    )
    removal.show(_COLUMNS)
    if going and not dry_run:
        removal.confirm(yes=yes)
        gone, refused = _remove(store, going)
        removal = replace(
            removal,
            going=[_row(thing) for thing in gone],
            refused=refused,
            freed_bytes=sum(thing.size_bytes for thing in gone),
        )
    removal.tell(_COLUMNS, dry_run=dry_run)


@command(packages, "show")
def show_package(
    output: Output,
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The package's archive.")],
) -> None:
    """Show what a package says of itself, and its files."""
    values = asdict(read_manifest(path))
    with ArchiveReader(path) as archive:
        files = [
            {"name": entry.name, "size_bytes": entry.size}
            for entry in archive.entries()
            if not entry.is_dir
        ]
    if output.as_json:
        output.document({"path": str(path), "manifest": values, "files": files})
        return
    for key, value in values.items():
        output.line(f"{key}: {_text(value)}")
    output.table("Files", _FILES, files)


def _remove(
    store: PackageStore, things: Sequence[StoredThing]
) -> tuple[list[StoredThing], list[dict[str, Any]]]:
    gone: list[StoredThing] = []
    refused: list[dict[str, Any]] = []
    for thing in things:
        try:
            reason = store.remove(thing)
        except StorageError as exc:
            reason = exc.what
        if reason:
            refused.append({**_row(thing), "reason": reason})
        else:
            gone.append(thing)
    return gone, refused


def _row(thing: StoredThing) -> dict[str, Any]:
    values = asdict(thing)
    users = values.pop("users")
    return {**values, "path": str(thing.path), "used_by": list(users)}


def _text(value: object) -> str:
    if not isinstance(value, tuple):
        return str(value)
    return "".join(f"\n  {item}" for item in value) or "none"
