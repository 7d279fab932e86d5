"""Removing from the engine what was made here and is no longer used."""

from __future__ import annotations

import fnmatch
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ..._core.errors import EngineError, EngineUnavailableError
from ..._core.retention import Retention
from .engine import DockerEngine
from .holdings import HeldContainer, HeldImage, Holdings
from .images import ImageStore
from .labels import Kind

__all__ = ["PruneOutcome", "PrunePlan", "PruneRules", "freed_bytes", "plan_prune", "prune"]

# a build that goes on needs what it made a moment ago
_BUILD_TIME = timedelta(minutes=10)
_REMOVAL_SECONDS = 600.0
# what another prune has removed, or is removing
_GONE = ("no such image", "no such container", "already in progress", "unrecognized image id")


@dataclass(frozen=True, kw_only=True)
class PruneRules:
    """What may go.

    Attributes
    ----------
    names
        Patterns in the form of ``fnmatch``, of names with or without a tag; empty for all.
    retention
        What is kept for its age.
    with_named
        Whether images go that have got other names since they were built, and what a build made in
        the last ten minutes.
    with_runs
        Whether ended containers of runs go: they hold what runs that nobody has looked after since
        would be settled by.
    """

    names: tuple[str, ...] = ()
    retention: Retention = field(default_factory=Retention)
    with_named: bool = False
    with_runs: bool = False

    def match(self, *names: str) -> bool:
        """Whether one of the names is asked for."""
        known = {part for name in names if name for part in (name, name.rpartition(":")[0])}
        return not self.names or any(
            fnmatch.fnmatchcase(name, pattern) for name in known - {""} for pattern in self.names
        )


@dataclass(frozen=True, kw_only=True)
class PrunePlan:
    """What goes, and what stays for which reason.

    Attributes
    ----------
    containers, images
        What goes, in that order; an image goes before the one that it stands on.
    kept
        What was asked for and stays, with the reason; by id.
    """

    containers: tuple[HeldContainer, ...]
    images: tuple[HeldImage, ...]
    kept: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class PruneOutcome:
    """What became of one thing.

    Attributes
    ----------
    thing
        The image or container.
    removed
        Whether it is gone; also if another process removed it first.
    reason
        Why it is not.
    """

    thing: HeldImage | HeldContainer
    removed: bool
    reason: str = ""


def plan_prune(holdings: Holdings, rules: PruneRules, now: datetime) -> PrunePlan:
    """Decide what goes, without touching anything.

    Parameters
    ----------
    holdings
        What the engine holds.
    rules
        What may go.
    now
        The time that counts, with its zone.
    """
    kept: dict[str, str] = {}
    containers = _containers(holdings, rules, now, kept)
    asked = [i for i in holdings.images if rules.match(i.name, *i.record.tags)]
    gone = {container.name for container in containers}
    for image, old_enough in zip(
        asked, rules.retention.reasons([(_group(i), i.made_at) for i in asked], now), strict=True
    ):
        reason = _reason(image, gone, rules, now) or old_enough
        if reason:
            kept[image.record.id] = reason
    images = _standing_on_none([i for i in asked if i.record.id not in kept], holdings, kept)
    return PrunePlan(
        containers=tuple(containers),
        images=tuple(images),
        kept=kept,
    )


def prune(engine: DockerEngine, plan: PrunePlan) -> Iterator[PruneOutcome]:
    """Remove what a plan says, one by one; what has come into use since is kept.

    Raises
    ------
    EngineUnavailableError
        The engine does not answer.
    """
    for container in plan.containers:
        # without force: one that was started again stays
        args = ["container", "rm", "--volumes", container.id]
        yield _attempt(
            functools.partial(engine.call, args, timeout_seconds=_REMOVAL_SECONDS), container
        )
    for image in plan.images:
        yield _remove_image(engine, image)


def _containers(
    holdings: Holdings, rules: PruneRules, now: datetime, kept: dict[str, str]
) -> list[HeldContainer]:
    asked = [c for c in holdings.containers if rules.match(c.name)]
    # each container has a name of its own, so that `keep` says nothing of them
    retention = Retention(older_than_days=rules.retention.older_than_days)
    reasons = retention.reasons([(c.name, c.ended_at) for c in asked], now)
    for container, reason in zip(asked, reasons, strict=True):
        if container.kind == Kind.RUN and not rules.with_runs:
            kept[container.id] = "holds the ending of a run"
        elif container.kind == Kind.BUILD and _is_fresh(container.ended_at, rules, now):
            kept[container.id] = "a build may still need it"
        elif reason:
            kept[container.id] = reason
    return [c for c in asked if c.id not in kept]


