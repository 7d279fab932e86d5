"""Archives, read lazily and believed in nothing."""

from __future__ import annotations

import difflib
import io
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from .archive_index import ArchiveIndex, Entry
from .archive_names import Limits
from .archive_staging import StagingFolder, staged, staged_fresh
from .errors import ResultError
from .gzip_stream import StreamPart

__all__ = ["ArchiveReader"]

_COMPARED = 5_000  # names looked at for the nearest one: half a second at most


class ArchiveReader:
    """Reads a ``.tar.gz`` of any origin, no further than needed.

    Only regular files and folders with safe names are accepted; links, devices, sparse files and
    names that occur twice are refused, and so is whatever exceeds the limits. What was decompressed
    once is remembered as positions, not as data: memory stays flat whatever the size.

    An archive made by `write_tar_gz` tells its size, so one that was cut off is noticed at once.
    Others are known to be whole when they have been read to the end: by `extract_all`, by
    `extract` of a folder, by `verify`, and, if they are small, as soon as they are opened.

    Not to be used by several threads at a time.

    Parameters
    ----------
    source
        The archive's path, or a function that opens it anew at each call.
    limits
        How much it may hold.
    label
        What error messages call it; by default its path.

    Raises
    ------
    ArchiveError
        It is no such archive, or is cut off.

    Example
    -------
    >>> from io import BytesIO
    >>> from tg.common._core.archive_writer import Member, write_tar_gz
    >>> file = BytesIO()
    >>> write_tar_gz(file, [Member(name="a/b.txt", content=b"hello")])
    >>> with ArchiveReader(lambda: BytesIO(file.getvalue())) as archive:
    ...     archive.names(), archive.read("a/b.txt")
    (['a/b.txt'], b'hello')
    """

    def __init__(
        self,
        source: str | Path | Callable[[], BinaryIO],
        limits: Limits | None = None,
        *,
        label: str = "",
    ) -> None:
        self.label = label or ("<stream>" if callable(source) else str(source))
        place = source if callable(source) else Path(source)
        self._index = ArchiveIndex(place, self.label, limits or Limits())

    def __enter__(self) -> ArchiveReader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<ArchiveReader {self.label}>"

    def is_listed_within(self, size: int) -> bool:
        """Tell whether all members are known from so many decompressed bytes at the beginning.

        Raises
        ------
        ArchiveError
            The archive is damaged there.
        """
        return self._index.is_listed_within(size)

    def close(self) -> None:
        """Close the file; the next access opens it again."""
        self._index.close()

    def entries(self) -> list[Entry]:
        """List the members in the archive's order."""
        return list(self._index.listing().values())

    def names(self) -> list[str]:
        """List the members' names in the archive's order."""
        return [entry.name for entry in self.entries()]

    def entry(self, name: str) -> Entry:
        """Find a member, reading no further than its header.

        Raises
        ------
        ResultError
            There is none of that name.
        """
        found = self._index.find(name)
        if found is None:
            raise self._missing(name)
        return found

    def is_folder(self, name: str) -> bool:
        """Tell whether a name is that of a folder, reading no further than needed.

        Raises
        ------
        ResultError
            It is neither a folder nor a file.
        """
        while not self._index.tree.is_folder(name):
            if name in self._index.entries:
                return False
            if self._index.is_complete:
                raise self._missing(name)
            self._index.advance()
        return True

    def read(self, name: str) -> bytes:
        """Read one file.

        Parameters
        ----------
        name
            As listed by `names`.

        Raises
        ------
        ResultError
            There is no file of that name.
        ArchiveError
            The archive is damaged before the file's end.
        """
        return b"".join(self.chunks(self._file_entry(name)))

    def open(self, name: str) -> BinaryIO:
        """Open one file for reading forwards.

        Any number can be open at a time, each with a decompressor of its own.

        Parameters
        ----------
        name
            As listed by `names`.

        Returns
        -------
        BinaryIO
            The file. Its errors are the same as those of `read`.
        """
        entry = self._file_entry(name)
        stream = self._index.lend_stream_at(entry.offset)
        return io.BufferedReader(StreamPart(stream, entry.size, self._index.give_back), 1 << 16)

    def chunks(self, entry: Entry) -> Iterator[bytes]:
        """Read one file a chunk at a time; nothing else may be read in between."""
        return self._index.stream_at(entry.offset).chunks(entry.size)

    def extract(self, name: str, target_folder: Path) -> Path:
        """Put a file, or a folder with all that is in it, into a folder on disk.

        What is there already under other names stays; files of the same name are replaced whole.
        Nothing is changed before everything wanted has been read.

        Parameters
        ----------
        name
            As listed by `names`, or a folder of such a name.
        target_folder
            Made if it is not there.

        Returns
        -------
        Path
            ``target_folder / name``.

        Raises
        ------
        ResultError
            There is no such member.
        ArchiveError
            The archive is damaged.
        StorageError
            The disk is full, or the target cannot be written; the ``OSError`` is its cause.
        ConfigError
            On the way to the target there is a link, or a file in a folder's place.
        """
        name = name.rstrip("/")
        inside = name + "/"
        is_folder = self.is_folder(name)
        with staged(target_folder, self.label) as staging:
            for entry in self.walk() if is_folder else (self._index.entries[name],):
                if entry.name == name or entry.name.startswith(inside):
                    self._stage(entry, staging)
        return target_folder / name

    def extract_all(self, target_folder: Path) -> Path:
        """Put everything into a new folder; on any error there is no such folder.

        Parameters
        ----------
        target_folder
            Must not exist, or be empty.

        Returns
        -------
        Path
            `target_folder`.

        Raises
        ------
        ArchiveError
            The archive is damaged.
        StorageError
            The disk is full, or the target cannot be written; the ``OSError`` is its cause.
        ConfigError
            The target is there already.
        """
        with staged_fresh(target_folder, self.label) as staging:
            for entry in self.walk():
                self._stage(entry, staging)
        return target_folder

    def verify(self) -> None:
        """Read the archive to its end, checking all checksums.

        Raises
        ------
        ArchiveError
            It is damaged, cut off, or holds what is not accepted.
        """
        self._index.verify()

    def walk(self) -> Iterator[Entry]:
        """Pass over all members in one reading.

        Each is given out while its data are next, for `chunks`. When the iteration has ended, the
        archive is known to be whole.
        """
        yield from list(self._index.entries.values())
        while entry := self._index.advance():
            yield entry

    def _stage(self, entry: Entry, staging: StagingFolder) -> None:
        if entry.is_dir:
            staging.add_folder(entry.name)
        else:
            staging.add_file(entry.name, self.chunks(entry))

    def _file_entry(self, name: str) -> Entry:
        entry = self.entry(name)
        if entry.is_dir:
            raise ResultError(
                f"{name!r} in {self.label} is a folder", hint="Name one of the files in it."
            )
        return entry

    def _missing(self, name: str) -> ResultError:
        names = list(itertools.islice(self._index.entries, _COMPARED))
        near = difflib.get_close_matches(name, names, n=3, cutoff=0.4) or names[:3]
        known = ", ".join(map(repr, near))
        return ResultError(
            f"there is no {name!r} in {self.label}",
            hint=f"The nearest names are {known}." if known else "It is empty.",
        )
