"""Values of parameters, as a journal and a table can hold them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Set
from enum import Enum
from typing import Any

from .plain_text import plain_text

__all__ = ["plain_value"]

_SHOWN = 200
_DEPTH = 50  # what contains itself ends there
_FLOAT_BITS = 1024


def plain_value(value: Any) -> Any:
    """Give what JSON can hold of a value.

    Parameters
    ----------
    value
        Anything.

    Returns
    -------
    object
        ``None``, a bool, number or text, or a list or dictionary of such; what is nothing of the
        kind is given by its name or its text.

    Example
    -------
    >>> plain_value({"layers": (10, 5), "loss": max, "rate": float("inf")})
    {'layers': [10, 5], 'loss': 'max', 'rate': 'inf'}
    """
    return _part(value, 0)


def _part(value: Any, depth: int) -> Any:
    try:
        return _plain(value, depth)
    except Exception:  # noqa: BLE001 - a value's own code may raise anything
        return f"an object of {type(value).__name__}"


def _plain(value: Any, depth: int) -> Any:
    if isinstance(value, Enum):
        return value.name
    for kinds, plain in _PLAIN:
        if isinstance(value, kinds):
            return plain(value)
    if isinstance(value, Mapping | list | tuple | Set):
        return "..." if depth == _DEPTH else _parts(value, depth + 1)
    if callable(getattr(value, "tolist", None)) and hasattr(value, "dtype"):
        return _part(value.tolist(), depth)  # numpy's scalars and arrays
    return plain_text(str(getattr(value, "__name__", "") or value)[:_SHOWN])


def _parts(value: Any, depth: int) -> Any:
    if isinstance(value, Mapping):
        return {plain_text(str(key)): _part(one, depth) for key, one in value.items()}
    parts = [_part(one, depth) for one in value]
    return sorted(parts, key=repr) if isinstance(value, Set) else parts


def _finite(value: float) -> float | str:
    return float(value) if math.isfinite(value) else str(float(value))


def _drawable(value: int) -> int | str:
    """Give a number if an axis has a place for it: beyond 1e308 there is no float."""
    bits = value.bit_length()
    return int(value) if bits < _FLOAT_BITS else f"a number of {bits} bits"


# the first that fits
_PLAIN: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    ((bool, type(None)), lambda value: value),
    (str, plain_text),
    (int, _drawable),
    (float, _finite),
)
