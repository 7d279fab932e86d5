"""The image that others build on."""

from __future__ import annotations

from collections.abc import Callable

from ..._core.errors import ConfigError, EngineError, EngineUnavailableError
from ..docker.images import ImageRecord, ImageStore
from .machine import machine_of

__all__ = ["find_base_image"]


def find_base_image(
    images: ImageStore,
    name: str,
    platform: str | None,
    on_line: Callable[[str], None] | None = None,
    *,
    may_be_recent: bool = False,
) -> ImageRecord:
    """Find a base image, pulled if need be.

    Parameters
    ----------
    images
        Where it is, or is to be.
    name
        What it is called.
    platform
        The platform it must be for; any if ``None``.
    on_line
        Called with each line of a pull's progress.
    may_be_recent
        Whether the one of that name of a minute ago will do, if it is remembered.

    Raises
    ------
    ConfigError
        No image can be called so.
    EngineError
        It is not here and cannot be pulled, or is for another platform.
    """
    if name.startswith("-"):
        raise ConfigError(
            f"no image is called {name!r}", hint="Name one such as 'python:3.11-slim'."
        )
    recent = images.find_recent(name) if may_be_recent else None
    if recent is not None and _fits(recent, platform):
        return recent
    base = images.find(name)
    if base is None or not _fits(base, platform):
        _pull(images, name, platform, on_line)
        base = images.find(name)
    if base is None or not _fits(base, platform):
        has = base.platform if base else "nothing"
        raise EngineError(
            f"the base image {name!r} is for {has}, not for {platform}",
            hint="Leave containering.platform out, or choose another base image.",
        )
    return base


def _pull(
    images: ImageStore,
    name: str,
    platform: str | None,
    on_line: Callable[[str], None] | None,
) -> None:
    try:
        images.pull(name, platform=platform, on_line=on_line)
    except EngineUnavailableError:
        raise
    except EngineError as exc:
        where = f" for {platform}" if platform else ""
        raise EngineError(
            f"the base image {name!r} is not here{where} and cannot be pulled: {exc.what}",
            hint="Name one that can: containering.base_image, or TG_BASE_IMAGE.",
        ) from exc


def _fits(base: ImageRecord, platform: str | None) -> bool:
    return platform is None or machine_of(base.platform) == machine_of(platform)
