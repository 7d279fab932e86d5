"""Unpickling of objects whose modules were renamed on the way."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any, BinaryIO

from ..._core.errors import PythonVersionError, ResultError, TgError
from ...contract.class_identity import class_of, register_class
from .renaming import ModuleRenaming

__all__ = ["RenamingUnpickler", "unpickle"]


def unpickle(
    source: bytes | BinaryIO,
    renaming: ModuleRenaming | None = None,
    *,
    live: bool = False,
    python: str | None = None,
) -> Any:
    """Read one pickled object.

    Unpickling runs code that the pickle names: open only what you trust.

    Parameters
    ----------
    source
        The pickle, or an open binary file.
    renaming
        How modules are called here.
    live
        Whether classes that were written in a notebook are this process's own: as they are defined
        in ``__main__`` now, or else as they were when they were sent from here.
    python
        The version of Python that wrote it, if that is known.

    Raises
    ------
    PythonVersionError
        The pickle holds byte code, and another minor version of Python wrote it.
    ResultError
        The pickle is damaged, or what the object needs is not to be had here.
    """
    file = BytesIO(source) if isinstance(source, bytes) else source
    unpickler = RenamingUnpickler(file, renaming or ModuleRenaming({}), live=live, python=python)
    try:
        return unpickler.load()
    except TgError:
        raise
    except Exception as exc:  # a damaged pickle, or a module that is imported, may raise anything
        raise ResultError(
            f"the object cannot be opened with what this Python has: {type(exc).__name__}: {exc}",
            hint='Install what it needs, or open it with the code that made it: code="package".',
        ) from exc


class RenamingUnpickler(pickle.Unpickler):
    """An unpickler that renames modules, also in what cloudpickle wrote by value.

    Parameters
    ----------
    file
        The open pickle.
    renaming
        How modules are called here.
    live, python
        See :func:`unpickle`.
    """

    def __init__(
        self,
        file: BinaryIO,
        renaming: ModuleRenaming,
        *,
        live: bool = False,
        python: str | None = None,
    ) -> None:
        super().__init__(file)
        self._python = python
        self._renaming = renaming
        self._live = live
        self._complete: set[int] = set()
        self._hooks: Mapping[str, Callable[..., Any]] = {
            "subimport": renaming.import_module,
            "_builtin_type": self._builtin_type,
            "_make_function": self._make_function,
            "_function_setstate": self._set_function_state,
            "_make_skeleton_class": self._make_class,
            "_make_skeleton_enum": self._make_enum,
            "_class_setstate": self._set_class_state,
        }

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        """Find a global under its module's name here."""
        if module_name.startswith("cloudpickle.") and global_name in self._hooks:
            return self._hooks[global_name]
        return super().find_class(self._renaming(module_name), global_name)

    def _original(self, name: str) -> Callable[..., Any]:
        found: Callable[..., Any] = super().find_class("cloudpickle.cloudpickle", name)
        return found

    def _make_function(self, code: Any, module_globals: dict[str, Any], *rest: Any) -> Any:
        # cloudpickle makes the function with its own builtins; a function keeps those it was made
        # with, so ours are in place when it is made a second time
        made = self._original("_make_function")(code, module_globals, *rest)
        module_globals["__builtins__"] = self._renaming.builtins
        return type(made)(made.__code__, module_globals, *rest)

    def _set_function_state(self, function: Any, state: Any) -> None:
        self._original("_function_setstate")(function, state)
        function.__globals__["__builtins__"] = self._renaming.builtins

    def _make_class(self, *args: Any) -> type:
        return self._make_type("_make_skeleton_class", args, identity_at=4)

    def _make_enum(self, *args: Any) -> type:
        return self._make_type("_make_skeleton_enum", args, identity_at=5)

    def _make_type(self, maker: str, args: tuple[Any, ...], *, identity_at: int) -> type:
        identity = (args[identity_at] or "").partition("@")[0]
        if identity and not self._live:  # its bases are renamed: it is another class
            identity += "@" + self._renaming.key
        known = self._live_class(identity) or class_of(identity)
        if known is not None:
            self._complete.add(id(known))
            return known
        made: type = self._original(maker)(
            *args[:identity_at], identity or None, *args[identity_at + 1 :]
        )
        if identity:
            register_class(identity, made)
        return made

    def _live_class(self, identity: str) -> type | None:
        """Find the class as ``__main__`` has it now, by the qualified name in its identity."""
        name = identity.rpartition(":")[2]
        if not self._live or not name:
            return None
        found: Any = sys.modules["__main__"]
        for part in name.split("."):
            found = getattr(found, part, None)
        same = isinstance(found, type) and (found.__module__, found.__qualname__)
        return found if same == ("__main__", name) else None

    def _builtin_type(self, name: str) -> Any:
        here = f"{sys.version_info.major}.{sys.version_info.minor}"
        written = ".".join((self._python or here).split(".")[:2])
        if name == "CodeType" and written != here:
            raise PythonVersionError(
                f"the object holds byte code of Python {written}, this is {here}",
                hint=f"Open it with Python {written}: a notebook's classes and functions travel as "
                "byte code. Those of modules open everywhere.",
            )
        return self._original("_builtin_type")(name)

    def _set_class_state(self, cls: type, state: Any) -> type:
        # a class that was here before is never changed by a pickle
        if id(cls) in self._complete:
            return cls
        changed: type = self._original("_class_setstate")(cls, state)
        return changed
