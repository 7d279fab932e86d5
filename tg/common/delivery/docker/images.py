"""The images in the engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .engine import DockerEngine
from .inspection import inspect, parsed
from .labels import Kind, Label
from .recent_images import RECENT_IMAGES

__all__ = ["ImageRecord", "ImageStore"]

_PULL_SECONDS = 3_600.0
_REMOVAL_SECONDS = 600.0


@dataclass(frozen=True, kw_only=True)
class ImageRecord:
    """What the engine knows of an image.

    Attributes
    ----------
    id
        Its digest, ``sha256:…``.
    tags
        What it is called, ``name:tag``; empty if the name has gone to another image.
    labels
        Its labels.
    size_bytes
        Of all its layers, those that it shares with others included.
    created_at
        When it was made, UTC in ISO 8601.
    platform
        Such as ``linux/amd64``.
    """

    id: str
    tags: tuple[str, ...]
    labels: Mapping[str, str]
    size_bytes: int
    created_at: str
    platform: str


class ImageStore:
    """Finds, pulls and removes images.

    Parameters
    ----------
    engine
        Where they are.
    """

    def __init__(self, engine: DockerEngine) -> None:
        self._engine = engine

    def find(self, reference: str) -> ImageRecord | None:
        """Give the image of that name, tag or id; ``None`` if it is not here."""
        found = self._records([reference])
        if found:
            RECENT_IMAGES.put(self._engine, reference, found[0])
        return found[0] if found else None

    def find_recent(self, reference: str) -> ImageRecord | None:
        """Give what :meth:`find` gave for it in the last minute; ``None`` if that is not known.

        The engine is not asked: see `RecentImages`.
        """
        return RECENT_IMAGES.get(self._engine, reference)

    def find_content(self, content_hash: str) -> str | None:
        """Give the id of the training image with that content, or ``None``.

        What users make of an image, or of a run's container, has the labels of it as well. It is
        younger, and is called otherwise.
        """
        # without `--all`, one that has lost its name is not told of if others stand on it
        ids = list(dict.fromkeys(self._ids(f"{Label.CONTENT_HASH}={content_hash}", "--all")))
        found = [r for r in (self._records(ids) if ids else []) if _has_its_own_name(r)]
        return min(found, key=lambda record: record.created_at).id if found else None

    def ours(self) -> list[ImageRecord]:
        """Give all images that this library made, the newest first."""
        return self._records(self._ids(Label.KIND))

    def pull(
        self, reference: str, *, platform: str | None, on_line: Callable[[str], None] | None
    ) -> None:
        """Get an image from its registry.

        Raises
        ------
        EngineError
            There is none of that name, or it cannot be reached.
        """
        options = ["--platform", platform] if platform else []
        args = ["pull", *options, reference]
        try:
            self._engine.call(args, timeout_seconds=_PULL_SECONDS, on_line=on_line)
        finally:
            RECENT_IMAGES.clear()

    def tag(self, image_id: str, name: str) -> None:
        """Call an image so; another one of that name loses it."""
        try:
            self._engine.call(["image", "tag", image_id, name])
        finally:
            RECENT_IMAGES.clear()

    def remove(self, reference: str) -> None:
        """Remove a name of an image; the last one, or its id, takes the image along.

        Raises
        ------
        EngineError
            A container uses it, or there is none of that name.
        """
        try:
            self._engine.call(["image", "rm", reference], timeout_seconds=_REMOVAL_SECONDS)
        finally:
            RECENT_IMAGES.clear()

    def _ids(self, label_filter: str, *options: str) -> list[str]:
        args = ["image", "ls", "--no-trunc", "--quiet", *options]
        args += ["--filter", f"label={label_filter}"]
        return [line for line in self._engine.lines(args) if line.startswith("sha256:")]

    def _records(self, references: list[str]) -> list[ImageRecord]:
        found = inspect(self._engine, "image", references)
        return parsed("an image", lambda: [_record(values) for values in found])


def _has_its_own_name(image: ImageRecord) -> bool:
    """Whether it has the name that it was built with, or none any more."""
    own = image.labels.get(Label.REFERENCE)
    is_ours = image.labels.get(Label.KIND) == Kind.IMAGE
    return is_ours and (own is None or not image.tags or own in image.tags)


def _record(values: Mapping[str, Any]) -> ImageRecord:
    return ImageRecord(
        id=values["Id"],
        tags=tuple(values.get("RepoTags") or ()),
        labels=dict((values.get("Config") or {}).get("Labels") or {}),
        size_bytes=int(values["Size"]),
        created_at=str(values["Created"]),
        platform=f"{values['Os']}/{values['Architecture']}",
    )
