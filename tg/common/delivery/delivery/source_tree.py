"""The files of one local package or module, and which of them travel."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import pathspec

from ..._core.errors import SourceError
from ..._core.loc import Loc

__all__ = ["LeftOut", "SourceTree", "TravelRules", "read_source_tree"]

_NOISE = frozenset(
    {"__pycache__", ".git", ".hg", ".svn", ".ipynb_checkpoints", ".mypy_cache", ".ruff_cache"}
    | {".pytest_cache", ".hypothesis", ".venv", ".tox", ".nox", ".eggs", "node_modules"}
)
_NOISE_SUFFIXES = (".pyc", ".pyo", ".swp", "~", ".egg-info", ".dist-info")
_COMPILED = (".so", ".pyd", ".dylib", ".dll")
_SECRET = re.compile(
    r"""(?ix) \A (?:
        \.env(?:\..*)? | .*\.env | \.netrc | \.pypirc | \.npmrc | \.pgpass | \.htpasswd
      | .*\.(?:pem|key|p12|pfx|jks|keystore|kdbx|ppk|asc|gpg)
      | id_(?:rsa|dsa|ecdsa|ed25519)(?:\..*)? | authorized_keys | known_hosts
      | (?:aws_?)?credentials? (?:\.(?!py\Z).*)? | .*[_-]credentials?\.(?:json|ya?ml|toml|ini|csv)
      | secrets?\.(?!py\Z).* | .*[_-]secrets?\.(?:json|ya?ml|toml|ini) | client_secret.*\.json
      | service[_-]?account.*\.json | kubeconfig | token(?:s)?(?:\.(?:json|txt|pickle))?
    ) \Z"""
)
_EXCLUDED = "excluded"
_SECRET_FOLDERS = frozenset({".aws", ".ssh", ".gnupg", ".kube", ".docker", ".azure", ".gcloud"})


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """A file that stays at home.

    Attributes
    ----------
    path
        Below the folder that holds the package, with slashes.
    size
        In bytes.
    reason
        Why, in a few words.
    """

    path: str
    size: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class TravelRules:
    """What the user wants to travel or to stay.

    Attributes
    ----------
    include
        Patterns in gitignore's form, against paths such as ``mypackage/data/model.bin``. They bring
        back what ``.gitignore`` leaves out; a secret only if a pattern names it without wildcards.
    exclude
        Patterns of what stays; it wins over `include`.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def includes(self, path: str) -> bool:
        """Whether the user asked for the file."""
        return bool(self.include) and _patterns(self.include).match_file(path)

    def names(self, path: str) -> bool:
        """Whether the user asked for the file by its very name."""
        return any(
            path == pattern.lstrip("/") or path.endswith("/" + pattern.lstrip("/"))
            for pattern in self.include
            if not re.search(r"[*?\[]|/\Z", pattern)
        )

    def excludes(self, path: str) -> bool:
        """Whether the user wants the file to stay."""
        return bool(self.exclude) and _patterns(self.exclude).match_file(path)


@lru_cache(maxsize=64)
def _patterns(lines: tuple[str, ...]) -> pathspec.GitIgnoreSpec:
    return pathspec.GitIgnoreSpec.from_lines(lines)


@dataclass(frozen=True, kw_only=True)
class SourceTree:
    """A local top-level package or module.

    Attributes
    ----------
    name
        Its import name.
    base
        The folder that holds it.
    files
        What travels: path below `base`, with slashes, to the file. Sorted.
    left_out
        What stays.
    folders
        Every folder that was looked into and every ``.gitignore`` that was read: a change of any of
        them may change what travels.
    """

    name: str
    base: Path
    files: dict[str, str]
    left_out: tuple[LeftOut, ...]
    folders: tuple[str, ...]


def read_source_tree(name: str, paths: Sequence[Path], rules: TravelRules) -> SourceTree:
    """List the files of a local package.

    Parameters
    ----------
    name
        Its import name.
    paths
        Its folders (several for a namespace package), or the one file of a module.
    rules
        What the user wants.

    Raises
    ------
    SourceError
        The package is compiled, or is not on a file system.
    """
    files: dict[str, str] = {}
    left_out: list[LeftOut] = []
    folders: list[str] = []
    for path in paths:
        if path.is_dir():
            reader = _TreeReader(path, rules)
            reader.read()
            files.update(reader.files)
            left_out += reader.left_out
            folders += reader.folders
        elif path.suffix == ".py" and path.is_file():
            files[path.name] = str(path)
        else:
            raise SourceError(
                f"the source of module {name!r} is out of reach: {path}",
                hint="Only .py files travel. Publish compiled code as a package of its own and "
                "install it.",
            )
    return SourceTree(
        name=name,
        base=paths[0].parent,
        files=dict(sorted(files.items())),
        left_out=tuple(left_out),
        folders=tuple(folders),
    )


