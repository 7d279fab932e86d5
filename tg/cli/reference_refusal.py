"""Why a name of something of the user's own code leads nowhere, and what to type instead."""

from __future__ import annotations

import importlib.util
import inspect
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

from ..common._core.errors import ConfigError
from ..common._core.suggestions import did_you_mean, nearest

__all__ = [
    "FORMS",
    "needs_nothing",
    "no_file",
    "no_module",
    "none_fits",
    "raised_by_code",
    "several_fit",
    "wrong_kind",
]

FORMS = "Write module:attribute, file.py:attribute or file.py."
_SHOWN = 4


def no_file(file: Path) -> ConfigError:
    """Say that a file is not there."""
    folder = file.absolute().parent
    there = sorted(path.name for path in folder.glob("*.py"))
    if not folder.is_dir():
        hint = f"There is no folder {folder} either."
    else:
        hint = did_you_mean(file.name, there, what=f"Python files in {folder}")
    return ConfigError(f"there is no file {file}", hint=hint)


def no_module(name: str, text: str, folder: Path) -> ConfigError:
    """Say that a module is not there."""
    parent, _, last = name.rpartition(".")
    is_parent = bool(parent) and _is_module(parent)
    there = sorted(path.stem for path in folder.glob("*.py"))
    like = nearest(name, there)
    if is_parent:
        hint = f"What is in the module {parent} is named with a colon: {parent}:{last}."
    elif like is not None:
        hint = f"Did you mean {text.replace(name, like, 1)!r}?"
    else:
        hint = f"It is looked for in {folder}, and where Python finds what is installed. {FORMS}"
    return ConfigError(f"{text!r} cannot be loaded: No module named {name!r}", hint=hint)


def raised_by_code(text: str, error: BaseException) -> ConfigError:
    """Say that code of the user's failed, and where."""
    if isinstance(error, SyntaxError) and error.filename:
        line = f": {error.text.strip()}" if error.text else "."
        return ConfigError(
            f"{text!r} cannot be loaded: it is no Python: {error.msg}",
            hint=f"See {error.filename}:{error.lineno}{line}",
        )
    return ConfigError(
        f"{text!r} cannot be loaded: {type(error).__name__}: {error}",
        hint=f"It was raised {_place_of(error)}. Add --debug for the traceback.",
    )


def several_fit(text: str, names: Sequence[str]) -> ConfigError:
    """Say that there are several to choose from."""
    return ConfigError(
        f"{text} has more than one: {', '.join(names)}",
        hint=f"Name the one to take: {_each(text, names)}.",
    )


def none_fits(
    module: ModuleType, text: str, wanted: str, advise: Callable[[object], str]
) -> ConfigError:
    """Say that nothing in a module is what is wanted; a function there may make it."""
    own = {k: v for k, v in vars(module).items() if not k.startswith("_")}
    makers = [name for name, value in own.items() if _is_maker(value, module)]
    advice = next(filter(None, map(advise, own.values())), "")
    if makers:
        hint = f"A function that makes it has to be named: {_each(text, makers)}."
    else:
        hint = advice or "Make it there, under a name of its own; or name a file that has it."
    return ConfigError(f"there is no {wanted.removeprefix('a ')} in {text}", hint=hint)


def wrong_kind(text: str, value: object, wanted: str, advice: str) -> ConfigError:
    """Say that what is named is something else."""
    hint = advice or f"Name {wanted}, or a function without arguments that gives one."
    if inspect.isroutine(value):
        is_one = "a function that needs arguments"
    else:
        is_one = f"of type {type(value).__name__}"
    return ConfigError(f"{text!r} is not {wanted}, but {is_one}", hint=hint)


def needs_nothing(value: object) -> bool:
    """Whether something can be called without arguments."""
    if not callable(value):
        return False
    try:
        inspect.signature(value).bind()
    except (TypeError, ValueError):
        return False
    return True


def _is_maker(value: object, module: ModuleType) -> bool:
    own = inspect.isfunction(value) and value.__module__ == module.__name__
    return own and needs_nothing(value)


def _each(text: str, names: Sequence[str]) -> str:
    shown = [f"{text}:{name}" for name in names[:_SHOWN]]
    return " or ".join([*shown, "..."] if len(names) > _SHOWN else shown)


def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _place_of(error: BaseException) -> str:
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith("<")
        and Path(frame.filename).parent != Path(__file__).parent
    ]
    last = [f for f in frames if "importlib" not in f.filename][-1:]
    return f"at {last[0].filename}:{last[0].lineno}" if last else "by the import itself"
