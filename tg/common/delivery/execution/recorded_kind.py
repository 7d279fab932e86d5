"""The class of something that was written down, and is opened again."""

from __future__ import annotations

import contextlib
import importlib
import re
from typing import TypeVar

from ..._core.errors import FormatError

__all__ = ["recorded_class", "recorded_kind"]

_ME = "common.delivery.execution.recorded_kind"
_LIBRARY = "tg"
_KIND = re.compile(r"([A-Za-z_][\w.]*):([A-Z]\w*)\Z")
_T = TypeVar("_T")


def recorded_kind(one: type) -> str:
    """Name a class; one of this library is called the same whatever its root is called here.

    Example
    -------
    >>> from .run import Run
    >>> recorded_kind(Run)
    'tg.common.delivery.execution.run:Run'
    """
    return f"{_renamed(one.__module__, _root(), _LIBRARY)}:{one.__qualname__}"


def recorded_class(kind: object, base: type[_T], *, of_users: bool = False) -> type[_T]:
    """Find the class that is so called; nothing is imported that may not be.

    Parameters
    ----------
    kind
        As :func:`recorded_kind` gave it.
    base
        What the class must be derived from.
    of_users
        Whether it may be of another library than this one: where the record is a user's own.

    Raises
    ------
    FormatError
        There is no such class, or it is not derived from ``base``.

    Example
    -------
    >>> from .launcher import Launcher
    >>> recorded_class("os:system", Launcher)
    Traceback (most recent call last):
        ...
    tg.common._core.errors.FormatError: there is no Launcher of the kind 'os:system'. ...
    """
    named = _KIND.match(kind) if isinstance(kind, str) else None
    found = None
    if named and (of_users or named[1].startswith(f"{_LIBRARY}.")):
        with contextlib.suppress(ImportError):
            module = importlib.import_module(_renamed(named[1], _LIBRARY, _root()))
            found = getattr(module, named[2], None)
    if not isinstance(found, type) or not issubclass(found, base):
        raise FormatError(
            f"there is no {base.__name__} of the kind {kind!r}",
            hint="Use the version of training-grounds, and the extras, that wrote it; or the "
            "record is damaged.",
        )
    return found


def _renamed(module: str, root: str, other: str) -> str:
    """Put a module that is below one root under the other."""
    below = module.removeprefix(f"{root}.")
    return module if below == module else f"{other}.{below}"


def _root() -> str:
    # under the root that the library has here: packages rename it
    return __name__.removesuffix(_ME).rstrip(".")
