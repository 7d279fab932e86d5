"""What a value is, as a tree of typed text: the part of it that a name may depend on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

__all__ = ["Node", "digest_of"]

# Crockford's base32: no letters that are mistaken for digits, and one case only
_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """One value, described.

    Parameters
    ----------
    kind
        Its type: ``"int"``, ``"list"``, ... for what is written out in full, the qualified name
        of the class for all else.
    text
        What identifies a value without parts.
    parts
        What a value consists of; pairs follow one another in a ``"dict"``.
    label
        How a value of another class is shown; nothing for a value that is written out in full.
    exact
        Two values of this kind with the same label are the same value.
    """

    kind: str
    text: str = ""
    parts: tuple[Node, ...] = ()
    label: Node | None = None
    exact: bool = False

    def canonical(self) -> str:
        """Write the value as text that no other value shares.

        Every text is preceded by its length, so that no two trees read alike.

        Example
        -------
        >>> Node(kind="int", text="10").canonical()
        '3:int2:10[0:'
        """
        inner = "".join(part.canonical() for part in self.parts)
        return f"{len(self.kind)}:{self.kind}{len(self.text)}:{self.text}[{len(self.parts)}:{inner}"


def digest_of(text: str | bytes, length: int = 12) -> str:
    """Hash a text into lower-case letters and digits.

    Parameters
    ----------
    text
        Any text, lone surrogates included, or bytes.
    length
        How many characters of 5 bits each to return, 102 at most.

    Example
    -------
    >>> digest_of("LR1-NS10", 8) == digest_of(b"LR1-NS10", 8)
    True
    """
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    number = int.from_bytes(hashlib.blake2b(data).digest(), "big")
    shown = ""
    for _ in range(length):
        number, last = divmod(number, 32)
        shown += _DIGITS[last]
    return shown
