"""One object in S3, read in ranges as if it were a file."""

from __future__ import annotations

import io
from bisect import bisect_right
from typing import TYPE_CHECKING, Any

from ..._core.errors import ArchiveError, AwsConnectionError, AwsError
from .aws_errors import translated
from .s3_layout import S3Place

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = ["S3Object", "S3ObjectFile"]

# What is asked for first: an archive of ours lists all its members within so much.
_FIRST_BYTES = 1 << 20
_LARGEST_BYTES = 8 << 20
_KEPT_BYTES = 64 << 20
_ATTEMPTS = 3


class S3Object:
    """An object, of which what was read once is not asked for again.

    Each request asks for as much as was asked for before, within limits, so that a long reading
    takes few requests and a short one few bytes. The same version of the object is read to the end.

    Parameters
    ----------
    client
        Of S3.
    place
        Where it stands.

    Raises
    ------
    AwsNotFoundError
        There is no such object.
    """

    def __init__(self, client: Any, place: S3Place) -> None:
        self.place = place
        self._client = client
        self._starts: list[int] = []
        self._blocks: list[bytes] = []
        self._fetched = 0
        self._etag = ""
        self.size = 0
        self._begin()

    def file(self) -> io.RawIOBase:
        """Open it; any number can be open at a time, but one thread alone may read."""
        return S3ObjectFile(self)

    @property
    def etag(self) -> str:
        """The version that is read; empty for an empty object."""
        return self._etag

    def read(self) -> bytes:
        """Read all of it."""
        content = bytearray(self.size)
        view = memoryview(content)
        position = 0
        while position < self.size:
            data = self.read_at(position, self.size - position)
            view[position : position + len(data)] = data
            position += len(data)
        return bytes(content)

    def read_at(self, position: int, size: int) -> bytes:
        """Read up to `size` bytes, at least one before the object's end."""
        if position >= self.size or size <= 0:
            return b""
        block = bisect_right(self._starts, position) - 1
        if block >= 0:
            offset = position - self._starts[block]
            found = self._blocks[block][offset : offset + size]
            if found:
                return found
        return self._fetch(position, size)[:size]

    def _begin(self) -> None:
        """Ask for the first bytes and the size at once."""
        try:
            answer, body = self._get(0, _FIRST_BYTES)
        except AwsError as exc:
            if exc.code != "InvalidRange":
                raise
            return  # it is empty
        self._etag = answer["ETag"]
        # "bytes 0-99/1234"; a server without ranges sends all of it
        told = answer.get("ContentRange", "").rpartition("/")[2]
        self.size = int(told) if told.isdecimal() else len(body)
        self._keep(0, body)

    def _fetch(self, position: int, size: int) -> bytes:
        wanted = max(size, min(self._fetched, _LARGEST_BYTES))
        end = min(position + wanted, self.size)
        following = bisect_right(self._starts, position)
        if following < len(self._starts):  # what comes after is here
            end = min(end, self._starts[following])
        try:
            _, body = self._get(position, end)
        except AwsError as exc:
            if exc.code in ("PreconditionFailed", "412"):
                raise self._replaced() from exc
            raise
        if len(body) != end - position:
            raise AwsError(
                f"S3 sent {len(body)} bytes of {self.place} where {end - position} were asked for",
                code="IncompleteBody",
                operation="s3.GetObject",
                hint="Does AWS_ENDPOINT_URL name a server that knows ranges?",
            )
        self._keep(position, body)
        return body

    def _get(self, start: int, end: int) -> tuple[dict[str, Any], bytes]:
        """Ask for a range; boto3 repeats what is refused, but not a body that breaks off."""
        same = {"IfMatch": self._etag} if self._etag else {}
        attempt = 0
        while True:
            attempt += 1
            try:
                with translated("s3.GetObject"):
                    answer = self._client.get_object(
                        Bucket=self.place.bucket,
                        Key=self.place.key,
                        Range=f"bytes={start}-{end - 1}",
                        **same,
                    )
                    return answer, answer["Body"].read()
            except AwsConnectionError:
                if attempt == _ATTEMPTS:
                    raise

    def _replaced(self) -> ArchiveError:
        return ArchiveError(
            f"the archive {self.place} was replaced while it was read", hint="Open it again."
        )

    def _keep(self, position: int, body: bytes) -> None:
        self._fetched += len(body)
        if not body:
            return
        if sum(map(len, self._blocks)) + len(body) > _KEPT_BYTES and len(self._blocks) > 1:
            # the beginning, which has the names, is kept
            del self._starts[1:], self._blocks[1:]
        index = bisect_right(self._starts, position)
        self._starts.insert(index, position)
        self._blocks.insert(index, body)


class S3ObjectFile(io.RawIOBase):
    """An object as a binary file for reading.

    Parameters
    ----------
    origin
        The object.
    """

    def __init__(self, origin: S3Object) -> None:
        super().__init__()
        self._origin = origin
        self._position = 0

    def readable(self) -> bool:
        """Whether it can be read."""
        return True

    def seekable(self) -> bool:
        """Whether its position can be set."""
        return True

    def tell(self) -> int:
        """Give the position."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Set the position; nothing is asked for."""
        base = {
            io.SEEK_SET: 0,
            io.SEEK_CUR: self._position,
            io.SEEK_END: self._origin.size,
        }[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fill the buffer, but for the object's end."""
        view = memoryview(buffer).cast("B")
        filled = 0
        while filled < len(view):
            data = self._origin.read_at(self._position + filled, len(view) - filled)
            if not data:
                break
            view[filled : filled + len(data)] = data
            filled += len(data)
        self._position += filled
        return filled
