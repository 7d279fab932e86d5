"""Which part of an object is to blame when it cannot be pickled."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator

from ..._core.errors import UnpicklableError

__all__ = ["unpicklable"]

_MAX_DEPTH = 40


def unpicklable(
    value: object, name: str, exc: Exception, attempt: Callable[[object], None]
) -> UnpicklableError:
    """Make the error for a value that could not be pickled.

    Parameters
    ----------
    value
        What was pickled.
    name
        What it is called; the path starts with it.
    exc
        What pickling raised.
    attempt
        Pickles a value and throws the pickle away; it is tried on parts of `value`.
    """
    path, culprit, reason = _find_culprit(value, name, exc, attempt)
    return UnpicklableError(
        f"{path or 'the object'} cannot be pickled: {_shortly(culprit)}: {reason}",
        path=path,
        hint="Make it where it is used, or leave it out of the pickle with __getstate__.",
    )


def _shortly(value: object) -> str:
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 a broken __repr__ must not hide the error
        text = object.__repr__(value)
    return text if len(text) <= 120 else text[:117] + "..."


def _find_culprit(
    value: object, path: str, exc: Exception, attempt: Callable[[object], None]
) -> tuple[str, object, Exception]:
    seen: set[int] = set()
    for _ in range(_MAX_DEPTH):
        seen.add(id(value))
        for step, child in _children(value):
            reason = _failure(child, attempt) if id(child) not in seen else None
            if reason is not None:
                path = (path + step) if path else step.lstrip(".")
                value, exc = child, reason
                break
        else:
            break
    return path, value, exc


def _failure(value: object, attempt: Callable[[object], None]) -> Exception | None:
    try:
        attempt(value)
    except Exception as exc:  # noqa: BLE001 any failure is what is looked for
        return exc
    return None


def _children(value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for key, child in value.items():
            word = isinstance(key, str) and key.isidentifier()
            yield (f".{key}" if word else f"[{key!r}]"), child
    elif isinstance(value, list | tuple | set | frozenset):
        for number, child in enumerate(value):
            yield f"[{number}]", child
    elif isinstance(value, types.FunctionType):
        yield from _function_children(value)
    elif not isinstance(value, type | types.ModuleType):
        for key, child in _state(value).items():
            yield f".{key}", child


def _function_children(function: types.FunctionType) -> Iterator[tuple[str, object]]:
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    for name, cell in cells:
        try:
            yield f".{name}", cell.cell_contents
        except ValueError:  # not bound yet
            continue
    for name in function.__code__.co_names:
        if name in function.__globals__:
            yield f".{name}", function.__globals__[name]


def _state(value: object) -> dict[str, object]:
    get_state: Callable[[], object] | None = getattr(value, "__getstate__", None)
    try:
        state = get_state() if get_state else None
    except Exception:  # noqa: BLE001 then the attributes themselves are looked at
        state = getattr(value, "__dict__", None)
    if isinstance(state, tuple):  # attributes, slots
        return {k: v for part in state if isinstance(part, dict) for k, v in part.items()}
    return dict(state) if isinstance(state, dict) else {}
