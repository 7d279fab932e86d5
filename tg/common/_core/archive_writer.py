"""Archives that are the same bytes for the same content, wherever and whenever they are made."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from .archive_names import Limits, NameTree, checked_name
from .errors import ArchiveError, ConfigError, NamingError, StorageError
from .files import atomic_write
from .gzip_writer import GzipWriter
from .tar_format import (
    END_OF_ARCHIVE,
    TableLine,
    data_span,
    member_header,
    padding,
    size_header,
)

__all__ = ["Member", "write_tar_gz"]

_CHUNK = 1 << 20
# With so much of the archive everything in it can be listed, if the files beyond are not too many.
_BEGINNING = 1 << 20
_MAX_TABLE = 1 << 16


@dataclass(frozen=True, kw_only=True)
class Member:
    """A file or folder to be archived.

    Parameters
    ----------
    name
        Relative, with slashes: ``runs/0/metrics.pkl``.
    content
        The file's bytes, or the file on disk that holds them; ``None`` for a folder.

    Example
    -------
    >>> Member(name="runs").content is None
    True
    """

    name: str
    content: bytes | Path | None = None


def write_tar_gz(
    target: Path | BinaryIO,
    members: Iterable[Member],
    *,
    compress_level: int = 1,
    small_first: bool = False,
) -> None:
    """Write a ``.tar.gz`` whose bytes depend on the names and contents alone.

    Times, owners and modes of the files are not kept. A path appears whole or not at all: what was
    there before stays until the new archive is complete.

    Parameters
    ----------
    target
        The archive to be made or replaced, or an open binary file to write to.
    members
        In the order in which they are written. Folders need no members of their own.
    compress_level
        Of zlib, 0 to 9.
    small_first
        Write in order of size instead, so that small files are found at the beginning of the
        archive and can be read, and all names listed, without the large ones. Equal sizes keep
        their order.

    Raises
    ------
    NamingError
        A name is unsafe, or two names contradict each other.
    ConfigError
        The compression level is out of range, or a member's path is no regular file.
    ArchiveError
        A member's file cannot be read, or changes its size meanwhile.
    StorageError
        The archive cannot be written; the ``OSError`` is its cause.

    Example
    -------
    >>> from io import BytesIO
    >>> file = BytesIO()
    >>> write_tar_gz(file, [Member(name="a.txt", content=b"hello")])
    >>> file.getvalue()[:2].hex()
    '1f8b'
    """
    if compress_level not in range(10):
        raise ConfigError(
            f"the compression level {compress_level!r} is not between 0 and 9",
            hint="1 is fast, 6 is small.",
        )
    plan = _plan(members)
    table: tuple[int, list[TableLine]] = (0, [])
    if small_first:
        plan.sort(key=lambda item: item.size)
        table = _table(plan)
    tar = _tar(plan, table)
    if not isinstance(target, Path):
        try:
            _compress(target, tar, compress_level)
        except OSError as exc:
            raise StorageError(
                f"the archive {getattr(target, 'name', target)} cannot be written ({exc})",
                hint="Check its disk or connection.",
            ) from exc
        return
    # No sync: an archive can be made again, and one torn by a power cut fails its checksum.
    atomic_write(target, lambda file: _compress(file, tar, compress_level), sync=False)


class _Planned(NamedTuple):
    member: Member
    header: bytes
    size: int


def _plan(members: Iterable[Member]) -> list[_Planned]:
    tree = NameTree()
    limits = Limits()
    plan = []
    for member in members:
        name = member.name
        try:
            plain = checked_name(name, limits)
            tree.add(plain, is_dir=member.content is None)
        except ValueError as exc:
            raise _name_error(name, str(exc)) from exc
        if plain != name or not name:
            raise _name_error(name, "it has '.', empty parts or a slash at the end")
        size = _size(member)
        header = member_header(name, size, is_dir=member.content is None)
        plan.append(_Planned(member=member, header=header, size=size))
    return plan


def _name_error(name: str, why: str) -> NamingError:
    return NamingError(
        f"{name!r} cannot be put into an archive: {why}",
        hint="Use relative names like 'folder/file.txt', each of them once.",
    )


def _size(member: Member) -> int:
    if not isinstance(member.content, Path):
        return len(member.content or b"")
    try:
        status = member.content.stat()
    except OSError as exc:
        raise _read_error(member.content, member, exc) from exc
    if not stat.S_ISREG(status.st_mode):
        raise ConfigError(
            f"{member.content!s}, to be archived as {member.name!r}, is no regular file",
            hint="Pass files one by one, and content=None for a folder.",
        )
    return status.st_size


def _read_error(path: Path, member: Member, exc: OSError) -> ArchiveError:
    return ArchiveError(
        f"{path}, to be archived as {member.name!r}, cannot be read ({exc})",
        hint="Check that it exists and is readable.",
    )


def _table(plan: list[_Planned]) -> tuple[int, list[TableLine]]:
    """List the members that begin after the first megabyte, and count those before."""
    position = 0
    before = 0
    for item in plan:
        position += len(item.header)
        if position > _BEGINNING:
            break
        position += data_span(item.size)
        before += 1
    lines = [
        TableLine(item.member.name, item.size, item.member.content is None)
        for item in plan[before:]
    ]
    if sum(len(line.name) for line in lines) > _MAX_TABLE:
        return 0, []
    return before, lines


def _tar(plan: list[_Planned], table: tuple[int, list[TableLine]]) -> Iterator[bytes]:
    if plan:  # tarfile refuses an archive in which nothing follows a global header
        total = sum(len(item.header) + data_span(item.size) for item in plan)
        total += len(size_header(0, *table)) + len(END_OF_ARCHIVE)
        yield size_header(total, *table)
    for item in plan:
        yield item.header
        content = item.member.content
        if isinstance(content, Path):
            yield from _file_chunks(content, item)
        elif content:
            yield content
        yield bytes(padding(item.size))
    yield END_OF_ARCHIVE


def _file_chunks(path: Path, item: _Planned) -> Iterator[bytes]:
    left = item.size
    try:
        with path.open("rb", buffering=0) as file:
            while chunk := file.read(min(_CHUNK, left + 1)):
                left -= len(chunk)
                if left < 0:
                    break
                yield chunk
    except OSError as exc:
        raise _read_error(path, item.member, exc) from exc
    if left:
        raise ArchiveError(
            f"{path}, to be archived as {item.member.name!r}, changed its size while it was read",
            hint="Let whatever writes it finish first.",
        )


def _compress(file: BinaryIO, tar: Iterable[bytes], level: int) -> None:
    writer = GzipWriter(file, level)
    for piece in tar:
        writer.write(piece)
    writer.finish()
