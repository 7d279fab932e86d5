"""A grid of parameters and the name of each of its cells."""

from __future__ import annotations

import copy
import dataclasses
import difflib
import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..._core.errors import NamingError
from .column import Column
from .legal_name import cleaned
from .spelling import check_prefix, spell
from .target import SAGEMAKER_JOB, Target

__all__ = ["NamePlan"]


class NamePlan(Mapping[str, dict[str, Any]]):
    """Names to the parameters that they stand for, in the order of the grid.

    The cells are the product of the values, the last key changing fastest. The name of a cell
    depends on

    - its own values of the keys that have more than one,
    - which keys these are, and their order, given by ``order``,
    - for a key with lists of one element or with objects: whether all its values have one type,
    - the target and the prefix,

    and on other cells only where two values of a key differ in nothing but what the target cannot
    show, such as case: these get a hash. What does not fit into the target's limit is dropped by
    whole parameters, and a hash of all values that vary takes its place.

    Parameters
    ----------
    grid
        Names of parameters to lists of values. The values are copied.
    order
        The order of the parameters within a name; those not listed follow by the alphabet.
    prefix
        The beginning of every name.
    target
        The place where the names are used.
    fallback
        What the only cell is called, where there is neither a parameter nor a prefix.

    Raises
    ------
    NamingError
        If a value cannot be described or stands twice, the prefix is illegal, or names collide.

    Example
    -------
    >>> plan = NamePlan({"learning_rate": [0.1, 3e-5], "layers": [[10], [10, 5]]})
    >>> list(plan)
    ['L10-LR0p1', 'L10-5-LR0p1', 'L10-LR3em5', 'L10-5-LR3em5']
    >>> plan["L10-5-LR3em5"]
    {'learning_rate': 3e-05, 'layers': [10, 5]}
    """

    def __init__(
        self,
        grid: Mapping[str, object],
        *,
        order: Sequence[str] = (),
        prefix: str | None = None,
        target: Target = SAGEMAKER_JOB,
        fallback: str = "task",
    ) -> None:
        columns = tuple(Column.of(key, values) for key, values in grid.items())
        self._columns = tuple(
            dataclasses.replace(column, values=_copied(column.key, column.values))
            for column in columns
        )
        self._order = tuple(order)
        self._prefix = prefix
        self._fallback = fallback
        self._target = target
        if prefix is not None:
            check_prefix(prefix, target)
        self._names = self._named()

    @property
    def names(self) -> tuple[str, ...]:
        """The names in the order of the grid."""
        return self._names

    @property
    def target(self) -> Target:
        """The place where the names are used."""
        return self._target

    def for_target(self, target: Target) -> NamePlan:
        """Name the same cells for another place.

        Parameters
        ----------
        target
            The place where the names are used.

        Returns
        -------
        NamePlan
            With the cells in the same order.

        Raises
        ------
        NamingError
            If the prefix is illegal there.

        Example
        -------
        >>> from .target import PYTHON_MODULE
        >>> list(NamePlan({"learning_rate": [1, 2]}).for_target(PYTHON_MODULE))
        ['lr1', 'lr2']
        """
        other = copy.copy(self)
        other._target = target  # noqa: SLF001 - a new plan of the same class
        if self._prefix is not None:
            check_prefix(self._prefix, target)
        other.__dict__.pop("_places", None)
        other._names = other._named()  # noqa: SLF001 - as above
        return other

    def parameters(self, place: int) -> dict[str, Any]:
        """Read the parameters of a cell.

        Parameters
        ----------
        place
            The cell's place in the grid, from 0.

        Returns
        -------
        dict
            Copies of the values, of the types that they have in the grid.
        """
        chosen = []
        for column in reversed(self._columns):
            place, digit = divmod(place, len(column.values))
            chosen.append((column.key, copy.deepcopy(column.values[digit])))
        return dict(reversed(chosen))

    def __getitem__(self, name: str) -> dict[str, Any]:
        return self.parameters(self._places[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        shown = self._names if len(self) < 4 else (*self._names[:2], "...", self._names[-1])
        return f"<NamePlan of {len(self)}, each a {self._target.title}: {', '.join(shown)}>"

    def cell(self, name: str) -> dict[str, Any]:
        """Read the parameters that a name stands for.

        Parameters
        ----------
        name
            A name of this plan.

        Returns
        -------
        dict
            Copies of the values, of the types that they have in the grid.

        Raises
        ------
        NamingError
            If there is no such name.
        """
        if name not in self._places:
            near = difflib.get_close_matches(name, self._names[:1000], n=1)
            hint = f"The nearest is {near[0]!r}." if near else f"The first is {self._names[0]!r}."
            raise NamingError(f"the grid has no cell called {name!r}", hint=hint)
        return self[name]

    @functools.cached_property
    def _places(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self._names)}

    def _shown(self) -> list[Column]:
        """Choose the columns that enter the names, in the order of the names."""
        shown = [column for column in self._columns if column.varies]
        if not shown and self._prefix is None:
            shown = list(self._columns)
        ranks = {key: rank for rank, key in enumerate(self._order)}
        return sorted(shown, key=lambda column: (ranks.get(column.key, len(ranks)), column.key))

    def _named(self) -> tuple[str, ...]:
        shown = self._shown()
        if not shown:
            name = self._prefix or cleaned(self._fallback, self._target)
            return (self._target.check(name),)
        product_order = [column.key for column in self._columns]
        return spell(shown, product_order, self._prefix, self._target)


def _copied(key: str, values: tuple[Any, ...]) -> tuple[Any, ...]:
    try:
        return copy.deepcopy(values)
    except Exception as exc:  # a value's own code may raise anything
        raise NamingError(
            f"the values of {key} cannot be copied, so tasks would share them: {exc}",
            hint="Vary a name or number, and build the object from it.",
        ) from exc