class _IgnoreFile(NamedTuple):
    """A .gitignore and how a path below the package's parent looks from its folder."""

    spec: pathspec.GitIgnoreSpec
    prefix: str
    cut: int


class _TreeReader:
    """One walk through a package's folder."""

    def __init__(self, root: Path, rules: TravelRules) -> None:
        self._root = root
        self._rules = rules
        self.files: dict[str, str] = {}
        self.left_out: list[LeftOut] = []
        self.folders: list[str] = []
        self._visited: set[str] = set()
        own = (Loc.temp_path, Loc.data_cache_path, Loc.user_cache_path)
        self._own_folders = {os.path.realpath(folder) for folder in own}

    def read(self) -> None:
        ignore = tuple(self._ignore_files_above())
        self._read_folder(str(self._root), self._root.name, ignore)

    def _ignore_files_above(self) -> Iterator[_IgnoreFile]:
        """List the .gitignore files from the repository's root down to the package's parent.

        If they ignore the package as a whole, they do not speak of it: it is imported after all.
        """
        above: list[Path] = []
        for folder in self._root.parents:
            above.append(folder)
            if (folder / ".git").exists():
                break
        else:
            return
        for folder in reversed(above):
            spec = self._ignore_file(str(folder))
            if spec is not None:
                relative = self._root.relative_to(folder).as_posix()
                parts = relative.split("/")
                prefixes = ["/".join(parts[: i + 1]) + "/" for i in range(len(parts))]
                if not any(spec.match_file(prefix) for prefix in prefixes):
                    above_root = relative[: -len(self._root.name)]
                    yield _IgnoreFile(spec=spec, prefix=above_root, cut=0)

    def _ignore_file(self, folder: str) -> pathspec.GitIgnoreSpec | None:
        path = Path(folder, ".gitignore")
        try:
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return None
        self.folders.append(str(path))
        return _patterns(tuple(lines))

    def _read_folder(self, folder: str, relative: str, ignore: tuple[_IgnoreFile, ...]) -> None:
        real = os.path.realpath(folder)
        if real in self._visited:  # a link that leads back into its own folder
            return
        self._visited.add(real)
        self.folders.append(folder)
        own = self._ignore_file(folder)
        if own is not None:
            ignore = (*ignore, _IgnoreFile(spec=own, prefix="", cut=len(relative) + 1))
        with os.scandir(folder) as entries:
            listing = sorted(entries, key=lambda entry: entry.name)
        for entry in listing:
            if entry.name not in _NOISE and not entry.name.endswith(_NOISE_SUFFIXES):
                self._read_entry(entry, f"{relative}/{entry.name}", ignore)

    def _read_entry(
        self, entry: os.DirEntry[str], path: str, ignore: tuple[_IgnoreFile, ...]
    ) -> None:
        if entry.is_dir():
            if os.path.realpath(entry.path) in self._own_folders:
                self._leave(path + "/", 0, "the library's own folder of packages and results")
                return
            if os.path.exists(os.path.join(entry.path, "pyvenv.cfg")):  # noqa: PTH110, PTH118 fast path
                self._leave(path + "/", 0, "a virtual environment")
                return
            reason = self._reason(path + "/", entry.name, ignore)
            # what stays as a whole may still hold a file that the user asks for
            if reason is None or (self._rules.include and reason != _EXCLUDED):
                self._read_folder(entry.path, path, ignore)
            else:
                self._leave(path + "/", 0, reason)
        elif entry.is_file():
            reason = self._reason(path, entry.name, ignore)
            if reason is None and entry.is_symlink() and not self._rules.names(path):
                target = os.path.realpath(entry.path)
                secret = _is_secret(target, os.path.basename(target))  # noqa: PTH119 fast path
                reason = "leads to what looks like a secret" if secret else None
            if reason is None:
                self.files[path] = entry.path
            else:
                self._leave(path, entry.stat().st_size, reason)
        else:
            self._leave(path, 0, "neither a file nor a folder")

    def _leave(self, path: str, size: int, reason: str) -> None:
        self.left_out.append(LeftOut(path=path, size=size, reason=reason))

    def _reason(self, path: str, name: str, ignore: tuple[_IgnoreFile, ...]) -> str | None:
        if self._rules.excludes(path):
            return _EXCLUDED
        if _is_secret(path, name) and not self._rules.names(path):
            return "looks like a secret"
        if name.endswith(_COMPILED):
            return "compiled for one machine"
        if self._rules.includes(path):
            return None
        return "ignored by .gitignore" if _is_ignored(path, ignore) else None


def _is_secret(path: str, name: str) -> bool:
    return bool(_SECRET.match(name)) or not _SECRET_FOLDERS.isdisjoint(path.split("/"))


def _is_ignored(path: str, ignore: tuple[_IgnoreFile, ...]) -> bool:
    ignored = False
    for file in ignore:  # the nearest one that says anything has the last word
        verdict = file.spec.check_file(file.prefix + path[file.cut :]).include
        if verdict is not None:
            ignored = verdict
    return ignored
