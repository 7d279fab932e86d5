"""`tg images`: what was made in the container engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from ..common._core.errors import EngineError, EngineUnavailableError
from ..common._core.retention import Retention
from ..common.delivery.docker.caches import BuildCaches, HeldCache
from ..common.delivery.docker.engine import DockerEngine
from ..common.delivery.docker.holdings import HeldContainer, HeldImage, Holdings, read_holdings
from ..common.delivery.docker.labels import Kind, Label
from ..common.delivery.docker.prune import PrunePlan, PruneRules, freed_bytes, plan_prune, prune
from .command import command, group
from .options import DryRun, Keep, Names, OlderThan, Yes
from .output import Column, Output
from .removal import Removal

__all__ = ["images"]

_IMAGES = (
    Column(title="IMAGE", key="called"),
    Column(title="SIZE", key="size_bytes"),
    Column(title="SHARED", key="shared_bytes"),
    Column(title="MADE", key="made_at"),
    Column(title="KIND", key="kind", is_spare=True),
    Column(title="USED BY", key="used_by", is_spare=True),
    Column(title="NAME", key="name", is_spare=True),
    Column(title="VERSION", key="version", is_spare=True),
    Column(title="PLATFORM", key="platform", is_spare=True),
    Column(title="COMMIT", key="commit", is_spare=True),
)
_CONTAINERS = (
    Column(title="CONTAINER", key="called"),
    Column(title="EXIT CODE", key="exit_code"),
    Column(title="ENDED", key="ended_at"),
    Column(title="KIND", key="kind", is_spare=True),
    Column(title="RUN", key="run", is_spare=True),
)
_CACHES = (
    Column(title="CACHE", key="called"),
    Column(title="KIND", key="kind"),
    Column(title="SIZE", key="size_bytes"),
)
_COLUMNS = (
    Column(title="NAME", key="called"),
    Column(title="SIZE", key="size_bytes"),
    Column(title="KIND", key="kind"),
)
_Thing = HeldImage | HeldContainer | HeldCache

Caches = Annotated[
    bool,
    typer.Option("--caches", help="Also the libraries that builds have downloaded and kept."),
]
All = Annotated[
    bool,
    typer.Option(
        "--all",
        help="Also images that have got other names since they were built, and what a build made "
        "in the last ten minutes.",
    ),
]
Runs = Annotated[
    bool,
    typer.Option(
        "--runs",
        help="Also containers of runs that have ended: a run that nobody has looked after since "
        "loses its exit code and the rest of its log.",
    ),
]


def _list_all(output: Output) -> None:
    list_images(output)


images = group(
    _list_all,
    help_text="Show or remove what was made in the container engine, nothing else.",
    meant="tg images list {}",
)


@command(images, "list")
def list_images(output: Output, *, names: Names = None, caches: Caches = False) -> None:
    """Show images, and containers that have ended and were left."""
    engine = DockerEngine()
    holdings = read_holdings(engine)
    rules = PruneRules(names=tuple(names or ()))
    found = [i for i in holdings.images if rules.match(i.name, *i.record.tags)]
    values = {
        "images": [_row(image) for image in found],
        "containers": [_row(c) for c in holdings.containers if rules.match(c.name)],
    }
    if caches:
        values["caches"] = [_row(cache) for cache in BuildCaches(engine).find()]
    if output.as_json:
        output.document(values)
        return
    columns = {"images": _IMAGES, "containers": _CONTAINERS, "caches": _CACHES}
    for title, rows in values.items():
        if rows:
            output.table(title.capitalize(), columns[title], rows)
    if not any(values.values()):
        output.line("There are none.")


@command(images, "prune")
def prune_images(
    output: Output,
    *,
    names: Names = None,
    older_than: OlderThan = 0.0,
    keep: Keep = 0,
    take_all: All = False,
    runs: Runs = False,
    caches: Caches = False,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    """Remove images that are not in use, and what killed builds have left.

    Kept are: what was not made here, images that a container uses, running or not, and those that
    a kept image stands on.
    """
    engine = DockerEngine()
    rules = PruneRules(
        names=tuple(names or ()),
        retention=Retention(older_than_days=older_than, keep=keep),
        with_named=take_all,
        with_runs=runs,
    )
    holdings = read_holdings(engine)
    plan = plan_prune(holdings, rules, datetime.now(UTC))
    found = BuildCaches(engine).find() if caches else []
    going: list[_Thing] = [*plan.containers, *plan.images, *found]
    known = {container.id: _row(container) for container in holdings.containers}
    known |= {image.record.id: _row(image) for image in holdings.images}
    removal = Removal(
        output=output,
        going=[_row(thing) for thing in going],
        kept=[{**known[key], "reason": reason} for key, reason in plan.kept.items()],
        freed_bytes=_freed(going, holdings),
    )
    removal.show(_COLUMNS)
    if going and not dry_run:
        removal.confirm(_warning(plan), yes=yes)
        gone, refused = _remove(engine, plan, found)
        removal = replace(
            removal,
            going=[_row(thing) for thing in gone],
            refused=refused,
            freed_bytes=_freed(gone, holdings),
        )
    removal.tell(_COLUMNS, dry_run=dry_run)


def _remove(
    engine: DockerEngine, plan: PrunePlan, caches: Sequence[HeldCache]
) -> tuple[list[_Thing], list[dict[str, Any]]]:
    """Give what is gone, and what has come into use meanwhile."""
    gone: list[_Thing] = []
    refused: list[dict[str, Any]] = []
    for outcome in prune(engine, plan):
        if outcome.removed:
            gone.append(outcome.thing)
        else:
            refused.append({**_row(outcome.thing), "reason": outcome.reason})
    for cache in caches:
        try:
            BuildCaches(engine).remove(cache)
        except EngineUnavailableError:
            raise
        except EngineError as exc:
            refused.append({**_row(cache), "reason": exc.what})
        else:
            gone.append(cache)
    return gone, refused


def _freed(things: Sequence[_Thing], holdings: Holdings) -> int:
    images_gone = [thing for thing in things if isinstance(thing, HeldImage)]
    caches = sum(thing.size_bytes for thing in things if isinstance(thing, HeldCache))
    return freed_bytes(images_gone, holdings) + caches


def _warning(plan: PrunePlan) -> str:
    runs = sum(container.kind == Kind.RUN for container in plan.containers)
    if not runs:
        return ""
    return (
        f"{runs} of them hold the endings of runs: if nobody has asked for those since, their exit "
        "codes and the rest of their logs are lost. "
    )


def _row(thing: _Thing) -> dict[str, Any]:
    if isinstance(thing, HeldCache):
        return {"called": thing.id, **asdict(thing)}
    if isinstance(thing, HeldContainer):
        values = asdict(thing)
        return {"called": values.pop("name"), "run": values.pop("run_id"), **values}
    record = thing.record
    return {
        "called": ", ".join(record.tags) or record.id.removeprefix("sha256:")[:12],
        "kind": thing.kind,
        "id": record.id,
        "tags": list(record.tags),
        "name": thing.name,
        "version": thing.version,
        "size_bytes": record.size_bytes,
        "shared_bytes": thing.shared_bytes,
        "made_at": thing.made_at,
        "platform": record.platform,
        "commit": record.labels.get(Label.COMMIT, ""),
        "used_by": list(thing.users),
    }
