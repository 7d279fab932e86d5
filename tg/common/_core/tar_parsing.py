"""Headers of tar archives as others write them: ustar, pax, GNU and Seventh Edition.

The formats are those of POSIX.1-2017, ``pax`` utility, "ustar Interchange Format" and "pax Header
Block", and of the GNU tar manual, "Basic Tar Format".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from .tar_format import BLOCK, SIZE_COMMENT, TableLine, padding

__all__ = ["RawMember", "Record", "read_member", "record_before"]

_ZERO = bytes(BLOCK)
_MAX_EXTENDED = 1 << 20  # extended attributes of macOS fit; nothing sensible is larger
_MAX_GLOBALS = 16
_OCTAL = re.compile(rb"[0-7]+")
_DECIMAL = re.compile(rb"[0-9]{1,20}")
_KINDS = {
    b"1": "a hard link",
    b"2": "a symbolic link",
    b"3": "a character device",
    b"4": "a block device",
    b"6": "a FIFO",
    b"K": "a link with a long target",
    b"S": "a sparse file",
}
# Pax keys that would change what a member is; all others describe times, owners and attributes,
# which are not restored.
_SPARSE = "GNU.sparse."


@dataclass(frozen=True, kw_only=True)
class RawMember:
    """A header as it stands in the archive; nothing in it has been judged.

    Parameters
    ----------
    name
        The full name, a folder's slash kept.
    size
        Of the data that follows, in bytes.
    is_dir
        Whether it is a folder.
    comments
        Comments of global headers that stand before it.
    """

    name: str
    size: int
    is_dir: bool
    comments: tuple[str, ...] = ()


class _Header(NamedTuple):
    name: bytes
    size: int
    kind: bytes


def _number(field: bytes) -> int:
    if field[0] == 0x80:  # GNU base-256
        return int.from_bytes(field[1:], "big")
    digits = field.partition(b"\0")[0].strip(b" ")
    if not digits:
        return 0
    if not _OCTAL.fullmatch(digits):
        raise ValueError("a number in a header is negative or not a number")
    return int(digits, 8)


def _parse(block: bytes) -> _Header:
    stored = _number(block[148:156])
    rest = block[:148] + block[156:]
    if stored != sum(rest) + 256:
        # some early tars added the bytes as signed numbers
        signed = sum(byte - 256 if byte > 127 else byte for byte in rest) + 256
        if stored != signed:
            raise ValueError("the checksum of a header is wrong")
    name = block[:100].partition(b"\0")[0]
    if block[257:263] == b"ustar\0":  # the GNU dialect, "ustar  ", has other fields there
        prefix = block[345:500].partition(b"\0")[0]
        if prefix:
            name = prefix + b"/" + name
    return _Header(name, _number(block[124:136]), block[156:157])


def _pax_records(data: bytes) -> dict[str, bytes]:
    records: dict[str, bytes] = {}
    position = 0
    while position < len(data):
        digits = data[position : position + 20].partition(b" ")[0]
        if not _DECIMAL.fullmatch(digits):
            raise ValueError("a pax header is malformed")
        end = position + int(digits)
        record = data[position + len(digits) + 1 : end]
        key, equals, value = record[:-1].partition(b"=")
        if end > len(data) or record[-1:] != b"\n" or not equals or not key:
            raise ValueError("a pax header is malformed")
        keyword = key.decode()
        if keyword in records:
            raise ValueError(f"a pax header has {keyword!r} twice")
        records[keyword] = value
        position = end
    if any(key.startswith(_SPARSE) for key in records):
        raise ValueError("it is a sparse file")
    return records


def _global_comment(data: bytes) -> str:
    records = _pax_records(data)
    if not records.keys().isdisjoint({"path", "linkpath", "size"}):
        raise ValueError("a global pax header overrides names or sizes")
    return records.get("comment", b"").decode()


def _data(header: _Header, read: Callable[[int], bytes]) -> bytes:
    if header.size > _MAX_EXTENDED:
        raise ValueError("an extended header is too large")
    return read(header.size + padding(header.size))[: header.size]


def read_member(read: Callable[[int], bytes]) -> RawMember | None:
    """Read headers up to and with that of the next member.

    Parameters
    ----------
    read
        Gives exactly as many bytes as asked for, or raises.

    Returns
    -------
    RawMember
        The member; ``None`` at the end-of-archive blocks.

    Raises
    ------
    ValueError
        A header is malformed, or the member is neither a regular file nor a folder.
    """
    pax: dict[str, bytes] | None = None
    long_name: bytes | None = None
    comments: list[str] = []
    while True:
        block = read(BLOCK)
        if block == _ZERO:
            if read(BLOCK) != _ZERO or pax is not None or long_name is not None:
                raise ValueError("it has no proper end")
            return None
        header = _parse(block)
        if header.kind == b"g" and len(comments) < _MAX_GLOBALS:
            comments.append(_global_comment(_data(header, read)))
        elif header.kind == b"x" and pax is None:
            pax = _pax_records(_data(header, read))
        elif header.kind == b"L" and long_name is None:
            long_name = _data(header, read).removesuffix(b"\0")
        elif header.kind in {b"g", b"x", b"L"}:
            raise ValueError("extended headers follow each other without a member")
        else:
            return _member(header, pax or {}, long_name, tuple(comments))


def _member(
    header: _Header, pax: dict[str, bytes], long_name: bytes | None, comments: tuple[str, ...]
) -> RawMember:
    if long_name is not None and "path" in pax:
        raise ValueError("a member has two long names")
    raw = pax.get("path", header.name if long_name is None else long_name)
    name = raw.decode()
    size = header.size
    if "size" in pax:
        if not _DECIMAL.fullmatch(pax["size"]):
            raise ValueError(f"the size of member {name!r} is not a number")
        size = int(pax["size"])
    # Seventh Edition tar had no type for folders: only a slash at the end of the name
    is_dir = header.kind == b"5" or (header.kind == b"\0" and raw.endswith(b"/"))
    if not is_dir and header.kind not in {b"0", b"\0"}:
        kind = _KINDS.get(header.kind, f"of the unknown type {header.kind!r}")
        raise ValueError(f"member {name!r} is {kind}")
    if is_dir and size:
        raise ValueError(f"folder {name!r} has data")
    if not is_dir and raw.endswith(b"/"):
        raise ValueError(f"member {name!r} is a file with a folder's name")
    return RawMember(name=name, size=size, is_dir=is_dir, comments=comments)


@dataclass(frozen=True, kw_only=True)
class Record:
    """What an archive of this library tells about itself.

    Parameters
    ----------
    size
        Of the whole decompressed archive, in bytes.
    before
        Number of members in front of those in `table`.
    table
        The last members; empty if there is no table.
    """

    size: int
    before: int = 0
    table: tuple[TableLine, ...] = ()


def record_before(first: RawMember) -> Record | None:
    """Tell what `size_header` recorded in front of the first member; ``None`` if nothing.

    Raises
    ------
    ValueError
        The record is malformed.
    """
    comment = first.comments[0] if first.comments else ""
    if not comment.startswith(SIZE_COMMENT):
        return None
    size, *table = comment.removeprefix(SIZE_COMMENT).split("\n")
    if not table:
        return Record(size=_decimal(size))
    lines = []
    for line in table[1:]:
        length, _, name = line.partition(" ")
        is_dir = name.endswith("/")
        lines.append(TableLine(name.removesuffix("/"), _decimal(length), is_dir))
    before = _decimal(table[0])
    if not before or not lines:  # the first member always stands at the beginning
        raise ValueError("the recorded table is malformed")
    return Record(size=_decimal(size), before=before, table=tuple(lines))


def _decimal(digits: str) -> int:
    if not _DECIMAL.fullmatch(digits.encode()):
        raise ValueError("a recorded size is not a number")
    return int(digits)
