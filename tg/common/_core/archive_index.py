"""What an archive holds and where, found by reading it forwards and no further than needed."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from .archive_names import Limits, NameTree, checked_name
from .errors import ArchiveError
from .gzip_stream import FETCH_AGAIN, GzipStream
from .tar_format import END_OF_ARCHIVE, data_span, member_header
from .tar_parsing import RawMember, Record, read_member, record_before

__all__ = ["ArchiveIndex", "Entry"]

# Up to this compressed size an archive is read to its end, and so checked, before anything of it
# is handed out: some 10 ms.
_SMALL = 4 << 20


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A member of an archive.

    Parameters
    ----------
    name
        Relative, with slashes, none at the end.
    size
        In bytes; 0 for folders.
    is_dir
        Whether it is a folder.
    offset
        Where its data begin in the decompressed archive, in bytes.
    """

    name: str
    size: int
    is_dir: bool
    offset: int


class ArchiveIndex:
    """The members found so far, and a stream to find more.

    Parameters
    ----------
    source
        The archive's path, or a function that opens it anew at each call.
    label
        What error messages call it.
    limits
        How much it may hold.

    Attributes
    ----------
    entries
        By name, in the archive's order.
    tree
        The same names as a tree.
    at_end
        Whether the archive has been read to its end, and so is known to be whole.

    Raises
    ------
    ArchiveError
        It is no archive, or is cut off.
    """

    def __init__(self, source: Path | Callable[[], BinaryIO], label: str, limits: Limits) -> None:
        self.label = label
        self.entries: dict[str, Entry] = {}
        self.tree = NameTree()
        self.at_end = False
        self._source = source
        self._limits = limits
        self._stream: GzipStream | None = None
        self._identity: tuple[int, ...] | None = None
        self._headers = 0
        self._next_header = 0
        self._record: Record | None = None
        self._announced: dict[str, Entry] = {}
        try:
            self._inspect()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file; the next access opens it again."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    @property
    def is_complete(self) -> bool:
        """Whether all members have been found.

        Where the archive tells its size, the data of the last member need not be read for that.
        """
        return self.at_end or (
            self._record is not None
            and self._record.size == self._next_header + len(END_OF_ARCHIVE)
        )

    def is_listed_within(self, size: int) -> bool:
        """Tell whether all members are known from so many decompressed bytes at the beginning."""
        while not self.is_complete and not self._announced and self._next_header < size:
            self.advance()
        return self.is_complete or bool(self._announced)

    def listing(self) -> dict[str, Entry]:
        """List all members by name; those that the archive announces are not searched for."""
        while not self.is_complete and not self._announced:
            self.advance()
        return self.entries | self._announced

    def find(self, name: str) -> Entry | None:
        """Search for a member, no further than its header."""
        while name not in self.entries and not self.is_complete:
            if self._announced and name not in self._announced:
                break
            self.advance()
        return self.entries.get(name)

    def stream_at(self, offset: int) -> GzipStream:
        """Give the stream at a position, opened anew where that lies behind."""
        if self._stream is not None and self._stream.position > offset:
            self.close()
        if self._stream is None:
            self._stream = GzipStream(self._open_source(), self.label, self._limits)
        self._stream.skip(offset - self._stream.position)
        return self._stream

    def lend_stream_at(self, offset: int) -> GzipStream:
        """Give a stream for somebody's own use, to be handed to `give_back`."""
        stream = self.stream_at(offset)
        self._stream = None
        return stream

    def give_back(self, stream: GzipStream) -> None:
        """Take a lent stream for further use."""
        if self._stream is None:
            self._stream = stream
        else:
            stream.close()

    def verify(self) -> None:
        """Read the archive to its end."""
        while not self.at_end:
            self.advance()

    def advance(self) -> Entry | None:
        """Read the next header; ``None`` at the end of the archive, which is checked."""
        while True:
            stream = self.stream_at(self._next_header)
            try:
                raw = read_member(stream.read)
                if raw is None:
                    self._finish(stream)
                    return None
                if not self._headers:
                    self._record = record_before(raw)
                entry = self._take(raw, stream.position)
            except ValueError as exc:
                after = f" after member {next(reversed(self.entries))!r}" if self.entries else ""
                raise ArchiveError(
                    f"the archive {self.label} is damaged or unsafe{after}: {exc}",
                    hint=f"{FETCH_AGAIN} Only regular files and folders are accepted.",
                ) from exc
            if entry.name:  # the root itself, "./", is no member
                return entry

    def _open_source(self) -> BinaryIO:
        if not isinstance(self._source, Path):
            return self._source()
        try:
            file = self._source.open("rb", buffering=0)
            status = os.fstat(file.fileno())
        except OSError as exc:
            raise ArchiveError(
                f"the archive {self.label} cannot be opened ({exc})", hint="Check the path."
            ) from exc
        identity = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
        if identity != (self._identity or identity):
            file.close()
            raise ArchiveError(
                f"the archive {self.label} was replaced while it was read",
                hint="Open it again.",
            )
        self._identity = identity
        return file

    def _inspect(self) -> None:
        """Look at the first header and, where the size is known, at the last bytes."""
        file = self._open_source()
        self._stream = GzipStream(file, self.label, self._limits)
        length = trailer = None
        if file.seekable():
            length = file.seek(0, os.SEEK_END)
            if length >= 18:  # the shortest gzip file
                file.seek(-4, os.SEEK_END)
                trailer = int.from_bytes(file.read(4), "little")
            file.seek(0)
        self.advance()
        record = self._record
        suspicious = record and trailer is not None and trailer != record.size % (1 << 32)
        # A gzip file in several pieces has the size of the last piece there: legal, if unusual.
        if suspicious or (length is not None and length <= _SMALL):
            self.verify()

    def _take(self, raw: RawMember, offset: int) -> Entry:
        try:
            name = self._accepted_name(raw, offset)
        except ValueError as exc:
            raise ValueError(f"member {raw.name!r} is refused: {exc}") from exc
        entry = Entry(name=name, size=raw.size, is_dir=raw.is_dir, offset=offset)
        if self._announced and self._announced.get(name) != entry:
            raise ValueError(f"member {name!r} is not what the archive announced")
        self._headers += 1
        self._next_header = offset + data_span(raw.size)
        if name:
            self.entries[name] = entry
        self._announce()
        return entry

    def _announce(self) -> None:
        """Believe in the table, for listings only, when everything before it has been read."""
        record = self._record
        if record is None or not record.table or self._headers != record.before:
            return
        offset = self._next_header
        for name, size, is_dir in record.table:
            if checked_name(name, self._limits) != name:
                raise ValueError(f"the archive announces a member {name!r}")
            offset += len(member_header(name, size, is_dir=is_dir))
            self._announced[name] = Entry(name=name, size=size, is_dir=is_dir, offset=offset)
            offset += data_span(size)

    def _accepted_name(self, raw: RawMember, offset: int) -> str:
        limits = self._limits
        if self._headers >= limits.max_members:
            raise ValueError(f"there are more members than max_members={limits.max_members}")
        if offset + raw.size > limits.max_total_bytes:
            raise ValueError(f"it goes beyond max_total_bytes={limits.max_total_bytes}")
        name = checked_name(raw.name, limits)
        if name:
            self.tree.add(name, is_dir=raw.is_dir)
        elif not raw.is_dir:
            raise ValueError("it has no name")
        return name

    def _finish(self, stream: GzipStream) -> None:
        if any(chunk.strip(b"\0") for chunk in stream.rest()):
            raise ValueError("data follow the archive's end")
        record = self._record
        if record and record.size != self._next_header + len(END_OF_ARCHIVE):
            raise ValueError("its size is not the one it recorded")
        if record and record.table and self._headers != record.before + len(record.table):
            raise ValueError("members that it announced are not there")
        self.at_end = True
