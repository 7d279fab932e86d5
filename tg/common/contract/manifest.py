"""What a package and a result say of themselves, as JSON with a protocol number."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Self

from .._core.errors import FormatError
from .._core.protocol import check_protocol

__all__ = ["MetricsManifest", "PackageManifest", "ResultManifest"]


@dataclass(frozen=True, kw_only=True)
class _Manifest:
    """Reading and writing, the same for every manifest."""

    protocol: int

    PROTOCOL: ClassVar[int]
    FILE_NAME: ClassVar[str]

    def to_json(self) -> bytes:
        """Give the JSON: fields and keys in their order, UTF-8, a newline at the end."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return (json.dumps(values, indent=1) + "\n").encode()

    @classmethod
    def from_json(cls, data: bytes | str, *, where: str) -> Self:
        """Read what :meth:`to_json` wrote.

        Parameters
        ----------
        data
            The JSON.
        where
            What holds it, for errors.

        Raises
        ------
        FormatError
            It is not such a manifest.
        ProtocolError
            It has a protocol number that this version does not know.
        """
        try:
            values = json.loads(data)
            protocol = values["protocol"]
        except (ValueError, KeyError, TypeError, RecursionError) as exc:
            raise FormatError(
                f"{where} is not a {cls.__name__}: {exc!r}",
                hint="The file is damaged or was not made by this library.",
            ) from exc
        check_protocol(protocol, cls.PROTOCOL, where)
        known = {f.name for f in fields(cls)}
        try:
            return cls(**{name: _frozen(v) for name, v in values.items() if name in known})
        except TypeError as exc:
            raise FormatError(
                f"{where} is no {cls.__name__}: {exc}",
                hint="The file is damaged or was not made by this library.",
            ) from exc


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise TypeError(f"{what} are not what they should be")


def _is_texts(items: object) -> bool:
    return isinstance(items, tuple) and all(isinstance(item, str) for item in items)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


@dataclass(frozen=True, kw_only=True)
class PackageManifest(_Manifest):
    """What a package says of itself.

    Attributes
    ----------
    name, version
        As the user gave them; the version is the content's hash if none was given.
    module_name
        The root module, ``NAME__VERSION``.
    content_hash
        SHA-256 of all that is in the package but for this manifest, as hexadecimal digits.
    python
        The minor version of Python that packed, such as ``"3.11"``.
    travellers
        The top-level modules that were moved under the root.
    requirements
        What the package needs from others.
    lock
        These and all that they need in turn, pinned.
    lock_is_complete
        Whether it is. If not, the user asked for something that was not installed where the package
        was made: what that needs is for the installer to find out.
    by_value
        Whether the payload holds byte code.
    payload_keys
        The names under which the payload keeps its objects.
    """

    PROTOCOL: ClassVar[int] = 1
    FILE_NAME: ClassVar[str] = "manifest.json"

    protocol: int = 1
    name: str
    version: str
    module_name: str
    content_hash: str
    python: str
    travellers: tuple[str, ...]
    requirements: tuple[str, ...]
    lock: tuple[str, ...]
    lock_is_complete: bool
    by_value: bool
    payload_keys: tuple[str, ...]

    def __post_init__(self) -> None:
        texts = (self.name, self.version, self.module_name, self.content_hash, self.python)
        lists = (self.travellers, self.requirements, self.lock, self.payload_keys)
        _require(all(isinstance(text, str) for text in texts), "texts")
        _require(all(_is_texts(items) for items in lists), "lists of texts")
        module_name = f"{self.name}__{self.version.replace('.', '_')}"
        _require(self.module_name == module_name and module_name.isidentifier(), "its module_name")
        _require(all(name.isidentifier() for name in self.travellers), "its travellers")
        _require(all(c in "0123456789abcdef" for c in self.content_hash), "its content_hash")

    def properties(self, module_name: str, resources_location: str) -> dict[str, str]:
        """Give what ``package.json`` says, in the documented words.

        Parameters
        ----------
        module_name
            What the root module is called where the package is.
        resources_location
            The folder of its resources there.
        """
        return {
            "name": self.name,
            "version": self.version,
            "module_name": module_name,
            "tg_import_path": f"{module_name}.tg",
            "original_tg_import_path": "tg",
            "resources_location": resources_location,
        }


@dataclass(frozen=True, kw_only=True)
class ResultManifest(_Manifest):
    """What a result says of itself.

    Attributes
    ----------
    package
        Fields of the :class:`PackageManifest` that made it.
    package_file
        The package's name in the archive.
    python
        The full version of the Python that trained.
    task_name
        What the task calls itself, its ``info["name"]``; empty if nothing.
    hyperparameters
        What was set on the task, by path.
    provenance
        Where it came from: executor, run, git commit, times in UTC. Nothing here is needed to open
        the result.
    files
        Name to size in bytes of everything else in the result.
    """

    PROTOCOL: ClassVar[int] = 1
    FILE_NAME: ClassVar[str] = "manifest.json"

    protocol: int = 1
    package: Mapping[str, Any]
    package_file: str
    python: str
    task_name: str = ""
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        mappings = (self.package, self.hyperparameters, self.provenance, self.files)
        _require(all(isinstance(mapping, Mapping) for mapping in mappings), "objects")
        texts = (self.package_file, self.python, self.task_name)
        _require(all(isinstance(text, str) for text in texts), "texts")

    @property
    def package_manifest(self) -> PackageManifest:
        """The manifest of the package that made the result."""
        return PackageManifest.from_json(json.dumps(dict(self.package)), where="the result")


@dataclass(frozen=True, kw_only=True)
class MetricsManifest(_Manifest):
    """The metrics of a training.

    Attributes
    ----------
    metrics
        Name to value, in the order in which they were reported.
    """

    PROTOCOL: ClassVar[int] = 1
    FILE_NAME: ClassVar[str] = "metrics.json"

    protocol: int = 1
    metrics: Mapping[str, float]

    def __post_init__(self) -> None:
        _require(isinstance(self.metrics, Mapping), "an object")
        numbers = (type(value) in (int, float) for value in self.metrics.values())
        _require(all(numbers), "numbers")
