"""What travels by value: the identity of its classes, and what cloudpickle alone cannot hold."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

__all__ = ["reduce_specially", "with_identity"]

_IDENTITY_AT = {"_make_skeleton_class": 4, "_make_skeleton_enum": 5}


def with_identity(obj: Any, reduced: Any, identify: Callable[[str], str]) -> Any:
    """Put an identity and the qualified name into what a class by value is reduced to.

    Parameters
    ----------
    obj
        The class.
    reduced
        What cloudpickle reduces it to; anything else is given back as it is.
    identify
        Makes the identity from cloudpickle's own.
    """
    maker = getattr(reduced[0], "__name__", "") if isinstance(reduced, tuple) else ""
    if maker not in _IDENTITY_AT:
        return reduced
    at = _IDENTITY_AT[maker]
    args = reduced[1]
    tracked = args[at] or ""
    # one that came here from elsewhere has its name already
    identity = tracked if tracked.count(":") else f"{identify(tracked)}:{obj.__qualname__}"
    return (reduced[0], (*args[:at], identity, *args[at + 1 :]), *reduced[2:])


def reduce_specially(obj: Any) -> Any | None:
    """Reduce what holds a function of ``__main__`` behind a cache, or nothing special: ``None``."""
    if isinstance(obj, functools._lru_cache_wrapper) and obj.__module__ == "__main__":  # noqa: SLF001 it has no public name
        parameters = obj.cache_parameters()
        return _cached, (obj.__wrapped__, parameters["maxsize"], parameters["typed"])
    if type(obj) is functools.cached_property:  # holds a lock before Python 3.12
        # not in typeshed, but set by __set_name__, which is not called again
        state = {"attrname": obj.attrname, "__doc__": obj.__doc__}
        return functools.cached_property, (obj.func,), state
    return None


def _cached(function: Any, maxsize: int | None, typed: bool) -> Any:
    return functools.lru_cache(maxsize=maxsize, typed=typed)(function)
