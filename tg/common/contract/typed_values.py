"""Values of hyperparameters that arrive as text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from enum import Enum
from numbers import Integral, Real
from pathlib import PurePath
from typing import Any

from .._core.errors import HyperparameterError

__all__ = ["TYPE_NAMES", "typed_value", "value_like"]

TYPE_NAMES = ("int", "float", "bool", "str", "json", "none")

_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off"})
_NONE = frozenset({"", "none", "null"})
_INT = re.compile(r"[+-]?[0-9]+")


def typed_value(value: Any, type_name: str, path: str) -> Any:
    """Read `value` as one of :data:`TYPE_NAMES`.

    Parameters
    ----------
    value
        Text, as SageMaker hands it, or a value that has a type already.
    type_name
        What follows the colon of the key.
    path
        The hyperparameter, for the message.

    Raises
    ------
    HyperparameterError
        The value is not of that type.

    Example
    -------
    >>> typed_value("False", "bool", "shuffle"), typed_value("[1, 2]", "json", "layers")
    (False, [1, 2])
    """
    readers: dict[str, Callable[[Any], Any]] = {
        "int": _read_int,
        "float": _read_float,
        "bool": _read_bool,
        "str": str,
        "json": _read_json,
        "none": _read_none,
    }
    try:
        return readers[type_name](value)
    except (ValueError, OverflowError) as exc:
        raise HyperparameterError(
            f"the hyperparameter {path!r} is to be {type_name}, but its value is {value!r}",
            hint=_HINTS[type_name],
        ) from exc


_HINTS = {
    "int": "Give digits only, or another type, such as ':float', at the end of the key.",
    "float": "Give a number with a decimal point, not a comma.",
    "bool": "Give 'True' or 'False'.",
    "str": "",
    "json": "Give JSON: strings in double quotes, true, false and null.",
    "none": "Give 'None', or another type at the end of the key.",
}


def value_like(value: Any, current: Any, path: str) -> Any:
    """Read `value` as the type that `current` has.

    Parameters
    ----------
    value
        Text, or a value that has a type already.
    current
        What the field holds now. ``None`` and containers take JSON, and text that is not JSON as
        it is.
    path
        The hyperparameter, for the message.

    Raises
    ------
    HyperparameterError
        The value is not of that type, or the field holds an object that no text stands for.
    """
    if value is None:
        return None
    if current is None or isinstance(current, dict | list | tuple | set | frozenset):
        return _like_container(value, current, path)
    if isinstance(current, Enum):
        return _like_enum(value, current, path)
    if isinstance(current, PurePath):
        return type(current)(typed_value(value, "str", path))
    type_name = _scalar_type(current)
    if type_name is None:
        raise HyperparameterError(
            f"the hyperparameter {path!r} holds a {type(current).__name__}, not a value",
            hint="Set one of its fields, or give a type at the end of the key, such as ':str'.",
        )
    if type_name == "str" and not isinstance(value, str):
        raise HyperparameterError(
            f"the hyperparameter {path!r} is text, but its value is {value!r}",
            hint="Give text, or a type at the end of the key, such as ':json'.",
        )
    return typed_value(value, type_name, path)


def _scalar_type(current: object) -> str | None:
    if isinstance(current, bool) or type(current).__name__ in ("bool_", "bool"):
        return "bool"  # before int: True is one; numpy's own boolean is not
    if isinstance(current, Integral):
        return "int"
    if isinstance(current, Real):
        return "float"
    return "str" if isinstance(current, str) else None


def _like_container(value: Any, current: Any, path: str) -> Any:
    if isinstance(value, str):
        try:
            value = _read_json(value)
        except ValueError:
            return value
    if isinstance(current, tuple | set | frozenset) and isinstance(value, list):
        try:
            return type(current)(value)
        except TypeError as exc:  # a named tuple, or a set of lists
            raise HyperparameterError(
                f"the hyperparameter {path!r} is a {type(current).__name__}, "
                f"which {value!r} does not fit",
                hint="Give a value of that form, or set its fields one by one.",
            ) from exc
    return value


def _like_enum(value: Any, current: Enum, path: str) -> Enum:
    for member in type(current):
        if value is member or value == member.name or str(value) == str(member.value):
            return member
    names = ", ".join(member.name for member in type(current))
    raise HyperparameterError(
        f"the hyperparameter {path!r} is a {type(current).__name__}, and {value!r} is none",
        hint=f"Give one of {names}.",
    )


def _read_int(value: Any) -> int:
    if isinstance(value, str) and _INT.fullmatch(value.strip()):
        return int(value)
    if isinstance(value, Integral) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    raise ValueError(value)


def _read_float(value: Any) -> float:
    if isinstance(value, str) and "_" not in value:  # Python reads 1_0 as 10
        return float(value)
    if isinstance(value, Real) and not isinstance(value, bool):
        return float(value)
    raise ValueError(value)


def _read_bool(value: Any) -> bool:
    text = str(value).strip().lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ValueError(value)


def _read_json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def _read_none(value: Any) -> None:
    if value is not None and str(value).strip().lower() not in _NONE:
        raise ValueError(value)
