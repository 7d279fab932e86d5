"""One value to the text that stands for it in a name, and back."""

from __future__ import annotations

import re
from typing import Any

from ..._core.errors import NamingError
from .description import describe
from .encoding import CONSTANTS, NUMBER, OPENERS, encode_node
from .target import SAGEMAKER_JOB, Target
from .text import token_pattern, unescape

__all__ = ["decode", "encode"]

_CONSTANTS: dict[str, Any] = {
    "none": None,
    "true": True,
    "false": False,
    "nan": float("nan"),
    "inf": float("inf"),
    "minf": float("-inf"),
}
_KINDS = {opener: kind for kind, opener in OPENERS.items()}


def encode(value: object, *, target: Target = SAGEMAKER_JOB) -> str:
    """Write a value as a part of a name.

    Different values, or equal ones of different types, are never written alike.

    Parameters
    ----------
    value
        Any value that :func:`.description.describe` knows.
    target
        The place where the name is used.

    Returns
    -------
    str
        Letters, digits and the joiner of the target; it may be longer than a name.

    Raises
    ------
    NamingError
        If the value is known by its address only.

    Example
    -------
    >>> [encode(value) for value in (10, 1.0, 3e-5, -1, "adam", "10", None, [10, 5], [10])]
    ['10', '1p0', '3em5', 'm1', 'adam', 'zs10', 'none', '10-5', 'zb10ze']
    """
    return encode_node(describe(value, "the value"), target)


def decode(text: str, *, target: Target = SAGEMAKER_JOB) -> Any:
    """Read what :func:`encode` wrote.

    Parameters
    ----------
    text
        The text of one value, for the same target.
    target
        The place where the name is used.

    Returns
    -------
    object
        ``None``, bool, int, float, str, or a list, tuple, set or dictionary of such.

    Raises
    ------
    NamingError
        If it is no such text, or stands for a value of another class.

    Example
    -------
    >>> decode("10-5"), decode("1p0"), decode("zs10")
    ([10, 5], 1.0, '10')
    """
    reader = _Reader(text, target)
    values = reader.elements()
    if reader.place != len(text):
        raise reader.refuse()
    return values if len(values) > 1 else values[0]


class _Reader:
    def __init__(self, text: str, target: Target) -> None:
        self.text = text
        self.place = 0
        self.next = re.compile(re.escape(target.joiner) + r"(?=\d)(?:00)?")
        self.string = token_pattern(target.verbatim)

    def refuse(self) -> NamingError:
        return NamingError(
            f"{self.text!r} does not stand for a value, from character {self.place} on",
            hint="Look up names of a grid in its plan, which also knows values of other classes.",
        )

    def elements(self) -> list[Any]:
        values = [self.element()]
        while match := self.next.match(self.text, self.place):
            self.place = match.end()
            values.append(self.element())
        return values

    def element(self) -> Any:
        opener = self.text[self.place : self.place + 2]
        if opener in _KINDS:
            self.place += 2
            return self.structure(_KINDS[opener])
        if opener == "zs":
            self.place += 2
            return unescape(self.token())
        token = self.token()
        if token in CONSTANTS:
            return _CONSTANTS[token]
        if NUMBER.fullmatch(token):
            return _number(token)
        if not token or token[0].isdigit():
            raise self.refuse()
        return unescape(token)

    def structure(self, kind: str) -> Any:
        values = [] if self.text.startswith("ze", self.place) else self.elements()
        if not self.text.startswith("ze", self.place):
            raise self.refuse()
        self.place += 2
        try:
            if kind == "dict":
                return dict(zip(values[::2], values[1::2], strict=True))
            return {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}[kind](values)
        except (TypeError, ValueError) as exc:  # an unhashable element, a key without a value
            raise self.refuse() from exc

    def token(self) -> str:
        match = self.string.match(self.text, self.place)
        token = match[0] if match else ""
        self.place += len(token)
        return token


def _number(token: str) -> int | float:
    plain = token.replace("m", "-").replace("p", ".")
    if "x" in plain:
        return int(plain, 16)
    if plain.lstrip("-").isdigit():
        return int(plain)
    return float(plain)
