"""The images in the engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .engine import DockerEngine
from .inspection import inspect, parsed
from .labels import Label

__all__ = ["ImageRecord", "ImageStore"]

_PULL_SECONDS = 3_600.0


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
        return found[0] if found else None

    def find_labelled(self, label: Label, value: str) -> str | None:
        """Give the id of the newest image with a label, or ``None``."""
        ids = self._ids(f"{label}={value}")
        return ids[0] if ids else None

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
        self._engine.call(args, timeout_seconds=_PULL_SECONDS, on_line=on_line)

    def tag(self, image_id: str, name: str) -> None:
        """Call an image so; another one of that name loses it."""
        self._engine.call(["image", "tag", image_id, name])

    def remove(self, image: ImageRecord) -> None:
        """Remove an image with all its names; layers that others use stay.

        Raises
        ------
        EngineError
            A container uses it.
        """
        self._engine.call(["image", "rm", *(image.tags or (image.id,))])

    def _ids(self, label_filter: str) -> list[str]:
        args = ["image", "ls", "--no-trunc", "--quiet", "--filter", f"label={label_filter}"]
        return [line for line in self._engine.lines(args) if line.startswith("sha256:")]

    def _records(self, references: list[str]) -> list[ImageRecord]:
        found = inspect(self._engine, "image", references)
        return parsed("an image", lambda: [_record(values) for values in found])


def _record(values: Mapping[str, Any]) -> ImageRecord:
    return ImageRecord(
        id=values["Id"],
        tags=tuple(values.get("RepoTags") or ()),
        labels=dict((values.get("Config") or {}).get("Labels") or {}),
        size_bytes=int(values["Size"]),
        created_at=str(values["Created"]),
        platform=f"{values['Os']}/{values['Architecture']}",
    )
