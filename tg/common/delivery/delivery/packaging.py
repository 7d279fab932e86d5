"""Packing a payload and its code into a renamed, reproducible sdist."""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from ..._core.archive_writer import Member, write_tar_gz
from ..._core.errors import PackagingError, StorageError
from ..._core.loc import Loc
from ..._core.logger import Logger
from ...contract.manifest import PackageManifest
from .dependency_list import DependencyList
from .installed import lock_of, pinned_requirements, unmet
from .package_name import PackageName, check_name, check_version
from .payload import Payload, pickle_payload
from .sdist import SourceDistribution
from .snapshot import Snapshot
from .source_tree import TravelRules
from .travel_report import TravelReport
from .travellers import Travellers, find_travellers

__all__ = ["Package", "Packaging"]

_DISTRIBUTION = "training-grounds"  # its source travels
_PAYLOAD_FILE = "resources/payload.pkl"
_FOLDER_DIGITS = 16
_MANIFEST_FILE = f"resources/{PackageManifest.FILE_NAME}"
_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


@dataclass(frozen=True, kw_only=True)
class Package:
    """A package that was made.

    Attributes
    ----------
    path
        The archive.
    manifest
        What it says of itself.
    report
        What is in it, and what stayed at home.
    """

    path: Path
    manifest: PackageManifest
    report: TravelReport

    def __repr__(self) -> str:
        return f"<Package {self.manifest.module_name} at {self.path}>"


class Packaging:
    """Packs a payload with the code it needs, as that code is right now.

    Parameters
    ----------
    name
        The package's name: a Python identifier of ASCII letters, digits and inner underscores.
    version
        Its version; ``None`` for the hash of the content.
    payload
        Key to object; a job goes under ``"job"``.

    Attributes
    ----------
    dependencies
        Lists of requirements; ``None`` to infer them from the imports, pinned to what is installed.
    include, exclude
        Patterns in gitignore's form of files that travel although ``.gitignore`` leaves them out,
        or stay although they would travel. A secret travels only if named without wildcards.
    include_modules
        Modules to travel, or to depend on, that no import leads to.
    folder
        Where packages are written, each in a folder named after its content;
        ``Loc.temp_path / "packages"`` if ``None``.
    silent
        Whether not to print the report of what travels.
    package_location
        The path of the package that was made last.

    Raises
    ------
    NamingError
        The name or version is illegal.
    """

    def __init__(self, name: str, version: str | None, payload: Mapping[str, Any]) -> None:
        self.name = check_name(name)
        self.version = version if version is None else check_version(version)
        self.payload = payload
        self.dependencies: Sequence[DependencyList] | None = None
        self.include: Sequence[str] = ()
        self.exclude: Sequence[str] = ()
        self.include_modules: Sequence[str] = ()
        self.folder: Path | None = None
        self.silent = False
        self.package_location: Path | None = None
        self._last: tuple[_Spec, Snapshot, Package] | None = None

    def make_package(self) -> Package:
        """Write the package, or find the one that was written of the same content.

        Returns
        -------
        Package
            Its ``path`` is that of a ``.tar.gz`` which pip and uv can install.

        Raises
        ------
        UnpicklableError
            The payload cannot be pickled; the error names the attribute path.
        SourceError
            A source file that is needed cannot travel.
        DependencyError
            A requirement cannot be named or pinned.
        PackagingError
            The package cannot be written; all that were written before are whole.
        """
        spec = self._freeze()
        if self._last and self._last[0] == spec:
            _, snapshot, package = self._last
            if package.path.is_file() and snapshot.is_current():
                self.package_location = package.path
                return package
        snapshot, package = _make(spec)
        self._last = (spec, snapshot, package)
        self.package_location = package.path
        if not self.silent:
            Logger.plain(str(package.report))
        return package

    def _freeze(self) -> _Spec:
        dependencies = self.dependencies
        return _Spec(
            name=check_name(self.name),
            version=self.version if self.version is None else check_version(self.version),
            payload=pickle_payload(dict(self.payload)),
            payload_keys=tuple(self.payload),
            requirements=(
                None if dependencies is None else DependencyList.merge(dependencies).requirements
            ),
            rules=TravelRules(include=tuple(self.include), exclude=tuple(self.exclude)),
            modules=tuple(self.include_modules),
            folder=Path(self.folder or Loc.temp_path / "packages").absolute(),
        )


