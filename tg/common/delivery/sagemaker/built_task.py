"""What a build method is given, and what it has to return."""

from __future__ import annotations

import copy
from collections.abc import Mapping, MutableMapping
from typing import Any

from ..._core.errors import ConfigError, GridError

__all__ = ["copied", "grid_error", "info_of"]

_SHOWN = 10


def copied(arguments: dict[str, Any]) -> dict[str, Any]:
    """Copy the arguments that all tasks have in common.

    Raises
    ------
    ConfigError
        They cannot be copied.
    """
    try:
        return copy.deepcopy(arguments)
    except Exception as exc:  # a value's own code may raise anything
        raise ConfigError(
            f"the common arguments {', '.join(arguments)} cannot be copied for each task: {exc}",
            hint="Make in the build method what cannot be copied.",
        ) from exc


def info_of(task: Any, name: str) -> MutableMapping[str, Any]:
    """Give the dictionary in which a task keeps its name.

    Raises
    ------
    ConfigError
        It has none.
    """
    info = getattr(task, "info", None)
    if not isinstance(info, MutableMapping):
        raise ConfigError(
            f"the build method returned a {type(task).__name__} for {name!r}, whose info is "
            f"{info!r} and not a dictionary",
            hint="Return a task, or any object with the attribute info=dict().",
        )
    return info


def grid_error(failures: Mapping[str, Exception], cells: int) -> GridError:
    """Name all cells whose tasks cannot be built, and why."""
    texts = {name: _text(exc) for name, exc in failures.items()}
    shown = "; ".join(
        f"{name} ({text.splitlines()[0]})" for name, text in list(texts.items())[:_SHOWN]
    )
    more = f"; and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return GridError(
        f"the build method failed for {len(texts)} of {cells} cells: {shown}{more}",
        failures=texts,
        hint="Mend it, or leave these values out of the grid.",
    )


def _text(error: Exception) -> str:
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001 - the texts of a user's own class are the user's code
        return type(error).__name__
