"""Headers of tar archives as this library writes them: ustar, with pax only where it is needed.

The formats are those of POSIX.1-2017, ``pax`` utility, "ustar Interchange Format" and "pax Header
Block".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

__all__ = [
    "BLOCK",
    "END_OF_ARCHIVE",
    "SIZE_COMMENT",
    "TableLine",
    "data_span",
    "member_header",
    "padding",
    "size_header",
]

BLOCK = 512
END_OF_ARCHIVE = bytes(2 * BLOCK)

_NAME, _PREFIX = 100, 155
_USTAR_MAX_SIZE = 8**11 - 1
SIZE_COMMENT = "TG.archive_bytes="
"""Begins the comment that `size_header` writes; 20 digits follow, then the table."""


class TableLine(NamedTuple):
    """A member announced at the beginning of the archive that holds it further on."""

    name: str
    size: int
    is_dir: bool


def padding(size: int) -> int:
    """Count the bytes from the end of a member's data to the next header."""
    return -size % BLOCK


def data_span(size: int) -> int:
    """Count the bytes of a member's data, the padding included."""
    return size + padding(size)


# What stands between the variable fields, and what it adds to the checksum.
_OWNER = b"0000000\0" * 2  # uid, gid
_TIME = b"00000000000\0"
_LINK_TO_DEVICE = b"".join(
    (
        bytes(100),  # link name
        b"ustar\00000",
        bytes(64),  # user and group name
        b"0000000\0" * 2,  # device numbers
    )
)
_SUM = sum(_OWNER) + sum(_TIME) + sum(_LINK_TO_DEVICE) + 8 * 0x20  # its own field is blank


def _block(name: bytes, prefix: bytes, size: int, kind: bytes) -> bytes:
    mode = b"0000755\0" if kind == b"5" else b"0000644\0"
    length = b"%011o\0" % size
    checksum = _SUM + sum(name) + sum(prefix) + sum(mode) + sum(length) + kind[0]
    return b"".join(
        (
            name.ljust(_NAME, b"\0"),
            mode,
            _OWNER,
            length,
            _TIME,
            b"%06o\0 " % checksum,
            kind,
            _LINK_TO_DEVICE,
            prefix.ljust(_PREFIX + 12, b"\0"),
        )
    )


def _pax_data(records: dict[str, str]) -> bytes:
    data = b""
    for key, value in records.items():
        rest = f" {key}={value}\n".encode()
        length = len(rest) + 1
        while len(rest) + len(str(length)) != length:
            length = len(rest) + len(str(length))
        data += str(length).encode() + rest
    return data


def _extended(records: dict[str, str], kind: bytes) -> bytes:
    data = _pax_data(records)
    return _block(b"././@PaxHeader", b"", len(data), kind) + data + bytes(padding(len(data)))


def _ustar_split(path: bytes) -> tuple[bytes, bytes] | None:
    if len(path) <= _NAME:
        return path, b""
    cut = path.find(b"/", len(path) - _NAME - 1)
    if cut <= 0 or cut > _PREFIX or cut == len(path) - 1:
        return None
    return path[cut + 1 :], path[:cut]


def member_header(name: str, size: int, *, is_dir: bool) -> bytes:
    """Make the header of one member: the same bytes for the same arguments, always.

    Parameters
    ----------
    name
        The plain name, without a slash at the end.
    size
        Of the data, in bytes; 0 for folders.
    is_dir
        Whether it is a folder.

    Returns
    -------
    bytes
        One block in ustar form; three or more where the name or size needs a pax record.

    Example
    -------
    >>> len(member_header("a.txt", 5, is_dir=False))
    512
    """
    path = name + "/" if is_dir else name
    split = _ustar_split(path.encode()) if path.isascii() else None
    records: dict[str, str] = {}
    if split is None:
        records["path"] = path
        split = path.encode("ascii", "replace")[:_NAME], b""
    if size > _USTAR_MAX_SIZE:
        records["size"] = str(size)
    block = _block(*split, 0 if "size" in records else size, b"5" if is_dir else b"0")
    return _extended(records, b"x") + block if records else block


def size_header(size: int, before: int = 0, table: Sequence[TableLine] = ()) -> bytes:
    """Make a global header that tells how long the archive is, and what it ends with.

    It is a pax comment, which every tar skips silently. With it a reader can tell from the last
    bytes of a gzip file, which hold the length modulo 2^32, whether anything was cut off; and it
    can list an archive without decompressing the large members at its end.

    Parameters
    ----------
    size
        Of the whole decompressed archive, this header included, in bytes.
    before
        Number of members in front of those in `table`.
    table
        The last members of the archive, in its order.

    Returns
    -------
    bytes
        As many for every size.
    """
    lines = [f"{SIZE_COMMENT}{size:020d}"]
    if table:
        lines.append(str(before))
        lines += [f"{line.size} {line.name}{'/' * line.is_dir}" for line in table]
    return _extended({"comment": "\n".join(lines)}, b"g")
