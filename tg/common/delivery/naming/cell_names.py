"""Names for cells that are no grid: drawn by chance, or chosen one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..._core.errors import NamingError
from .column import Column
from .description import describe
from .node import Node, digest_of
from .prefixes import shortest_prefixes
from .spelling import check_prefix, shortened
from .target import SAGEMAKER_JOB, Target

__all__ = ["cell_names"]


def cell_names(
    cells: Sequence[Mapping[str, Any]],
    *,
    order: Sequence[str] = (),
    prefix: str | None = None,
    target: Target = SAGEMAKER_JOB,
) -> tuple[str, ...]:
    """Name cells by their parameters, as a grid's are.

    All parameters enter the names; one that a cell lacks is left out of its name.

    Parameters
    ----------
    cells
        Parameters to values.
    order
        The order of the parameters within a name; those not listed follow by the alphabet.
    prefix
        The beginning of every name.
    target
        The place where the names are used.

    Returns
    -------
    tuple of str
        One name a cell; any two differ in more than case.

    Raises
    ------
    NamingError
        If two cells are equal, a value cannot be described, the prefix is illegal, or a cell has
        no parameter.

    Example
    -------
    >>> cell_names([{"rate": 0.1, "layers": [10]}, {"rate": 0.25, "layers": [10, 5]}])
    ('L10-R0p1', 'L10-5-R0p25')
    """
    if prefix is not None:
        check_prefix(prefix, target)
    ranks = {key: rank for rank, key in enumerate(order)}
    keys = sorted(
        {key for cell in cells for key in cell}, key=lambda key: (ranks.get(key, len(ranks)), key)
    )
    codes = shortest_prefixes(keys)
    if target.lower_case:
        codes = {key: code.lower() for key, code in codes.items()}
    texts: dict[tuple[str, str], str] = {}
    described = [{key: describe(value, key) for key, value in cell.items()} for cell in cells]
    for key in keys:
        nodes = {cell[key].canonical(): cell[key] for cell in described if key in cell}
        column = Column(key=key, values=tuple(nodes), nodes=tuple(nodes.values()))
        for canonical, text in zip(nodes, column.texts(target), strict=True):
            texts[key, canonical] = codes[key] + text
    names = []
    for cell in described:
        parts = tuple(texts[key, cell[key].canonical()] for key in keys if key in cell)
        names.append(_name(parts, cell, prefix, target))
    _check_different(names, cells)
    return tuple(names)


def _name(
    parts: tuple[str, ...], cell: Mapping[str, Node], prefix: str | None, target: Target
) -> str:
    if not parts and prefix is None:
        raise NamingError("a cell without parameters has no name", hint="Give a prefix.")
    name = target.joiner.join(parts if prefix is None else (prefix, *parts))
    if len(name) > target.limit or name in target.reserved:
        content = "".join(
            Node(kind="str", text=key).canonical() + cell[key].canonical() for key in sorted(cell)
        )
        name = shortened(parts, prefix, target, digest_of(content, target.digest_length))
    return target.check(name)


def _check_different(names: Sequence[str], cells: Sequence[Mapping[str, Any]]) -> None:
    first: dict[str, int] = {}
    for place, name in enumerate(names):
        other = first.setdefault(name.lower(), place)
        if other != place:
            raise NamingError(
                f"the cells {other} and {place} would both be called {name!r}: {cells[place]!r}",
                hint="Give each cell once.",
            )
