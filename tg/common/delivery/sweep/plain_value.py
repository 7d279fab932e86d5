"""Values of parameters, as a journal and a table can hold them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Set
from enum import Enum
from typing import Any

__all__ = ["plain_value"]

_SHOWN = 200
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
    if isinstance(value, Enum):
        return value.name
    for kinds, plain in _PLAIN:
        if isinstance(value, kinds):
            return plain(value)
    if callable(getattr(value, "tolist", None)) and hasattr(value, "dtype"):
        return plain_value(value.tolist())  # numpy's scalars and arrays
    return _encodable(str(getattr(value, "__name__", "") or value)[:_SHOWN])


def _encodable(text: str) -> str:
    """Spell out what no table can hold: bytes of a file's name that are no UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _finite(value: float) -> float | str:
    return float(value) if math.isfinite(value) else str(float(value))


def _drawable(value: int) -> int | str:
    """Give a number if an axis has a place for it: beyond 1e308 there is no float."""
    bits = value.bit_length()
    return int(value) if bits < _FLOAT_BITS else f"a number of {bits} bits"


def _listed(values: Iterable[Any]) -> list[Any]:
    return [plain_value(one) for one in values]


# the first that fits
_PLAIN: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    ((bool, type(None)), lambda value: value),
    (str, _encodable),
    (int, _drawable),
    (float, _finite),
    (Mapping, lambda value: {_encodable(str(key)): plain_value(one) for key, one in value.items()}),
    ((list, tuple), _listed),
    (Set, lambda value: sorted(_listed(value), key=repr)),
)
