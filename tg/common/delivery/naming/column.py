"""The values of one parameter of a grid, and how each is written in a name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any

from ..._core.errors import NamingError
from .description import describe
from .encoding import bare, encode_node, marked
from .node import Node, digest_of
from .target import Target

__all__ = ["Column", "listed"]

_DIGEST_LENGTH = 32


@dataclass(frozen=True, kw_only=True)
class Column:
    """One parameter of a grid.

    Parameters
    ----------
    key
        The parameter's name.
    values
        What it takes, in the grid's order.
    nodes
        The description of each.
    """

    key: str
    values: tuple[Any, ...]
    nodes: tuple[Node, ...]

    @classmethod
    def of(cls, key: str, values: object) -> Column:
        """Describe the values of one parameter.

        Parameters
        ----------
        key
            The parameter's name.
        values
            Something to iterate over, in an order of its own.

        Raises
        ------
        NamingError
            If there is no value, the same value twice, one that cannot be described, or no list.
        """
        items = listed(key, values)
        nodes = tuple(describe(value, key) for value in items)
        seen: dict[str, int] = {}
        for place, node in enumerate(nodes):
            first = seen.setdefault(node.canonical(), place)
            if first != place:
                raise NamingError(
                    f"the values {first} and {place} of {key} are equal: {items[place]!r}",
                    hint="List each value once: two equal tasks cannot have different names.",
                )
        return cls(key=key, values=items, nodes=nodes)

    @property
    def varies(self) -> bool:
        """Whether there is more than one value."""
        return len(self.values) > 1

    def texts(self, target: Target) -> list[str]:
        """Write each value, so that all differ in more than case.

        A value's text depends on the value; on whether all the values are of its type, where
        brackets around a single element and the hash of an object can be left out; and on the
        other values only where they would read alike.

        Parameters
        ----------
        target
            The place where the name is used.
        """
        uniform = len({node.kind for node in self.nodes}) == 1
        write = bare if uniform else encode_node
        texts = [write(node, target) for node in self.nodes]
        counts = Counter(text.lower() for text in texts)
        return [
            text if counts[text.lower()] == 1 else marked(node, target)
            for text, node in zip(texts, self.nodes, strict=True)
        ]

    def digests(self) -> list[str]:
        """Hash each value together with the parameter's name.

        Returns
        -------
        list of str
            All of one length.
        """
        pair = Node(kind="str", text=self.key).canonical()
        return [digest_of(pair + node.canonical(), _DIGEST_LENGTH) for node in self.nodes]


def listed(key: str, values: object) -> tuple[Any, ...]:
    """Take the values of one parameter as they come.

    Parameters
    ----------
    key
        The parameter's name, for the error message.
    values
        A list, tuple, range, array, series, Enum class or iterator.

    Raises
    ------
    NamingError
        If it is empty, a text, without an order of its own, or nothing to iterate over.

    Example
    -------
    >>> listed("learning_rate", range(1, 3))
    (1, 2)
    """
    if isinstance(values, (str, bytes, bytearray)):
        raise NamingError(
            f"{key} has the text {values!r} where a list of values is meant",
            hint=f"Write {key}=[{values!r}].",
        )
    if isinstance(values, Set | Mapping):
        raise NamingError(
            f"{key} has a {type(values).__name__} where a list of values is meant",
            hint=f"Write {key}=[...], so that the tasks have an order.",
        )
    try:
        items: tuple[Any, ...] = tuple(values)  # type: ignore[arg-type]  # refused below
    except TypeError as exc:
        raise NamingError(
            f"{key} has the single value {values!r} where a list of values is meant",
            hint=f"Write {key}=[...].",
        ) from exc
    if not items:
        raise NamingError(f"{key} has no values", hint=f"Give one or more, or leave {key} out.")
    return items
