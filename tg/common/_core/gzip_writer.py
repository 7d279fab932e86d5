"""Gzip files that are the same bytes for the same content, and quick where nothing can be won."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

__all__ = ["GzipWriter"]

_CHUNK = 1 << 20
# of a piece this large, a few samples tell whether it becomes smaller at all
_LARGE = 1 << 16
_SAMPLES, _SAMPLE_BYTES = 4, 4096
_WORTHWHILE = 0.95
_MOST_STORED = 65_535


class GzipWriter:
    """Writes the gzip file of RFC 1952: no name, no time, and no operating system.

    A large piece that compression would leave as large as it is, such as an archive or a picture,
    is stored as it is (RFC 1951, 3.2.4): that takes a tenth of the time.

    Parameters
    ----------
    file
        Where it is written to.
    level
        Of zlib, 0 to 9.

    Example
    -------
    >>> import gzip, io
    >>> file = io.BytesIO()
    >>> stream = GzipWriter(file, level=1)
    >>> stream.write(b"hello")
    >>> stream.finish()
    >>> gzip.decompress(file.getvalue())
    b'hello'
    """

    def __init__(self, file: BinaryIO, level: int) -> None:
        self._file = file
        # zlib even where isal is installed: the bytes must not depend on that
        self._deflate = zlib.compressobj(level, zlib.DEFLATED, -15)
        self._may_store = level > 0
        self._checksum = self._total = self._waiting = 0
        self._pieces: list[bytes] = []
        file.write(b"\x1f\x8b\x08\0\0\0\0\0\0\xff")

    def write(self, piece: bytes) -> None:
        """Add what follows."""
        if self._may_store and len(piece) >= _LARGE and _is_dense(piece):
            self._compress_waiting()
            self._store(piece)
            return
        self._pieces.append(piece)
        self._waiting += len(piece)
        if self._waiting >= _CHUNK:
            self._compress_waiting()

    def finish(self) -> None:
        """Write what is left, and the end; the file itself stays open."""
        self._compress_waiting()
        self._file.write(self._deflate.flush())
        self._file.write(struct.pack("<II", self._checksum, self._total & 0xFFFFFFFF))

    def _compress_waiting(self) -> None:
        data = b"".join(self._pieces)
        self._pieces.clear()
        self._waiting = 0
        self._count(data)
        self._file.write(self._deflate.compress(data))

    def _store(self, data: bytes) -> None:
        self._count(data)
        # nothing that comes later refers to what lies before it; it ends with a whole byte
        self._file.write(self._deflate.flush(zlib.Z_FULL_FLUSH))
        self._file.writelines(_stored_blocks(data))

    def _count(self, data: bytes) -> None:
        self._checksum = zlib.crc32(data, self._checksum)
        self._total += len(data)


def _is_dense(piece: bytes) -> bool:
    """Whether samples of it, from its beginning to its end, hardly become smaller."""
    step = (len(piece) - _SAMPLE_BYTES) // (_SAMPLES - 1)
    starts = range(0, _SAMPLES * step, step)
    sample = b"".join(piece[start : start + _SAMPLE_BYTES] for start in starts)
    return len(zlib.compress(sample, 1)) > _WORTHWHILE * len(sample)


def _stored_blocks(data: bytes) -> Iterator[bytes | memoryview]:
    view = memoryview(data)
    for start in range(0, len(data), _MOST_STORED):
        block = view[start : start + _MOST_STORED]
        # not the last block; its length, and the same with all bits turned
        yield struct.pack("<BHH", 0, len(block), len(block) ^ 0xFFFF)
        yield block
