"""From a value to its description, for every type of which the value is known."""

from __future__ import annotations

import dataclasses
import enum
import functools
import re
import types
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePath
from typing import Any
from uuid import UUID

from ..._core.errors import NamingError
from .array_description import describe_array
from .node import Node

__all__ = ["describe"]

_NUMBER = re.compile(r"-?\d+(\.\d+)?(e[+-]?\d+)?")
# "<object at 0x7f...>" differs from one process to the next
_ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]+|\bid=\d{6,}")
_BY_REPR = (complex, Fraction, time, tzinfo, range, slice, bytes, bytearray)
# how to read the value of a subclass, which may print and iterate as it likes
_BASES: dict[type, Callable[[Any], Any]] = {
    int: int.__index__,
    float: float.__float__,
    str: str.__str__,
    list: list.__iter__,
    tuple: tuple.__iter__,
    set: set.__iter__,
    frozenset: frozenset.__iter__,
}
_FUNCTIONS = (
    types.FunctionType,
    types.MethodType,
    types.BuiltinFunctionType,
    types.MethodDescriptorType,
)


def describe(value: object, path: str) -> Node:
    """Describe a value.

    Parameters
    ----------
    value
        Any value. ``None``, bool, int, float, str and lists, tuples, sets and dictionaries of such
        are written out in full; enum members, paths, dates, numbers of other kinds, arrays,
        classes, functions and data classes by what identifies them.
    path
        The parameter's name, for the error message.

    Returns
    -------
    Node
        Equal trees for equal values of the same type, in every process.

    Raises
    ------
    NamingError
        If the value, or a part of it, is known by its address only, or contains itself.

    Example
    -------
    >>> describe([10, 5], "network_size").canonical() == describe((10, 5), "").canonical()
    False
    """
    try:
        return _describe(value, path)
    except RecursionError as exc:
        raise NamingError(
            f"the value of {path} is nested too deep or contains itself, so it cannot be named",
            hint="Give a value that can be written down.",
        ) from exc


def _describe(value: object, path: str) -> Node:
    plain = _PLAIN.get(type(value))
    if plain is not None:
        return plain(value, path)
    if type(value).__module__.partition(".")[0] == "numpy" and hasattr(value, "dtype"):
        return describe_array(value, path, _describe)
    for kinds, describer in _LABELLED:
        if isinstance(value, kinds):
            return describer(value, path)
    return _object(value, path)


# --- values that are written out in full -------------------------------------------------------


def _atom(kind: str, show: Callable[[Any], str]) -> Callable[[Any, str], Node]:
    return lambda value, _path: Node(kind=kind, text=show(value))


def _sequence(kind: str) -> Callable[[Iterable[Any], str], Node]:
    def describe_parts(value: Iterable[Any], path: str) -> Node:
        parts = tuple(_describe(item, f"{path}[{index}]") for index, item in enumerate(value))
        return Node(kind=kind, parts=parts)

    return describe_parts


def _unordered(kind: str) -> Callable[[Iterable[Any], str], Node]:
    def describe_parts(value: Iterable[Any], path: str) -> Node:
        # the order of a set changes with PYTHONHASHSEED
        parts = (_describe(item, f"{path}{{...}}") for item in value)
        return Node(kind=kind, parts=tuple(sorted(parts, key=Node.canonical)))

    return describe_parts


def _mapping(value: Mapping[Any, Any], path: str) -> Node:
    pairs = [
        (_describe(key, f"{path} (a key)"), _describe(item, f"{path}[{key!r}]"))
        for key, item in value.items()
    ]
    # equal dictionaries may differ in order
    pairs.sort(key=lambda pair: pair[0].canonical())
    return Node(kind="dict", parts=tuple(node for pair in pairs for node in pair))


_PLAIN: dict[type, Callable[[Any, str], Node]] = {
    type(None): _atom("none", lambda _value: "none"),
    bool: _atom("bool", lambda value: "true" if value else "false"),
    # decimal digits of very long integers are refused by Python (CVE-2020-10735)
    int: _atom("int", lambda value: str(value) if value.bit_length() < 2000 else hex(value)),
    float: _atom("float", repr),
    str: _atom("str", str),
    list: _sequence("list"),
    tuple: _sequence("tuple"),
    set: _unordered("set"),
    frozenset: _unordered("frozenset"),
    dict: _mapping,
}


# --- values of other classes -------------------------------------------------------------------


