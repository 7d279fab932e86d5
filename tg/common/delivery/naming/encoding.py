r"""Values as text that is legal in a name.

The grammar, with ``-`` for the target's joiner and ``.`` for ``p`` where the target allows it::

    value     = element *( "-" next )          a list of two or more, or a single value
    next      = element                        which begins with a digit
              / "-00" element                  no number begins with two zeros
    element   = "none" / "true" / "false" / number / string / structure
    number    = ["m"] digits ["p" digits] ["e" ["m"] digits] / ["m"] "0x" hex digits
              / ["m"] "inf" / "nan"
    string    = escaped                        that reads as nothing else
              / "zs" escaped
    structure = ("zb" / "zt" / "zy" / "zf" / "zm") elements "ze"
    labelled  = element "zo" digest            a value of another class

``zb`` opens a list, ``zt`` a tuple, ``zy`` a set, ``zf`` a frozenset, ``zm`` a dictionary. After a
joiner comes a digit, always; so a letter after a joiner begins the next parameter of a name, in
whichever case, and no value can be taken for two.
"""

from __future__ import annotations

import re

from .node import Node, digest_of
from .target import Target
from .text import escape

__all__ = ["CONSTANTS", "NUMBER", "OPENERS", "bare", "encode_node", "marked"]

OPENERS = {"list": "zb", "tuple": "zt", "set": "zy", "frozenset": "zf", "dict": "zm"}
CONSTANTS = frozenset({"none", "true", "false", "nan", "inf", "minf"})
NUMBER = re.compile(r"m?(?:0x[0-9a-f]+|\d+(?:[p.]\d+)?(?:em?\d+)?)")
_NOT_BARE = re.compile(r"$|m?\d|z[sbtyfmeo]|(?:none|true|false|nan|m?inf)$", re.IGNORECASE)
_EXPONENT = re.compile(r"e([+-]?)0*(\d)")


def encode_node(node: Node, target: Target) -> str:
    """Write a described value in full, so that no other value is written alike.

    A list of two or more stands without brackets.
    """
    if node.kind == "list" and len(node.parts) > 1:
        return _joined(node.parts, target)
    return _element(node, target)


def bare(node: Node, target: Target) -> str:
    """Write a described value where all values of the parameter have its type.

    Brackets around a list or tuple are left out, and the hash beside a label that says all.
    """
    if node.label is not None:
        return bare(node.label, target) if node.exact else _element(node, target)
    if node.kind in ("list", "tuple") and node.parts:
        nested = node.parts[0].kind in OPENERS
        if len(node.parts) > 1 or not nested:
            return _joined(node.parts, target)
    return _element(node, target)


def marked(node: Node, target: Target) -> str:
    """Write a described value with its hash: two may differ in less than the target can show."""
    shown = _element(node if node.label is None else node.label, target)
    return f"{shown}zo{digest_of(node.canonical())}"


def _element(node: Node, target: Target) -> str:
    if node.label is not None:
        return marked(node, target)
    opener = OPENERS.get(node.kind)
    if opener is not None:
        return f"{opener}{_joined(node.parts, target)}ze"
    if node.kind == "str":
        return _string(node.text, target)
    if node.kind in ("int", "float"):
        return _number(node.text, target)
    return node.text


def _joined(parts: tuple[Node, ...], target: Target) -> str:
    shown = [_element(part, target) for part in parts]
    rest = (text if text[0].isdigit() else f"00{text}" for text in shown[1:])
    return target.joiner.join((*shown[:1], *rest))


def _number(text: str, target: Target) -> str:
    short = _EXPONENT.sub(lambda match: f"e{match[1].strip('+')}{match[2]}", text)
    short = short.replace("-", "m")
    return short if "." in target.verbatim else short.replace(".", "p")


def _string(text: str, target: Target) -> str:
    escaped = escape(text, target)
    return f"zs{escaped}" if _NOT_BARE.match(escaped) else escaped