@dataclass(frozen=True, kw_only=True)
class _Spec:
    """All that decides what a package holds, but for the files it is made of."""

    name: str
    version: str | None
    payload: Payload
    payload_keys: tuple[str, ...]
    requirements: tuple[str, ...] | None
    rules: TravelRules
    modules: tuple[str, ...]
    folder: Path


def _make(spec: _Spec) -> tuple[Snapshot, Package]:
    started_ns = time.time_ns()
    travellers = find_travellers([*spec.payload.modules, *spec.modules], spec.rules)
    snapshot = Snapshot.of(travellers, started_ns=started_ns)
    requirements = _requirements(spec, travellers)
    files = travellers.rewritten()
    if _PAYLOAD_FILE in files or _MANIFEST_FILE in files:
        raise PackagingError(
            f"your module 'resources' has a file that every package has: {_PAYLOAD_FILE}",
            hint="Rename yours.",
        )
    files["__init__.py"] = b""
    files[_PAYLOAD_FILE] = spec.payload.data
    lock = lock_of(requirements, travelling=[_DISTRIBUTION], strict=False)
    manifest = _manifest(spec, travellers, requirements, lock, _content_hash(files, lock))
    files[_MANIFEST_FILE] = manifest.to_json()
    path = _write(spec, manifest, files)
    report = TravelReport.of(manifest, files, travellers)
    return snapshot, Package(path=path, manifest=manifest, report=report)


def _requirements(spec: _Spec, travellers: Travellers) -> tuple[str, ...]:
    if spec.requirements is None:
        return pinned_requirements(_with_parquet(travellers.needed))
    # what the user lists counts, but the code that runs the job needs its libraries as well
    ours = pinned_requirements(_with_parquet(travellers.needed_here))
    listed = {canonicalize_name(Requirement(text).name) for text in spec.requirements}
    missing = [r for r in ours if canonicalize_name(Requirement(r).name) not in listed]
    return tuple(sorted([*spec.requirements, *missing]))


def _with_parquet(needed: frozenset[str]) -> frozenset[str]:
    # pandas reads and writes parquet with it, but imports it by name
    uses_pandas = any(name.partition(".")[0] == "pandas" for name in needed)
    return needed | {"pyarrow"} if uses_pandas else needed


def _content_hash(files: Mapping[str, bytes], lock: Sequence[str]) -> str:
    digest = hashlib.sha256(f"python {_PYTHON}\n".encode())
    for line in lock:
        digest.update(f"lock {line}\n".encode())
    for path in sorted(files):
        digest.update(f"file {len(files[path])} {path}\n".encode())
        digest.update(files[path])
    return digest.hexdigest()


def _manifest(
    spec: _Spec,
    travellers: Travellers,
    requirements: Sequence[str],
    lock: Sequence[str],
    content_hash: str,
) -> PackageManifest:
    package = _package_name(spec, content_hash)
    return PackageManifest(
        name=package.name,
        version=package.version,
        module_name=package.module,
        content_hash=content_hash,
        python=_PYTHON,
        travellers=tuple(sorted(travellers.names)),
        requirements=tuple(requirements),
        lock=tuple(lock),
        lock_is_complete=not unmet(requirements),
        by_value=spec.payload.by_value,
        payload_keys=spec.payload_keys,
    )


def _package_name(spec: _Spec, content_hash: str) -> PackageName:
    if spec.version is None:
        return PackageName.from_hash(spec.name, content_hash)
    return PackageName(name=spec.name, version=spec.version)


def _write(spec: _Spec, manifest: PackageManifest, files: Mapping[str, bytes]) -> Path:
    package = _package_name(spec, manifest.content_hash)
    # a folder for each content: no package ever takes another's place, whatever its version says
    folder = spec.folder / manifest.content_hash[:_FOLDER_DIGITS]
    path = folder / package.sdist_file
    if path.is_file():
        return path
    sdist = SourceDistribution(
        package=package, python=_PYTHON, requirements=manifest.requirements, files=files
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_tar_gz(
            path, [Member(name=name, content=data) for name, data in sdist.members().items()]
        )
    except (OSError, StorageError) as exc:
        raise PackagingError(
            f"package {path} cannot be written: {exc}",
            hint="Free some room, or set packaging.folder.",
        ) from exc
    return path