def _qualified(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _shown(text: str) -> Node:
    number = text.lower()
    if _NUMBER.fullmatch(number):
        return Node(kind="float", text=number)
    return Node(kind="str", text=text)


def _named(value: object, text: str, *, exact: bool = True, label: str | None = None) -> Node:
    shown = _shown(text if label is None else label)
    return Node(kind=_qualified(type(value)), text=text, label=shown, exact=exact)


def _composed(value: object, *parts: Node) -> Node:
    cls = type(value)
    shown = Node(kind="str", text=cls.__name__)
    return Node(kind=_qualified(cls), parts=parts, label=shown)


def _enum(value: enum.Enum, path: str) -> Node:
    # an unnamed combination of flags has no name, but its value identifies it
    name = getattr(value, "name", None)
    return _named(value, name) if name else _composed(value, _describe(value.value, path))


def _path(value: PurePath, _path: str) -> Node:
    # the same on every system, as the path itself is
    text = value.as_posix()
    return Node(kind="pathlib.Path", text=text, label=Node(kind="str", text=text), exact=True)


def _date(value: date, path: str) -> Node:
    text = value.isoformat()
    if isinstance(value, datetime):
        fold = f" fold={value.fold}" if value.fold else ""
        zone = "" if value.tzinfo is None else _describe(value.tzinfo, f"{path}.tzinfo").text
        label = text.replace("-", "", 2).replace(":", "")
        return _named(value, f"{text} {zone}{fold}", label=label)
    return _named(value, text, label=text.replace("-", ""))


def _callable(value: Any, path: str) -> Node:
    name = value.__qualname__
    inside = "<locals>" in name and getattr(value, "__closure__", None) is not None
    if "<lambda>" in name or inside:
        raise NamingError(
            f"the value of {path} is {value!r}, which has no name that tells it from others",
            hint="Define it with def or class at the top of a module or notebook cell.",
        )
    # methods of built-in types know their class instead of their module
    module = getattr(getattr(value, "__objclass__", value), "__module__", None)
    return Node(
        kind="type" if isinstance(value, type) else "function",
        text=f"{module}.{name}",
        label=Node(kind="str", text=value.__name__),
        exact=True,
    )


def _function(value: Any, path: str) -> Node:
    owner = getattr(value, "__self__", None)
    function = _callable(getattr(value, "__func__", value), path)
    if owner is None or isinstance(owner, types.ModuleType):
        return function
    return _composed(value, function, _describe(owner, f"{path}.__self__"))


def _partial(value: functools.partial[Any], path: str) -> Node:
    function = _describe(value.func, f"{path}.func")
    return _composed(
        value, function, _sequence("tuple")(value.args, path), _mapping(value.keywords, path)
    )


def _pattern(value: re.Pattern[Any], path: str) -> Node:
    # its repr is cut off after 200 characters
    return _composed(value, _describe(value.pattern, path), _describe(value.flags, path))


def _subclassed(value: Any, path: str) -> Node:
    if isinstance(value, dict):
        # subclasses may compare in order, as OrderedDict does
        inner = _sequence("tuple")(dict.items(value), path)
    else:
        base = next(base for base in _BASES if isinstance(value, base))
        inner = _PLAIN[base](_BASES[base](value), path)
    return _composed(value, inner, _mapping(getattr(value, "__dict__", {}), path))


def _by_repr(value: object, path: str) -> Node:
    text = repr(value)
    if _ADDRESS.search(text):
        raise _unknown(value, path)
    return _named(value, text)


def _object(value: object, path: str) -> Node:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return _composed(value, _fields(fields, path))
    parameters = getattr(value, "get_params", None)
    if callable(parameters):  # scikit-learn's estimators, whose repr is cut off
        return _composed(value, _fields(parameters(deep=False), path))
    if type(value).__repr__ is not object.__repr__ and not hasattr(type(value), "__array__"):
        text = repr(value)
        if not _ADDRESS.search(text):
            return _named(value, text, exact=False, label=type(value).__name__)
    raise _unknown(value, path)


def _unknown(value: object, path: str) -> NamingError:
    return NamingError(
        f"the value of {path} is of type {_qualified(type(value))}, which does not say what "
        "tells one such value from another",
        hint="Make it a frozen data class, or vary a name or number and build the object from it.",
    )


def _fields(fields: Mapping[str, Any], path: str) -> Node:
    parts = [
        node
        for name in sorted(fields)
        for node in (Node(kind="str", text=name), _describe(fields[name], f"{path}.{name}"))
    ]
    return Node(kind="dict", parts=tuple(parts))


_LABELLED: tuple[tuple[type | tuple[type, ...], Callable[[Any, str], Node]], ...] = (
    (enum.Enum, _enum),
    (PurePath, _path),
    (date, _date),
    ((Decimal, UUID), lambda value, _path: _named(value, str(value))),
    (timedelta, lambda value, _path: _named(value, repr(value), label=str(value.total_seconds()))),
    (_BY_REPR, _by_repr),
    (type, _callable),
    (_FUNCTIONS, _function),
    (functools.partial, _partial),
    (re.Pattern, _pattern),
    ((*_BASES, dict), _subclassed),
)
