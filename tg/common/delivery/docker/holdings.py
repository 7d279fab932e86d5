"""What the engine holds of ours: images, ended containers, caches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .engine import DockerEngine
from .images import ImageRecord, ImageStore
from .inspection import inspect, parse_time, parsed
from .labels import Kind, Label

__all__ = ["HeldContainer", "HeldImage", "Holdings", "read_holdings"]

_ENDED = ("exited", "dead", "created")
_KINDS = (Kind.IMAGE, Kind.DEPENDENCIES, Kind.BUILD)


@dataclass(frozen=True, kw_only=True)
class HeldImage:
    """An image that was made here.

    Attributes
    ----------
    record
        What the engine knows of it.
    layers
        The digests of its layers, the lowest first.
    shared_bytes
        What it shares with other images in the engine.
    base_bytes
        What it shares with the largest image that it stands on.
    users
        The names of the containers that use it, also of those that have ended.
    """

    record: ImageRecord
    layers: tuple[str, ...] = ()
    shared_bytes: int = 0
    base_bytes: int = 0
    users: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """What it holds: a value of :class:`Kind`."""
        return self.record.labels.get(Label.KIND, "")

    @property
    def name(self) -> str:
        """The package's name; of an image of dependencies, its base image's."""
        return self.record.labels.get(Label.NAME, "")

    @property
    def version(self) -> str:
        """The package's version; of an image of dependencies, the key of its lock."""
        if self.kind != Kind.IMAGE:
            return self.dependencies_key
        return self.record.labels.get(Label.VERSION, "")

    @property
    def dependencies_key(self) -> str:
        """The key of the lock that it holds, or stands on."""
        return self.record.labels.get(Label.DEPENDENCIES, "")

    @property
    def made_at(self) -> datetime:
        """When it was made."""
        return parse_time(self.record.created_at)

    @property
    def foreign_tags(self) -> tuple[str, ...]:
        """The names that it did not get when it was built."""
        own = self.record.labels.get(Label.REFERENCE)
        return tuple(tag for tag in self.record.tags if tag != own)


@dataclass(frozen=True, kw_only=True)
class HeldContainer:
    """A container of ours that has ended.

    Attributes
    ----------
    id
        As hexadecimal digits.
    name
        What it is called.
    kind
        ``"run"``, or ``"build"`` for what a build left that was killed.
    run_id
        The run's id; empty if it is of a build.
    exit_code
        Of its first process.
    image_id
        The image it was made of.
    ended_at
        When it ended, or was made if it never started.
    """

    id: str
    name: str
    kind: str
    run_id: str
    exit_code: int
    image_id: str
    ended_at: datetime


@dataclass(frozen=True, kw_only=True)
class Holdings:
    """What was made here, and what stands on it.

    Attributes
    ----------
    images
        Ours, the newest first.
    containers
        Ours that have ended, the newest first.
    others
        The layers of all images in the engine that are not ours, by id.
    """

    images: tuple[HeldImage, ...] = ()
    containers: tuple[HeldContainer, ...] = ()
    others: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def read_holdings(engine: DockerEngine) -> Holdings:
    """Ask the engine what it holds.

    Raises
    ------
    EngineUnavailableError
        It does not answer.
    FormatError
        It answers in a way that is not known.
    """
    # what a user made of a run's container is the user's
    records = [r for r in ImageStore(engine).ours() if r.labels.get(Label.KIND) in _KINDS]
    chains = _chains(engine)
    containers = _containers(engine)
    users: dict[str, list[str]] = {}
    for values in containers:
        users.setdefault(values["image"], []).append(values["name"].lstrip("/"))
    own = {record.id for record in records}
    return Holdings(
        images=tuple(
            _held_image(record, chains, tuple(sorted(users.get(record.id, ()))))
            for record in records
        ),
        containers=tuple(
            sorted(_ended(containers), key=lambda found: found.ended_at, reverse=True)
        ),
        others={key: chain.layers for key, chain in chains.items() if key not in own},
    )


@dataclass(frozen=True, kw_only=True)
class _Chain:
    """The layers of an image, ours or not, and what they take in all."""

    layers: tuple[str, ...]
    size_bytes: int


def _chains(engine: DockerEngine) -> dict[str, _Chain]:
    ids = [line for line in engine.lines(["image", "ls", "--no-trunc", "--quiet"]) if line]
    form = '{"id":{{json .Id}},"size":{{json .Size}},"layers":{{json .RootFS.Layers}}}'
    found = inspect(engine, "image", ids, form)
    return parsed(
        "an image",
        lambda: {
            values["id"]: _Chain(
                layers=tuple(values["layers"] or ()), size_bytes=int(values["size"])
            )
            for values in found
        },
    )


def _held_image(
    record: ImageRecord, chains: Mapping[str, _Chain], users: tuple[str, ...]
) -> HeldImage:
    """Add up the layers that others have as well, as far as an image ends where they do."""
    layers = chains[record.id].layers if record.id in chains else ()
    others = [chain for key, chain in chains.items() if key != record.id and chain.layers]
    below = [o.size_bytes for o in others if o.layers == layers[: len(o.layers)] != layers]
    is_base = bool(layers) and any(o.layers[: len(layers)] == layers for o in others)
    return HeldImage(
        record=record,
        layers=layers,
        shared_bytes=record.size_bytes if is_base else max(below, default=0),
        base_bytes=max(below, default=0),
        users=users,
    )


def _containers(engine: DockerEngine) -> list[dict[str, Any]]:
    ids = [line for line in engine.lines(["ps", "--all", "--no-trunc", "--quiet"]) if line]
    form = (
        '{"id":{{json .Id}},"name":{{json .Name}},"image":{{json .Image}},"state":{{json .State}},'
        '"created":{{json .Created}},"labels":{{json .Config.Labels}}}'
    )
    return inspect(engine, "container", ids, form)


def _ended(containers: Iterable[Mapping[str, Any]]) -> list[HeldContainer]:
    def held(values: Mapping[str, Any]) -> HeldContainer:
        labels = values["labels"] or {}
        ended_at = parse_time(values["state"]["FinishedAt"])
        return HeldContainer(
            id=values["id"],
            name=values["name"].lstrip("/"),
            kind=labels[Label.KIND],
            run_id=labels.get(Label.RUN, ""),
            exit_code=int(values["state"]["ExitCode"]),
            image_id=values["image"],
            ended_at=parse_time(values["created"]) if ended_at.year == 1 else ended_at,
        )

    # an image's labels are its containers' too: one that a user started has the kind of the image
    kinds = (Kind.RUN, Kind.BUILD)
    return parsed(
        "a container",
        lambda: [
            held(values)
            for values in containers
            if (values["labels"] or {}).get(Label.KIND) in kinds
            and values["state"]["Status"] in _ENDED
        ],
    )
