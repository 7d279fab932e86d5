"""Something of the user's own code, named on the command line."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from ..common._core.errors import ConfigError
from ..common._core.suggestions import did_you_mean
from .reference_refusal import (
    FORMS,
    needs_nothing,
    no_file,
    no_module,
    none_fits,
    raised_by_code,
    several_fit,
    wrong_kind,
)

__all__ = ["Accepts", "TaskReference", "load_reference"]

# a type, or what tells whether something is wanted
Accepts = type | Callable[[object], bool]


def _nothing(_: object) -> str:
    return ""


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
            raise ConfigError(f"{attribute!r} in {text!r} is no name", hint=FORMS)
        if place.endswith(".py"):
            return cls(text=text, file=Path(place), attribute=attribute)
        if not place or not all(part.isidentifier() for part in place.split(".")):
            raise ConfigError(f"{text!r} names no module and no file", hint=FORMS)
        return cls(text=text, module=place, attribute=attribute)

    def load(
        self, accepts: Sequence[Accepts], wanted: str, advise: Callable[[object], str] = _nothing
    ) -> Any:
        """Import the module, and give what is named.

        A function, or a class, is called without arguments if it is not wanted itself.

        Parameters
        ----------
        accepts
            The types that are wanted, or what tells whether something is; where nothing is named,
            those that stand first are looked for first.
        wanted
            What that is, for messages, such as ``"a task"``.
        advise
            Says what to do with something else; empty if that is not known.

        Raises
        ------
        ConfigError
            It is not there, cannot be imported, or is something else.
        """
        module = self._imported()
        if not self.attribute:
            return self._only_one(module, accepts, wanted, advise)
        value: Any = module
        for name in self.attribute.split("."):
            if not hasattr(value, name):
                names = [each for each in vars(value) if not each.startswith("_")]
                raise ConfigError(
                    f"there is no {self.attribute!r} in {module.__name__}",
                    hint=did_you_mean(name, names),
                )
            value = getattr(value, name)
        if not _is_any(value, accepts) and needs_nothing(value):
            value = self._guarded(value)
        if not _is_any(value, accepts):
            raise wrong_kind(self.text, value, wanted, advise(value))
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
            if isinstance(exc, ModuleNotFoundError) and exc.name and self._names(exc.name):
                raise no_module(exc.name, self.text, Path.cwd()) from exc
            raise raised_by_code(self.text, exc) from exc

    def _names(self, module: str) -> bool:
        """Whether it is the module that was named, or what holds it."""
        return f"{self.module}.".startswith(f"{module}.")

    def _only_one(
        self,
        module: ModuleType,
        accepts: Sequence[Accepts],
        wanted: str,
        advise: Callable[[object], str],
    ) -> object:
        public = {k: v for k, v in vars(module).items() if not k.startswith("_")}
        found: dict[str, object] = {}
        for each in accepts:
            found = found or {k: v for k, v in public.items() if _is_any(v, [each])}
        if not found:
            raise none_fits(module, self.text, wanted, advise)
        if len({id(value) for value in found.values()}) > 1:
            raise several_fit(self.text, list(found))
        return next(iter(found.values()))


def load_reference(
    text: str,
    accepts: Accepts | tuple[Accepts, ...],
    wanted: str,
    advise: Callable[[object], str] = _nothing,
) -> Any:
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
    advise
        Says what to do with something else; empty if that is not known.

    Raises
    ------
    ConfigError
        It is not there, cannot be imported, or is something else.
    """
    every = accepts if isinstance(accepts, tuple) else (accepts,)
    return TaskReference.parse(text).load(every, wanted, advise)


def _module_of(file: Path) -> tuple[str, Path]:
    """Give a file's module as it is called by its package, and the folder that is found in."""
    if not file.is_file():
        raise no_file(file)
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
