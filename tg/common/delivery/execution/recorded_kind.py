"""The class of something that was written down, and is opened again."""

from __future__ import annotations

import contextlib
import importlib
import re
from typing import TypeVar

from ..._core.errors import FormatError

__all__ = ["recorded_class", "recorded_kind"]

_ME = "common.delivery.execution.recorded_kind"
_KIND = re.compile(r"tg((?:\.[a-z_][a-z0-9_]*)+):([A-Z]\w*)\Z")
_T = TypeVar("_T")


def recorded_kind(one: type) -> str:
    """Name a class of this library, whatever the library's root is called here.

    Example
    -------
    >>> from .run import Run
    >>> recorded_kind(Run)
    'tg.common.delivery.execution.run:Run'
    """
    below = one.__module__.removeprefix(_root())
    return f"tg{below}:{one.__qualname__}"


def recorded_class(kind: object, base: type[_T]) -> type[_T]:
    """Find the class that is so called; a record can name no other code than this library's.

    Parameters
    ----------
    kind
        ``"tg.MODULE:CLASS"``.
    base
        What the class must be derived from.

    Raises
    ------
    FormatError
        There is no such class.

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
    if named:
        with contextlib.suppress(ImportError):
            found = getattr(importlib.import_module(_root() + named[1]), named[2], None)
    if not isinstance(found, type) or not issubclass(found, base):
        raise FormatError(
            f"there is no {base.__name__} of the kind {kind!r}",
            hint="The record is damaged, or a newer version of training-grounds wrote it.",
        )
    return found


def _root() -> str:
    # under the root that the library has here: packages rename it
    return __name__.removesuffix(_ME).rstrip(".")
