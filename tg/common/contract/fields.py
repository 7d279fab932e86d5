"""The fields of an object graph, by path: what a hyperparameter can name."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any

__all__ = ["field_key", "field_names", "has_field", "is_opaque", "read_field", "walk_fields"]

# Data, not settings: what stands in them is never a hyperparameter and can be huge.
_DATA_LIBRARIES = frozenset({"numpy", "pandas", "polars", "pyarrow", "scipy"})
_OPAQUE = (
    str,
    bytes,
    bytearray,
    int,
    float,
    complex,
    type,
    types.ModuleType,
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
    set,
    frozenset,
)
_MOST_PATHS = 5_000


def is_opaque(value: object) -> bool:
    """Whether no path leads into `value`: a plain value, a function, a class, data."""
    if value is None or isinstance(value, _OPAQUE):
        return True
    return any(
        cls.__module__.partition(".")[0] in _DATA_LIBRARIES
        or (cls.__module__.partition(".")[0] == "torch" and cls.__name__ == "Tensor")
        for cls in type(value).__mro__
    )


def _is_data(value: object) -> bool:
    # What a class body holds beside methods, properties and nested classes: defaults of fields.
    return not (callable(value) or hasattr(value, "__get__"))


def field_names(owner: object) -> list[str]:
    """List the steps that a path can take from `owner`.

    Parameters
    ----------
    owner
        An object (its public attributes), a dictionary (its keys) or a list (its indices).

    Returns
    -------
    list of str
        In the order in which they stand there; private and dunder attributes never.

    Example
    -------
    >>> field_names({"alpha": 1, "beta": 2}), field_names([7, 8])
    (['alpha', 'beta'], ['0', '1'])
    """
    if is_opaque(owner):
        return []
    if isinstance(owner, dict):
        return [str(key) for key in owner if isinstance(key, str | int)]
    if isinstance(owner, list | tuple):
        return [str(index) for index in range(len(owner))]
    names = list(getattr(owner, "__dict__", ()))
    for cls in type(owner).__mro__[:-1]:
        slots = cls.__dict__.get("__slots__", ())
        slots = (slots,) if isinstance(slots, str) else slots
        names += [slot for slot in slots if hasattr(owner, slot)]
        names += [
            name
            for name, value in vars(cls).items()
            if name not in slots
            and (_is_data(value) or (isinstance(value, property) and value.fset))
        ]
    return [name for name in dict.fromkeys(names) if not name.startswith("_")]


def has_field(owner: object, step: str) -> bool:
    """Whether a path can take `step` from `owner`."""
    if isinstance(owner, dict | list | tuple):
        return step in field_names(owner)
    if step in field_names(owner):
        return True
    read_only = isinstance(getattr(type(owner), step, None), property)
    return read_only and not step.startswith("_") and not is_opaque(owner)


def read_field(owner: object, step: str) -> Any:
    """Give the value at `step` of `owner`, which :func:`has_field`."""
    if isinstance(owner, dict):
        return owner[field_key(owner, step)]
    if isinstance(owner, list | tuple):
        return owner[int(step)]
    return getattr(owner, step)


def field_key(owner: dict[Any, Any], step: str) -> Any:
    """Give the key that `step` stands for: itself, or the whole number it spells."""
    if step in owner or not step.lstrip("-").isdecimal():
        return step
    return int(step) if int(step) in owner else step


def walk_fields(target: object, max_depth: int = 8) -> Iterator[tuple[str, Any]]:
    """List all paths that lead somewhere from `target`, each object's own only once.

    Properties are not read: that could run any code.

    Parameters
    ----------
    target
        Where paths start; it may refer to itself.
    max_depth
        The most steps of a path.

    Yields
    ------
    tuple of str and object
        A path such as ``model_provider.constructor.kwargs`` and what stands there.

    Example
    -------
    >>> dict(walk_fields({"model": {"alpha": 0.1}}))
    {'model': {'alpha': 0.1}, 'model.alpha': 0.1}
    """
    seen = {id(target)}
    level: list[tuple[str, object]] = [("", target)]
    count = 0
    for _ in range(max_depth):
        following: list[tuple[str, object]] = []
        for prefix, owner in level:
            for step in field_names(owner):
                if isinstance(getattr(type(owner), step, None), property):
                    continue
                value = read_field(owner, step)
                yield prefix + step, value
                count += 1
                if count >= _MOST_PATHS:
                    return
                if not is_opaque(value) and id(value) not in seen:
                    seen.add(id(value))
                    following.append((f"{prefix}{step}.", value))
        level = following
