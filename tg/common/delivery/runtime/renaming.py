"""Module names that were moved under another root, and back."""

from __future__ import annotations

import builtins
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any

__all__ = ["ModuleRenaming", "TravellerAliasFinder"]


class ModuleRenaming:
    """Renames dotted module names on dot boundaries: ``tg`` is never a part of ``tgraph``.

    Parameters
    ----------
    prefixes
        Old prefix to new prefix; the longest that fits is taken. An empty new prefix cuts the old
        one off.

    Attributes
    ----------
    key
        Tells renamings with different prefixes apart.

    Example
    -------
    >>> renaming = ModuleRenaming({"tg": "Task__1.tg"})
    >>> renaming("tg.common.ml"), renaming("tgraph.core")
    ('Task__1.tg.common.ml', 'tgraph.core')
    >>> ModuleRenaming({"Task__1": ""})("Task__1.tg.common")
    'tg.common'
    """

    def __init__(self, prefixes: Mapping[str, str]) -> None:
        self._prefixes = sorted(prefixes.items(), key=lambda item: -len(item[0]))
        self._builtins: dict[str, Any] | None = None
        self.key = ",".join(f"{old}={new}" for old, new in sorted(prefixes.items()))

    def __call__(self, module: str) -> str:
        """Give the new name of `module`; its own where no prefix fits."""
        for old, new in self._prefixes:
            if module == old:
                return new or module
            if module.startswith(old + "."):
                rest = module[len(old) + 1 :]
                return f"{new}.{rest}" if new else rest
        return module

    @property
    def builtins(self) -> dict[str, Any]:
        """Builtins for functions that travelled by value, whose imports are to be renamed too."""
        if self._builtins is None:
            self._builtins = {**vars(builtins), "__import__": self._import}
        return self._builtins

    def import_module(self, name: str) -> ModuleType:
        """Import what `name` is called here."""
        return importlib.import_module(self(name))

    def _import(
        self,
        name: str,
        globals: Mapping[str, object] | None = None,  # noqa: A002 the data model's own names
        locals: Mapping[str, object] | None = None,  # noqa: A002
        fromlist: tuple[str, ...] = (),
        level: int = 0,
    ) -> ModuleType:
        new = self(name)
        if level:  # relative to a package that has another name here
            package = str((globals or {}).get("__package__") or "")
            if self(package) != package:
                globals = {"__package__": self(package), "__name__": self(package)}  # noqa: A001
        if level or new == name:
            return builtins.__import__(name, globals, locals, fromlist, level)
        module = builtins.__import__(new, globals, locals, fromlist or ("*none*",), 0)
        if fromlist:
            return module
        # `import a.b` binds `a`: hand out what the first part of the old name is called now
        return importlib.import_module(self(name.partition(".")[0]))


class TravellerAliasFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Lets ``import a`` find ``ROOT.a`` where nothing else is called ``a``.

    For the fresh interpreter of a run, where code may import its own package by a name that only
    exists at run time. Put it first in ``sys.meta_path``: it keeps away from installed modules.

    Parameters
    ----------
    root
        The root under which the packages travelled.
    travellers
        Their old top-level names.
    """

    def __init__(self, root: str, travellers: Iterable[str]) -> None:
        self._root = root
        self._travellers = frozenset(travellers)
        self._is_installed: dict[str, bool] = {}
        self._specs: dict[str, importlib.machinery.ModuleSpec | None] = {}

    def find_spec(
        self, fullname: str, path: object = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Find the traveller's module; an import hook (PEP 451)."""
        del path, target
        top = fullname.partition(".")[0]
        if top not in self._travellers or self._has_installed(top):
            return None
        try:
            found = importlib.util.find_spec(f"{self._root}.{fullname}")
        except ModuleNotFoundError:
            return None
        return found and importlib.machinery.ModuleSpec(fullname, self)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        """Import the renamed module and hand it out under the old name as well."""
        module = importlib.import_module(f"{self._root}.{spec.name}")
        self._specs[spec.name] = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Give the module its own spec back, which the import system has just replaced.

        It ran under its new name already.
        """
        if module.__spec__ is not None:
            module.__spec__ = self._specs.pop(module.__spec__.name)

    def _has_installed(self, top: str) -> bool:
        """Whether something else is called so; looked up when it is imported first."""
        if top not in self._is_installed:
            # one of Python 2's kind has no find_spec
            asked = [getattr(finder, "find_spec", None) for finder in tuple(sys.meta_path)]
            self._is_installed[top] = top in sys.modules or any(
                find(top, None) for find in asked if find not in (None, self.find_spec)
            )
        return self._is_installed[top]
