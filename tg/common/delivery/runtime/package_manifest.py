"""What a package says of itself, found in its archive or in what was unpacked of it."""

from __future__ import annotations

from pathlib import Path

from ..._core.archive_reader import ArchiveReader
from ..._core.errors import ArchiveError
from ...contract.manifest import PackageManifest

__all__ = ["manifest_file", "no_package", "read_manifest"]

# below SDIST_FOLDER/ROOT_MODULE
_PLACE = f"resources/{PackageManifest.FILE_NAME}"


def read_manifest(filepath: Path | str) -> PackageManifest:
    """Read it from an archive, without unpacking that.

    Raises
    ------
    ArchiveError
        It is no package.
    ProtocolError
        A newer version of this library made it.
    """
    archive = ArchiveReader(Path(filepath))
    depth = _PLACE.count("/") + 2
    names = (n for n in archive.names() if n.endswith(f"/{_PLACE}") and n.count("/") == depth)
    name = next(names, None)
    if name is None:
        raise no_package(filepath)
    return PackageManifest.from_json(archive.read(name), where=str(filepath))


def manifest_file(folder: Path) -> Path | None:
    """Find its file in the folder that an archive was unpacked into; ``None`` if there is none.

    Example
    -------
    >>> manifest_file(Path("/no/such/folder")) is None
    True
    """
    return next(folder.glob(f"*/*/{_PLACE}"), None)


def no_package(filepath: Path | str) -> ArchiveError:
    """Say of an archive that it is no package."""
    return ArchiveError(
        f"{filepath} is an archive, but no package of this library",
        hint="Give the path of what Packaging.make_package() wrote.",
    )