def _reason(image: HeldImage, gone: set[str], rules: PruneRules, now: datetime) -> str:
    users = [name for name in image.users if name not in gone]
    if users:
        return f"used by the container {_listed(users)}"
    if image.foreign_tags and not rules.with_named:
        return f"it was also called {_listed(image.foreign_tags)}"
    if image.kind != Kind.IMAGE and _is_fresh(image.made_at, rules, now):
        return "a build may still need it"
    return ""


def _group(image: HeldImage) -> str:
    # a lock is kept for the images that stand on it; there is no newest one
    return image.name if image.kind == Kind.IMAGE else image.record.id


def _is_fresh(moment: datetime, rules: PruneRules, now: datetime) -> bool:
    return not rules.with_named and now - moment < _BUILD_TIME


def _standing_on_none(
    candidates: list[HeldImage], holdings: Holdings, kept: dict[str, str]
) -> list[HeldImage]:
    """Leave out what an image that stays stands on; the topmost come first."""
    going = {image.record.id for image in candidates}
    staying = [image for image in holdings.images if image.record.id not in going]
    removed = sorted(candidates, key=lambda i: (-len(i.layers), i.kind == Kind.DEPENDENCIES))
    is_settled = False
    while not is_settled:
        is_settled = True
        for image in list(removed):
            above = [_called(other) for other in staying if _stands_on(other, image)]
            above += [key[:19] for key, layers in holdings.others.items() if _begins(layers, image)]
            if above:
                kept[image.record.id] = f"the image {_listed(above)} stands on it"
                staying.append(image)
                removed.remove(image)
                is_settled = False  # it may itself stand on one that was looked at before
    return removed


def _stands_on(image: HeldImage, lower: HeldImage) -> bool:
    key = lower.dependencies_key
    has_its_lock = (
        lower.kind == Kind.DEPENDENCIES
        and image.kind == Kind.IMAGE
        and bool(key)
        and image.dependencies_key == key
    )
    return has_its_lock or _begins(image.layers, lower)


def _begins(layers: tuple[str, ...], lower: HeldImage) -> bool:
    count = len(lower.layers)
    return 0 < count < len(layers) and layers[:count] == lower.layers


def freed_bytes(images: Sequence[HeldImage], holdings: Holdings) -> int:
    """Add up what is in no other image than these, so that their removal frees it."""
    ids = {image.record.id for image in images}
    staying = {i.layers for i in holdings.images if i.record.id not in ids}
    staying.update(holdings.others.values())
    freed = {
        image.layers: image.record.size_bytes - image.base_bytes
        for image in images
        if image.layers not in staying
    }
    return sum(freed.values())


def _remove_image(engine: DockerEngine, planned: HeldImage) -> PruneOutcome:
    images = ImageStore(engine)
    record = images.find(planned.record.id)
    if record is None:
        return PruneOutcome(thing=planned, removed=True)
    new = [tag for tag in record.tags if tag not in planned.record.tags]
    if new:
        reason = f"it has just been called {_listed(new)}"
        return PruneOutcome(thing=planned, removed=False, reason=reason)
    # The last name goes with the image, by its id: a name may have gone to another one meanwhile,
    # and an image that is used loses none.
    for tag in record.tags[:-1]:
        outcome = _attempt(functools.partial(images.remove, tag), planned)
        if not outcome.removed:
            return outcome
    outcome = _attempt(functools.partial(images.remove, record.id), planned)
    if not outcome.removed and images.find(record.id) is None:
        # engines have many words for what somebody else removes at the same moment
        return PruneOutcome(thing=planned, removed=True)
    return outcome


def _attempt(remove: Callable[[], object], thing: HeldImage | HeldContainer) -> PruneOutcome:
    try:
        remove()
    except EngineUnavailableError:
        raise
    except EngineError as exc:
        said = exc.what.lower()
        if not any(words in said for words in _GONE):
            return PruneOutcome(thing=thing, removed=False, reason=exc.what)
    return PruneOutcome(thing=thing, removed=True)


def _called(image: HeldImage) -> str:
    return image.record.tags[0] if image.record.tags else image.record.id[:19]


def _listed(names: Iterable[str]) -> str:
    first, *more = names
    return f"{first} and {len(more)} more" if more else first
