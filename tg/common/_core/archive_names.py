"""Which members an archive may have: their names, their number, their size."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Limits", "NameTree", "checked_name"]

# C0, DEL and C1 would garble a terminal or end a C string; a backslash separates on Windows.
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\\]")
_DRIVE = re.compile(r"[A-Za-z]:")
_COMPONENT_BYTES = 255  # NAME_MAX of every common file system


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much an archive may hold before it is refused.

    Parameters
    ----------
    max_total_bytes
        Size of the decompressed archive, in bytes.
    max_members
        Number of files and folders.
    max_name_bytes
        Length of a member's full name in UTF-8, in bytes.
    max_depth
        Number of nested folders in a name, the last part included.
    max_ratio
        Decompressed bytes per compressed byte. Looked at only beyond `ratio_free_bytes`, as a
        small model of zeros is legitimate and compresses a thousandfold.
    ratio_free_bytes
        Decompressed bytes that are allowed at any ratio.

    Example
    -------
    >>> Limits(max_members=3).max_members
    3
    """

    max_total_bytes: int = 64 << 30
    max_members: int = 100_000
    max_name_bytes: int = 1024
    max_depth: int = 64
    max_ratio: int = 200
    ratio_free_bytes: int = 1 << 30


def checked_name(name: str, limits: Limits) -> str:
    """Bring a member's name to its plain form, ``folder/file``, or refuse it.

    Parameters
    ----------
    name
        As written in the archive: ``./`` in front, doubled slashes and one at the end are dropped.
    limits
        Caps on length and depth.

    Returns
    -------
    str
        The name; empty for the root itself (``./``).

    Raises
    ------
    ValueError
        The name could lead out of the folder, or to different places on different machines.

    Example
    -------
    >>> checked_name("./runs/0/model.pkl", Limits())
    'runs/0/model.pkl'
    """
    if name.startswith("/"):
        raise ValueError("its name is absolute")
    if _FORBIDDEN.search(name):
        raise ValueError("its name has a control character or a backslash")
    parts = [part for part in name.split("/") if part and part != "."]
    if ".." in parts:
        raise ValueError("its name has '..' in it")
    if parts and _DRIVE.match(parts[0]):
        raise ValueError("its name begins with a drive")
    if len(parts) > limits.max_depth:
        raise ValueError(f"it is nested deeper than max_depth={limits.max_depth}")
    plain = "/".join(parts)
    length = len(plain.encode())
    if length > limits.max_name_bytes:
        raise ValueError(f"its name is longer than max_name_bytes={limits.max_name_bytes}")
    if length > _COMPONENT_BYTES and any(len(part.encode()) > _COMPONENT_BYTES for part in parts):
        raise ValueError(f"a part of its name is longer than {_COMPONENT_BYTES} bytes")
    return plain


class NameTree:
    """The names seen so far; refuses those that contradict each other.

    Names that differ only in case or Unicode form are different names: such trees are legitimate
    on Linux, where training runs, and a reader that picks by exact name cannot be led astray.
    Where a file system takes them for one, extraction fails as it never overwrites its own files.
    """

    def __init__(self) -> None:
        self._files: set[str] = set()
        self._folders: set[str] = set()
        self._implied: set[str] = set()

    def is_folder(self, name: str) -> bool:
        """Whether a folder of that name was added, or something in it."""
        return name in self._folders or name in self._implied

    def add(self, name: str, *, is_dir: bool) -> None:
        """Take a name in.

        Raises
        ------
        ValueError
            It was there before, or it is a file and a folder at once.
        """
        if name in self._files or name in self._folders:
            raise ValueError("its name occurs twice")
        if is_dir:
            self._folders.add(name)
        elif name in self._implied:
            raise ValueError("it is a file and a folder at once")
        else:
            self._files.add(name)
        parent = name.rpartition("/")[0]
        while parent and parent not in self._implied:
            if parent in self._files:
                raise ValueError(f"{parent!r} is a file and a folder at once")
            self._implied.add(parent)
            parent = parent.rpartition("/")[0]
