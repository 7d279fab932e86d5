"""What tells the content of files apart without reading all of it."""

from __future__ import annotations

import hashlib
from pathlib import Path

__all__ = ["sample_of"]

_BLOCK_BYTES = 4096
_BLOCKS = 16


def sample_of(path: Path, size_bytes: int) -> str:
    """Give a digest of a file's bytes: of all up to 64 KiB, else of 16 blocks that are spread.

    For files whose size and time are no proof: archives unpack with times of long ago, and arrays
    of one shape are all of one size.

    Parameters
    ----------
    path
        The file.
    size_bytes
        Its size.

    Returns
    -------
    str
        Hexadecimal digits; empty if the file cannot be read, which its training will tell.

    Example
    -------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "leaves.csv")
    >>> path.write_bytes(b"green") and sample_of(path, 5)[:8]
    'ba4788b2'
    """
    if size_bytes <= _BLOCKS * _BLOCK_BYTES:
        places = [0]
        length = size_bytes
    else:
        last = size_bytes - _BLOCK_BYTES
        places = [last * number // (_BLOCKS - 1) for number in range(_BLOCKS)]
        length = _BLOCK_BYTES
    digest = hashlib.sha256()
    try:
        with path.open("rb", buffering=0) as stream:
            for place in places:
                stream.seek(place)
                digest.update(stream.read(length))
    except OSError:
        return ""
    return digest.hexdigest()
