"""What a package needs, as its user lists it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ..._core.errors import DependencyError
from .requirement import MergedRequirement, canonical, parse_requirement, requirement_of_pair

__all__ = ["Dependencies", "DependencyList"]

Dependencies = Iterable[str | Sequence[str | None]] | Mapping[str, str | None]


class DependencyList:
    """A named list of libraries that a package needs.

    Parameters
    ----------
    name
        What the list is called in messages.
    dependencies
        Requirements (PEP 508) such as ``"pandas>=2"``; pairs ``["pandas", "2.2.3"]``, whose version
        may carry an operator or be ``None`` for any; or a dictionary of such pairs.

    Attributes
    ----------
    name, dependencies
        As given, the dependencies as a list of requirement strings; both may be changed.

    Raises
    ------
    DependencyError
        An entry is no requirement, or carries credentials.

    Example
    -------
    >>> DependencyList("training", [["pandas", "2.2.3"], "PyYAML", "scikit-learn >= 1.4"])
    DependencyList('training', ['pandas==2.2.3', 'PyYAML', 'scikit-learn >= 1.4'])
    >>> DependencyList("training", {"pandas": "2.2.3"}).requirements
    ('pandas==2.2.3',)
    """

    def __init__(self, name: str, dependencies: Dependencies = ()) -> None:
        self.name = name
        self.dependencies: list[str] = _strings(name, dependencies)
        _merged([self])

    @classmethod
    def from_file(cls, name: str, path: str | os.PathLike[str]) -> DependencyList:
        """Read a ``.json`` file of any shape above, or a ``requirements.txt``.

        Raises
        ------
        DependencyError
            The file cannot be read, or an entry is no requirement.
        """
        source = Path(path)
        try:
            text = source.read_text(encoding="utf-8")
            dependencies = json.loads(text) if source.suffix == ".json" else _lines(text)
        except (OSError, ValueError) as exc:
            raise DependencyError(
                f"the dependency list {name!r} cannot be read from {source}: {exc}",
                hint="Give a JSON list of requirements, or a requirements.txt.",
            ) from exc
        return cls(name, dependencies)

    @classmethod
    def merge(cls, lists: Iterable[DependencyList], name: str = "") -> DependencyList:
        """Make one list of several.

        Requirements of one library are joined; an exact pin replaces the ranges that it lies in.
        Requirements with different environment markers are kept apart.

        Parameters
        ----------
        lists
            The lists; their order does not matter.
        name
            What the new list is called; the names of all if empty.

        Returns
        -------
        DependencyList
            With canonical, sorted requirements: the same libraries always give the same list.

        Raises
        ------
        DependencyError
            An entry is no requirement, or two entries contradict each other; both lists are named.

        Example
        -------
        >>> one = DependencyList("a", ["Pandas>=2"])
        >>> DependencyList.merge([one, DependencyList("b", ["pandas==2.2.3", "six"])])
        DependencyList('a+b', ['pandas==2.2.3', 'six'])
        """
        every = list(lists)
        for each in every:
            if not isinstance(each, DependencyList):
                raise DependencyError(
                    f"{each!r} is no list of dependencies",
                    hint="Name it and list them: DependencyList('training', ['pandas==2.2.3']).",
                )
        return cls(name or "+".join(each.name for each in every), _merged(every))

    @property
    def requirements(self) -> tuple[str, ...]:
        """The requirements: canonical, sorted, duplicates joined.

        Raises
        ------
        DependencyError
            An entry is no requirement, or two contradict each other.
        """
        return _merged([self])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, DependencyList):
            return NotImplemented
        return (self.name, self.dependencies) == (other.name, other.dependencies)

    __hash__ = None  # type: ignore[assignment] # it can be changed

    def __repr__(self) -> str:
        return f"DependencyList({self.name!r}, {self.dependencies!r})"


def _merged(lists: Iterable[DependencyList]) -> tuple[str, ...]:
    merged: dict[tuple[str, str], MergedRequirement] = {}
    for each in lists:
        for text in _strings(each.name, each.dependencies):
            requirement = parse_requirement(text, where=f"the dependency list {each.name!r}")
            key = canonical(requirement.name), str(requirement.marker or "")
            merged.setdefault(key, MergedRequirement()).add(requirement, each.name)
    return tuple(sorted(requirement.text for requirement in merged.values()))


def _strings(name: str, dependencies: Dependencies) -> list[str]:
    """Turn every accepted shape into requirement strings."""
    if isinstance(dependencies, str | bytes) or not isinstance(dependencies, Iterable):
        raise DependencyError(
            f"the dependency list {name!r} is {dependencies!r}, which is no list",
            hint=f"Write DependencyList({name!r}, ['pandas==2.2.3', ...]).",
        )
    if isinstance(dependencies, Mapping):
        return [requirement_of_pair(pair, name) for pair in dependencies.items()]
    return [
        entry if isinstance(entry, str) else requirement_of_pair(entry, name)
        for entry in dependencies
    ]


def _lines(text: str) -> list[str]:
    """Return the entries of a requirements.txt, without comments and hashes."""
    joined = text.replace("\\\n", " ")
    entries = [line.split(" #")[0].split(" --hash")[0].strip() for line in joined.splitlines()]
    return [entry for entry in entries if entry and not entry.startswith("#")]
