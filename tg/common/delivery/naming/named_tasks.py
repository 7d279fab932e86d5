"""Tasks that bring with them what they were built of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, SupportsIndex, overload

__all__ = ["NamedTasks"]


class NamedTasks(list[Any]):
    """A list of tasks that knows the parameters of each.

    Parameters
    ----------
    tasks
        The tasks.
    parameters
        Name to parameters, of these tasks and maybe of others.

    Example
    -------
    >>> NamedTasks(["a", "b"], {"R1": {"rate": 1}})[:1].parameters
    {'R1': {'rate': 1}}
    """

    def __init__(self, tasks: Iterable[Any], parameters: Mapping[str, Mapping[str, Any]]) -> None:
        super().__init__(tasks)
        self.parameters = parameters

    @overload
    def __getitem__(self, place: SupportsIndex) -> Any: ...

    @overload
    def __getitem__(self, place: slice) -> NamedTasks: ...

    def __getitem__(self, place: SupportsIndex | slice) -> Any:
        found = super().__getitem__(place)
        return NamedTasks(found, self.parameters) if isinstance(place, slice) else found

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (list(self), self.parameters)
