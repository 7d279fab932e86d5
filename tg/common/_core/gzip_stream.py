"""Decompression of gzip files: forwards, strictly, in chunks of constant size."""

from __future__ import annotations

import io
import weakref
import zlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from .archive_names import Limits
from .errors import ArchiveError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = ["FETCH_AGAIN", "GzipStream", "StreamPart"]

FETCH_AGAIN = "Fetch it again, or make it again if the original is damaged too."
_INPUT = 1 << 17
_OUTPUT = 1 << 20
# A piece this small is hardly worth its header: more of them than this only cost time.
_FREE_PIECES = 100
_BYTES_PER_PIECE = 512


def _inflater() -> tuple[Any, type[Exception]]:
    """Make a decompressor; isal gives the same bytes as zlib in about half of the time."""
    try:
        from isal import isal_zlib  # noqa: PLC0415 (optional in containers)
    except ImportError:
        return zlib.decompressobj(wbits=31), zlib.error
    failure: Any = isal_zlib.error  # its stub calls it an instance
    return isal_zlib.decompressobj(wbits=31), failure


class GzipStream:
    """Decompresses a file from its first byte on.

    Whoever reads to the end knows that all checksums and lengths were right and that nothing but
    gzip members (RFC 1952, section 2.2) stands in the file.

    Parameters
    ----------
    file
        An open binary file at its first byte; closed with the stream.
    label
        What error messages call the file.
    limits
        Caps on total size and ratio.
    """

    def __init__(self, file: BinaryIO, label: str, limits: Limits) -> None:
        self._file = file
        # readers are kept in notebooks, where nobody closes them: the file goes with the last one
        self._close = weakref.finalize(self, file.close)
        self._label = label
        self._limits = limits
        self._inflate: Any = None
        self._failure: type[Exception] = zlib.error
        self._input = b""
        self._consumed = 0
        self._produced = 0
        self._pieces = 0
        self._chunk = b""
        self._offset = 0
        self._ended = False
        self._error: ArchiveError | None = None

    @property
    def position(self) -> int:
        """Decompressed bytes that have been handed out or skipped."""
        return self._produced - len(self._chunk) + self._offset

    def close(self) -> None:
        """Close the file."""
        self._close()

    def read(self, size: int) -> bytes:
        """Read exactly `size` bytes.

        Raises
        ------
        ArchiveError
            The file is damaged or ends before.
        """
        end = self._offset + size
        if end <= len(self._chunk):
            data = self._chunk[self._offset : end]
            self._offset = end
            return data
        return b"".join(self.chunks(size))

    def chunks(self, size: int) -> Iterator[bytes]:
        """Read exactly `size` bytes, a chunk at a time."""
        while size:
            chunk = self.read_some(size)
            size -= len(chunk)
            yield chunk

    def read_some(self, size: int) -> bytes:
        """Read between 1 and `size` bytes, `size` being at least 1."""
        self._have_some()
        chunk = self._chunk[self._offset : self._offset + size]
        self._offset += len(chunk)
        return chunk

    def skip(self, size: int) -> None:
        """Pass over `size` bytes."""
        while size:
            self._have_some()
            step = min(size, len(self._chunk) - self._offset)
            self._offset += step
            size -= step

    def rest(self) -> Iterator[bytes]:
        """Read to the end of the file."""
        while self._offset < len(self._chunk) or self._fill():
            chunk = self._chunk[self._offset :]
            self._offset = len(self._chunk)
            yield chunk

    def _have_some(self) -> None:
        if self._offset == len(self._chunk) and not self._fill():
            raise ArchiveError(f"the archive {self._label} is cut off", hint=FETCH_AGAIN)

    def _fill(self) -> bool:
        """Decompress the next chunk; whether there was one."""
        if self._error is not None:  # a decompressor must not be asked again after an error
            raise self._error
        try:
            while not self._ended:
                chunk = self._step()
                if chunk:
                    self._produced += len(chunk)
                    self._check_limits()
                    self._chunk, self._offset = chunk, 0
                    return True
        except ArchiveError as exc:
            self._produced = self.position
            self._chunk, self._offset = b"", 0
            self._error = exc
            raise
        return False

    def _step(self) -> bytes:
        starved = not self._input and not self._fetch()
        if self._inflate is None:
            if starved:
                if not self._pieces:
                    raise ArchiveError(f"the archive {self._label} is empty", hint=FETCH_AGAIN)
                self._ended = True
                return b""
            self._inflate, self._failure = _inflater()
            self._pieces += 1
            self._check_limits()
        try:
            chunk: bytes = self._inflate.decompress(self._input, _OUTPUT)
        except self._failure as exc:
            what = "is damaged" if self._produced else "is no gzip file, or damaged"
            raise ArchiveError(
                f"the archive {self._label} {what} ({exc})", hint=FETCH_AGAIN
            ) from exc
        if self._inflate.eof:
            self._input = self._inflate.unused_data
            self._inflate = None
        else:
            self._input = self._inflate.unconsumed_tail
            if starved and not chunk:
                raise ArchiveError(f"the archive {self._label} is cut off", hint=FETCH_AGAIN)
        return chunk

    def _fetch(self) -> bool:
        try:
            self._input = self._file.read(_INPUT)
        except OSError as exc:
            raise ArchiveError(
                f"the archive {self._label} cannot be read ({exc})",
                hint="Check the disk or the connection.",
            ) from exc
        self._consumed += len(self._input)
        return bool(self._input)

    def _check_limits(self) -> None:
        limits = self._limits
        if self._produced > limits.max_total_bytes:
            why = f"it holds more than max_total_bytes={limits.max_total_bytes}"
        elif (
            self._produced > limits.ratio_free_bytes
            and self._produced > limits.max_ratio * self._consumed
        ):
            why = f"it grows more than {limits.max_ratio}-fold when decompressed (max_ratio)"
        elif self._pieces > _FREE_PIECES + self._produced // _BYTES_PER_PIECE:
            why = "it is split into too many pieces"
        else:
            return
        raise ArchiveError(
            f"the archive {self._label} is refused: {why}",
            hint="If it is trusted, open it with larger Limits.",
        )


class StreamPart(io.RawIOBase):
    """The next bytes of a stream as a file of their own.

    Parameters
    ----------
    stream
        At the first byte; not to be used by others meanwhile.
    size
        Of the part, in bytes.
    give_back
        Called once with the stream, when the file is closed.
    """

    def __init__(
        self, stream: GzipStream, size: int, give_back: Callable[[GzipStream], None]
    ) -> None:
        self._stream = stream
        self._left = size
        self._give_back = give_back

    def readable(self) -> bool:
        """Whether bytes can be read: always."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Read into `buffer`; 0 at the part's end."""
        view = memoryview(buffer).cast("B")
        wanted = min(len(view), self._left)
        if not wanted:
            return 0
        chunk = self._stream.read_some(wanted)
        view[: len(chunk)] = chunk
        self._left -= len(chunk)
        return len(chunk)

    def close(self) -> None:
        """Hand the stream back."""
        if not self.closed:
            super().close()
            self._give_back(self._stream)
