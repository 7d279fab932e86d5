"""The source that travels with a payload: which local packages, and what they need of others."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType

from ..._core.errors import SourceError
from .file_state import FileState, read_file
from .import_rewrite import rewrite
from .import_scan import SourceImports, read_imports
from .module_origin import ModuleOrigin, OriginKind, is_standard_library, origin
from .source_tree import LeftOut, SourceTree, TravelRules, read_source_tree

__all__ = ["Travellers", "find_travellers"]

# our own package always travels, also where it is installed from a wheel
_ME = "tg"
_OWN_ORIGIN = ModuleOrigin(kind=OriginKind.LOCAL, paths=(Path(__file__).parents[3],))
# these of its modules run the job
_RUNTIME = ("tg.common.delivery.runtime.main", "tg.common.delivery.sagemaker.job")


@dataclass(frozen=True, kw_only=True)
class Travellers:
    """The local source that a payload reaches.

    Attributes
    ----------
    trees
        Top-level name to its files.
    sources
        Path, as in the trees, to content, imports not yet rewritten.
    states
        File to what it looked like when it was read.
    imports
        Path of each of the user's Python files to its imports.
    needed
        Dotted names of the installed modules that reachable files import.
    needed_here
        Those of them that this library's own files import.
    missing
        Names that are imported somewhere but are not to be found here; optional imports are.
    """

    trees: Mapping[str, SourceTree]
    sources: Mapping[str, bytes]
    states: Mapping[str, FileState]
    imports: Mapping[str, SourceImports]
    needed: frozenset[str]
    needed_here: frozenset[str]
    missing: frozenset[str]

    @property
    def names(self) -> frozenset[str]:
        """The top-level names that are moved under the root."""
        return frozenset(self.trees)

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """What stays at home."""
        return tuple(item for tree in self.trees.values() for item in tree.left_out)

    def rewritten(self) -> dict[str, bytes]:
        """Give path to content as it travels: imports of travellers made relative.

        Raises
        ------
        SourceError
            A relative import leaves its package.
        """
        names = self.names
        files = dict(self.sources)
        for path, imports in self.imports.items():
            module, is_package = _module_of(path)
            files[path] = rewrite(imports, module=module, is_package=is_package, travellers=names)
        return files


def find_travellers(modules: Iterable[str], rules: TravelRules) -> Travellers:
    """Find the local source that is reachable from modules, statically and as imported now.

    Parameters
    ----------
    modules
        Dotted names to start from; ``tg`` is added.
    rules
        What the user wants to travel or to stay.

    Raises
    ------
    SourceError
        The source of a needed module is out of reach or stays at home.
    """
    search = _Search(rules)
    search.visit_all([*modules, *_RUNTIME])
    return Travellers(
        trees=dict(sorted(search.trees.items())),
        sources=dict(sorted(search.sources.items())),
        states=search.states,
        imports=search.imports,
        needed=frozenset(search.needed),
        needed_here=frozenset(search.needed_here),
        missing=frozenset(search.missing),
    )


class _Search:
    """The reachable part of the module graph, found breadth first."""

    def __init__(self, rules: TravelRules) -> None:
        self._rules = rules
        self._seen: set[str] = set()
        self._queue: list[str] = []
        self.trees: dict[str, SourceTree] = {}
        self.sources: dict[str, bytes] = {}
        self.states: dict[str, FileState] = {}
        self.imports: dict[str, SourceImports] = {}
        self.needed: set[str] = set()
        self.needed_here: set[str] = set()
        self.missing: set[str] = set()
        self._unreadable: dict[str, SourceError] = {}
        self._origins: dict[str, ModuleOrigin] = {}

    def visit_all(self, modules: Iterable[str]) -> None:
        self._queue += sorted(modules)
        while self._queue:
            self._visit(self._queue.pop())

    def _visit(self, module: str) -> None:
        if module in self._seen:
            return
        self._seen.add(module)
        top = module.partition(".")[0]
        if top == "__main__":
            return
        found = self._origin(top)
        if found.kind is OriginKind.LOCAL:
            self._visit_local(module, found)
        elif found.kind is OriginKind.INSTALLED:
            self.needed.add(module)
        elif found.kind is OriginKind.RUNTIME:
            raise SourceError(
                f"the source of module {module!r} is out of reach: it was made while the program "
                "ran and has no file",
                hint="Define what you need of it in the notebook or in a file.",
            )
        elif found.kind is OriginKind.MISSING and not is_standard_library(top):
            self.missing.add(top)

    def _origin(self, name: str) -> ModuleOrigin:
        top = name.partition(".")[0]
        if top not in self._origins:
            self._origins[top] = _OWN_ORIGIN if top == _ME else origin(top)
        return self._origins[top]

    def _kind(self, name: str) -> OriginKind:
        return self._origin(name).kind

    def _visit_local(self, module: str, found: ModuleOrigin) -> None:
        top, _, below = module.partition(".")
        if top not in self.trees:
            self._read_tree(top, found)
        if below:
            self._visit(module.rpartition(".")[0])  # importing a.b runs a first
        path = self._file_of(module)
        if path is None:
            self._check_not_left_out(module)
            loaded = sys.modules.get(module)
            has_file = getattr(loaded, "__file__", None)  # a namespace package has none
            if has_file and getattr(loaded, "__name__", "") == module:
                raise SourceError(
                    f"the source of module {module!r} is out of reach: it is not below the folder "
                    f"of {top!r}",
                    hint="Put it there: a __path__ that is extended at run time does not travel.",
                )
            return
        imported = list(self._imported_by(path, module))
        self._queue += imported
        if top == _ME:
            self.needed_here |= {
                name for name in imported if self._kind(name) is OriginKind.INSTALLED
            }
        if top != _ME:
            held = _held_by(sys.modules.get(module))
            self._queue += [name for name in held if self._kind(name) is OriginKind.LOCAL]

    def _read_tree(self, top: str, found: ModuleOrigin) -> None:
        tree = read_source_tree(top, found.paths, self._rules)
        self.trees[top] = tree
        for path, file in tree.files.items():
            data, self.states[file] = _read(file)
            self.sources[path] = data
            # our own imports are relative already: they are read only where they are followed
            if path.endswith(".py") and top != _ME:
                try:
                    self.imports[path] = read_imports(data, file)
                except SourceError as exc:
                    self._unreadable[path] = exc  # it matters only if something imports the file

    def _file_of(self, module: str) -> str | None:
        stem = module.replace(".", "/")
        return next((p for p in (f"{stem}/__init__.py", f"{stem}.py") if p in self.sources), None)

    def _check_not_left_out(self, module: str) -> None:
        stem = module.replace(".", "/")
        for item in self.trees[module.partition(".")[0]].left_out:
            if item.path in (f"{stem}.py", f"{stem}/"):
                raise SourceError(
                    f"{item.path} is needed but stays at home: {item.reason}",
                    hint=f"Add {item.path!r} to packaging.include.",
                )

    def _imported_by(self, path: str, module: str) -> Iterator[str]:
        package = module if path.endswith("/__init__.py") else module.rpartition(".")[0]
        for site in self._imports_in(path).sites:
            target = _absolute(site.module, site.level, package)
            names = [name for name in site.names if name != "*"]
            if not target:
                # `from . import x` in a module that stands alone means another traveller
                yield from names
                continue
            yield target
            for name in names:
                if self._may_be_module(target, name):
                    yield f"{target}.{name}"
                else:
                    yield from self._lazily_from(target, name)

    def _lazily_from(self, package: str, name: str) -> Iterator[str]:
        """Name the module from which a package takes a name on first use (PEP 562).

        Such packages tell type checkers under ``if TYPE_CHECKING:`` where their names come from.
        """
        path = f"{package.replace('.', '/')}/__init__.py"
        for statement in self._imports_in(path).statements if path in self.sources else ():
            if not statement.runs and statement.module is not None:
                bound = [as_name or given for given, as_name in statement.aliases]
                if name in bound:
                    yield _absolute(statement.module, statement.level, package)

    def _imports_in(self, path: str) -> SourceImports:
        if path in self._unreadable:
            raise self._unreadable[path]
        if path in self.imports:
            return self.imports[path]
        return _own_imports(self.sources[path], path)

    def _may_be_module(self, package: str, name: str) -> bool:
        top = package.partition(".")[0]
        kind = self._origin(top).kind
        if kind is OriginKind.LOCAL:
            if top not in self.trees:
                self._read_tree(top, self._origin(top))
            return self._file_of(f"{package}.{name}") is not None or self._left(package, name)
        return kind is OriginKind.INSTALLED and f"{package}.{name}" in sys.modules

    def _left(self, package: str, name: str) -> bool:
        stem = f"{package}.{name}".replace(".", "/")
        left_out = self.trees[package.partition(".")[0]].left_out
        return any(item.path in (f"{stem}.py", f"{stem}/") for item in left_out)


def _read(file: str) -> tuple[bytes, FileState]:
    try:
        return read_file(file)
    except OSError as exc:
        raise SourceError(
            f"{file} cannot be read: {exc}",
            hint="Make it readable, or let packaging.exclude leave it at home.",
        ) from exc


@lru_cache(maxsize=512)
def _own_imports(source: bytes, path: str) -> SourceImports:
    return read_imports(source, path, calls=False)


def _absolute(module: str, level: int, package: str) -> str:
    if not level:
        return module
    parts = package.split(".") if package else []
    base = parts[: len(parts) - level + 1]
    return ".".join([*base, module] if module else base)


def _module_of(path: str) -> tuple[str, bool]:
    stem = path.removesuffix(".py")
    if stem.endswith("/__init__"):
        return stem.removesuffix("/__init__").replace("/", "."), True
    return stem.replace("/", "."), False


def _held_by(module: ModuleType | None) -> list[str]:
    """Name the modules that an imported module holds, or whose classes or functions it holds.

    They may have come by a dynamic import, which no scan of the source can see.
    """
    if module is None:
        return []
    names = set()
    for value in list(vars(module).values()):
        try:
            if isinstance(value, ModuleType):
                names.add(value.__name__)
            elif callable(value):
                names.add(str(getattr(value, "__module__", None) or ""))
        except Exception:  # noqa: BLE001, S112 a proxy that is not bound now names nothing
            continue
    return sorted(names - {""})
