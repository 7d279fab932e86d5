"""Something of the user's own code, named on the command line."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from ..common._core.errors import ConfigError
from ..common._core.suggestions import did_you_mean

__all__ = ["Accepts", "TaskReference", "load_reference"]

# a type, or what tells whether something is wanted
Accepts = type | Callable[[object], bool]

_FORMS = "Write module:attribute, file.py:attribute or file.py."


@dataclass(frozen=True, kw_only=True)
class TaskReference:
    """A module or a file, and a name in it.

    Attributes
    ----------
    text
        As it was given.
    module
        The dotted name of the module; empty if a file is named.
    file
        The file; ``None`` if a module is named.
    attribute
        The name in it, with dots for what is within; empty for the only thing that fits.
    """

    text: str
    module: str = ""
    file: Path | None = None
    attribute: str = ""

    @classmethod
    def parse(cls, text: str) -> TaskReference:
        """Read ``module:attribute`` or ``file.py[:attribute]``.

        Raises
        ------
        ConfigError
            It has another form.

        Example
        -------
        >>> TaskReference.parse("tea.brewing:routine").attribute
        'routine'
        >>> TaskReference.parse("tea/brewing.py").file.name
        'brewing.py'
        """
        # the last colon: one that stands before may be of a path
        place, colon, attribute = text.rpartition(":")
        if not colon or attribute.endswith(".py") or "/" in attribute or os.sep in attribute:
            place, attribute = text, ""
        if attribute and not all(part.isidentifier() for part in attribute.split(".")):
            raise ConfigError(f"{attribute!r} in {text!r} is no name", hint=_FORMS)
        if place.endswith(".py"):
            return cls(text=text, file=Path(place), attribute=attribute)
        if not place or not all(part.isidentifier() for part in place.split(".")):
            raise ConfigError(f"{text!r} names no module and no file", hint=_FORMS)
        return cls(text=text, module=place, attribute=attribute)

    def load(self, accepts: Sequence[Accepts], wanted: str) -> Any:
        """Import the module, and give what is named.

        A function, or a class, is called without arguments if it is not wanted itself.

        Parameters
        ----------
        accepts
            The types that are wanted, or what tells whether something is; where nothing is named,
            those that stand first are looked for first.
        wanted
            What that is, for messages, such as ``"a task"``.

        Raises
        ------
        ConfigError
            It is not there, cannot be imported, or is something else.
        """
        module = self._imported()
        if not self.attribute:
            return self._only_one(module, accepts, wanted)
        value: Any = module
        for name in self.attribute.split("."):
            if not hasattr(value, name):
                names = [each for each in vars(value) if not each.startswith("_")]
                raise ConfigError(
                    f"there is no {self.attribute!r} in {module.__name__}",
                    hint=did_you_mean(name, names),
                )
            value = getattr(value, name)
        if not _is_any(value, accepts) and _needs_nothing(value):
            value = self._guarded(value)
        if not _is_any(value, accepts):
            raise ConfigError(
                f"{self.text!r} is no {wanted.removeprefix('a ')}, but of type "
                f"{type(value).__name__}",
                hint=f"Name {wanted}, or a function without arguments that gives one.",
            )
        return value

    def _imported(self) -> ModuleType:
        if self.file is None:
            name, folder = self.module, Path.cwd()
        else:
            name, folder = _module_of(self.file)
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))  # as python itself has it for a script's folder
        module: ModuleType = self._guarded(lambda: importlib.import_module(name))
        found = getattr(module, "__file__", None)
        if self.file is not None and (not found or not self.file.samefile(found)):
            raise ConfigError(
                f"{self.file} cannot be imported: another module is called {name!r}, "
                f"{found or 'which is built in'}",
                hint="Rename the file.",
            )
        return module

    def _guarded(self, make: Callable[[], Any]) -> Any:
        """Run code of the user's, and name the line that fails."""
        try:
            return make()
        except (Exception, SystemExit) as exc:  # code that exits would end this as if all were done
            raise ConfigError(
                f"{self.text!r} cannot be loaded: {type(exc).__name__}: {exc}",
                hint=f"It was raised {_place_of(exc)}. Add --debug for the traceback.",
            ) from exc

    def _only_one(self, module: ModuleType, accepts: Sequence[Accepts], wanted: str) -> object:
        public = {k: v for k, v in vars(module).items() if not k.startswith("_")}
        found: dict[str, object] = {}
        for each in accepts:
            found = found or {k: v for k, v in public.items() if _is_any(v, [each])}
        if len({id(value) for value in found.values()}) == 1:
            return next(iter(found.values()))
        names = ", ".join(found)
        raise ConfigError(
            f"{self.text} has {f'more than one: {names}' if found else f'not {wanted} in it'}",
            hint=f"Name the one to take: {self.text}:NAME."
            if found
            else "Make one there, or name the module that makes it.",
        )


def load_reference(text: str, accepts: Accepts | tuple[Accepts, ...], wanted: str) -> Any:
    """Give what ``module:attribute`` or ``file.py[:attribute]`` names.

    Parameters
    ----------
    text
        The reference; modules are looked for in the working directory as well.
    accepts
        The types that are wanted, or what tells whether something is; where a file alone is
        named, those that stand first are looked for first.
    wanted
        What that is, for messages, such as ``"a task"``.

    Raises
    ------
    ConfigError
        It is not there, cannot be imported, or is something else.
    """
    every = accepts if isinstance(accepts, tuple) else (accepts,)
    return TaskReference.parse(text).load(every, wanted)


def _module_of(file: Path) -> tuple[str, Path]:
    """Give a file's module as it is called by its package, and the folder that is found in."""
    if not file.is_file():
        raise ConfigError(f"there is no file {file}", hint=_FORMS)
    path = file.absolute()
    parts = [] if path.stem == "__init__" else [path.stem]
    folder = path.parent
    while (folder / "__init__.py").is_file():
        parts.insert(0, folder.name)
        folder = folder.parent
    if not parts or not all(part.isidentifier() for part in parts):
        raise ConfigError(
            f"{file} cannot be imported: {'.'.join(parts)!r} is no name of a module",
            hint="Use letters, digits and underscores for files and folders of code.",
        )
    return ".".join(parts), folder


def _is_any(value: object, accepts: Sequence[Accepts]) -> bool:
    return any(
        isinstance(value, each) if isinstance(each, type) else each(value) for each in accepts
    )


def _needs_nothing(value: object) -> bool:
    if not callable(value):
        return False
    try:
        inspect.signature(value).bind()
    except (TypeError, ValueError):
        return False
    return True


def _place_of(error: BaseException) -> str:
    if isinstance(error, SyntaxError) and error.filename:
        return f"at {error.filename}:{error.lineno}"
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith("<") and frame.filename != __file__
    ]
    last = [f for f in frames if "importlib" not in f.filename][-1:]
    return f"at {last[0].filename}:{last[0].lineno}" if last else "by the import itself"
