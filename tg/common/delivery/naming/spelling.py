"""The names of all cells of a grid, within the limit of their target."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ..._core.errors import NamingError
from .column import Column
from .node import digest_of
from .prefixes import shortest_prefixes
from .target import Target

__all__ = ["check_prefix", "shortened", "spell"]

# tried one after the other where hashes meet
_EXTRA_DIGITS = (0, 8, 20)


def check_prefix(prefix: str, target: Target) -> None:
    """Refuse a beginning that no name can have.

    Parameters
    ----------
    prefix
        What is to stand before the parameters.
    target
        The place where the names are used.

    Raises
    ------
    NamingError
        If it is empty, has characters that the target lacks, does not end in a letter or digit,
        or leaves no room for a hash.
    """
    room = target.limit - target.digest_length - 2 * len(target.joiner)
    if len(prefix) > room:
        raise NamingError(
            f"the prefix {prefix!r} has {len(prefix)} characters, and a {target.title} of at most "
            f"{target.limit} leaves {room} for it",
            hint="Make it shorter.",
        )
    ends_well = prefix[-1:].isascii() and prefix[-1:].isalnum()
    if not ends_well or not target.is_legal(f"{prefix}{target.joiner}a"):
        raise NamingError(
            f"the prefix {prefix!r} cannot begin a {target.title}",
            hint=f"It must match {target.pattern} and end in a letter or digit.",
        )


def spell(
    columns: Sequence[Column], grid_order: Sequence[str], prefix: str | None, target: Target
) -> tuple[str, ...]:
    """Name all cells of a grid.

    Parameters
    ----------
    columns
        The parameters that are shown, in the order of the names.
    grid_order
        All keys in the order of the grid, of which the last changes fastest.
    prefix
        The beginning of every name.
    target
        The place where the names are used.

    Returns
    -------
    tuple of str
        One name a cell; all are legal, and any two differ in more than case.

    Raises
    ------
    NamingError
        If there is no room for names that differ.
    """
    order = [key for key in grid_order if any(column.key == key for column in columns)]
    for extra in _EXTRA_DIGITS:
        names = tuple(_names(columns, order, prefix, target, target.digest_length + extra))
        different = len({name.lower() for name in names})
        if different == len(names):
            break
    else:
        raise NamingError(
            f"{len(names)} tasks would share {different} names",
            hint=f"A {target.title} has at most {target.limit} characters: vary fewer values.",
        )
    for name in names:
        target.check(name)
    return names


def _names(
    columns: Sequence[Column],
    order: Sequence[str],
    prefix: str | None,
    target: Target,
    digest_length: int,
) -> Iterator[str]:
    codes = shortest_prefixes(column.key for column in columns)
    if target.lower_case:
        codes = {key: code.lower() for key, code in codes.items()}
    texts = {
        column.key: [codes[column.key] + text for text in column.texts(target)]
        for column in columns
    }
    digests = {column.key: column.digests() for column in columns}
    cells = _product(texts, order, [column.key for column in columns])
    # sorted, so that the hash does not depend on the order of the names
    hashes = _product(digests, order, sorted(digests))
    head = "" if prefix is None else prefix + target.joiner
    for cell, parts in zip(cells, hashes, strict=True):
        name = head + target.joiner.join(cell)
        if len(name) > target.limit or name in target.reserved:
            name = shortened(cell, prefix, target, digest_of("".join(parts), digest_length))
        yield name


def _product(
    options: Mapping[str, list[str]], order: Sequence[str], wanted: Sequence[str]
) -> Iterable[tuple[str, ...]]:
    """Go through the cells in the grid's order, each with its parts in the order wanted."""
    cells = itertools.product(*(options[key] for key in order))
    if list(order) == list(wanted):
        return cells
    places = [order.index(key) for key in wanted]
    return (tuple([cell[place] for place in places]) for cell in cells)


def shortened(cell: tuple[str, ...], prefix: str | None, target: Target, digest: str) -> str:
    """Write a name that is too long by the parameters that fit and a hash of all.

    Parameters
    ----------
    cell
        The parameters, in their order.
    prefix
        The beginning of every name.
    target
        The place where the names are used.
    digest
        The hash.
    """
    room = target.limit - len(digest) - 2 * len(target.joiner)
    kept = "" if prefix is None else prefix
    for part in cell:
        longer = f"{kept}{target.joiner}{part}" if kept else part
        if len(longer) <= room:
            kept = longer
    # no value has two joiners in a row, so this is no name of another cell
    return f"{kept}{2 * target.joiner}{digest}" if kept else f"h{digest}"
