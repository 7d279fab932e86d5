"""What a package and a result say of themselves, as JSON with a protocol number."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar, Self

from .._core.errors import FormatError, ProtocolError

__all__ = ["MetricsManifest", "PackageManifest", "ResultManifest"]


@dataclass(frozen=True, kw_only=True)
class _Manifest:
    """Reading and writing, the same for every manifest."""

    protocol: int

    PROTOCOL: ClassVar[int]
    FILE_NAME: ClassVar[str]

    def to_json(self) -> bytes:
        """Give the JSON: fields and keys in their order, UTF-8, a newline at the end."""
        return (json.dumps(asdict(self), indent=1) + "\n").encode()

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
        except (ValueError, KeyError, TypeError) as exc:
            raise FormatError(
                f"{where} is not a {cls.__name__}: {exc!r}",
                hint="The file is damaged or was not made by this library.",
            ) from exc
        if protocol != cls.PROTOCOL:
            raise ProtocolError(
                f"{where} has protocol {protocol!r}, this version reads {cls.PROTOCOL}",
                hint="Open it with the version of training-grounds that wrote it, or a newer one.",
            )
        known = {f.name for f in fields(cls)}
        try:
            return cls(**{name: _frozen(v) for name, v in values.items() if name in known})
        except TypeError as exc:
            raise FormatError(
                f"{where} lacks something a {cls.__name__} has: {exc}",
                hint="The file is damaged or was not made by this library.",
            ) from exc


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
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, int] = field(default_factory=dict)

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
