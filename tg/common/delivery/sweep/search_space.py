"""What a search looks through, and how it is told to Optuna."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

from ..._core.errors import ConfigError, ProtocolError
from ..naming.column import listed
from .distribution import Integers, Uniform
from .plain_value import plain_value

__all__ = ["SearchSpace"]

_Choice: TypeAlias = Uniform | Integers | Sequence[Any]


@dataclass(frozen=True, kw_only=True)
class SearchSpace:
    """The parameters of a search, and what its trials are compared by.

    Attributes
    ----------
    choices
        Parameter to what it may be.
    metric
        What trials are compared by.
    direction
        Whether more or less of it is better.

    Raises
    ------
    ConfigError
        There is no parameter, or no such direction.

    Example
    -------
    >>> space = SearchSpace.of({"rate": Uniform(low=0, high=1)}, "auc", "maximize")
    >>> SearchSpace.of_json(space.to_json()) == space
    True
    """

    choices: Mapping[str, _Choice]
    metric: str
    direction: Literal["maximize", "minimize"]

    def __post_init__(self) -> None:
        if self.direction not in ("maximize", "minimize"):
            raise ConfigError(
                f"direction={self.direction!r} is no direction",
                hint="Give 'maximize' or 'minimize'.",
            )
        if not self.choices:
            raise ConfigError(
                "there is nothing to search in no parameter", hint="Give one or more."
            )

    @classmethod
    def of(
        cls, space: Mapping[str, Any], metric: str, direction: Literal["maximize", "minimize"]
    ) -> SearchSpace:
        """Take a space as a user has it.

        Raises
        ------
        NamingError
            A list is empty, or something else is no list.
        """
        choices = {
            key: one if isinstance(one, Uniform | Integers) else listed(key, one)
            for key, one in space.items()
        }
        return cls(choices=choices, metric=metric, direction=direction)

    def to_json(self) -> str:
        """Write it for a journal; of values in lists that is what JSON can hold of them."""
        space = {
            key: asdict(one) if isinstance(one, Uniform | Integers) else plain_value(one)
            for key, one in self.choices.items()
        }
        content = {"space": space, "metric": self.metric, "direction": self.direction}
        return json.dumps(content, sort_keys=True)

    @classmethod
    def of_json(cls, text: str) -> SearchSpace:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        ProtocolError
            A newer version wrote it.
        """
        try:
            stored = json.loads(text)
            choices = {key: _choice(one) for key, one in stored["space"].items()}
            return cls(choices=choices, metric=stored["metric"], direction=stored["direction"])
        except (KeyError, TypeError, ValueError, AttributeError) as exc:
            raise ProtocolError(
                f"the space of this search is not known to this version: {exc}",
                hint="Use a newer version of training-grounds.",
            ) from exc

    def cover(self) -> list[dict[str, Any]]:
        """Give cells in which each value of each list occurs; always the same ones."""
        lists = [one for one in self.choices.values() if not isinstance(one, Uniform | Integers)]
        source = random.Random(0)  # noqa: S311 - nothing is secret
        cells = (
            {
                key: one.draw(source) if isinstance(one, Uniform | Integers) else one[at % len(one)]
                for key, one in self.choices.items()
            }
            for at in range(max(map(len, lists), default=1))
        )
        return list({repr(cell): cell for cell in cells}.values())

    def ranges(self, optuna: Any) -> dict[str, Any]:
        """Give Optuna's distributions."""
        kinds = optuna.distributions
        ranges = {}
        for key, one in self.choices.items():
            if isinstance(one, Uniform):
                ranges[key] = kinds.FloatDistribution(one.low, one.high, log=one.log)
            elif isinstance(one, Integers):
                ranges[key] = kinds.IntDistribution(one.low, one.high, log=one.log)
            else:
                # values of any class: Optuna keeps the place of each
                ranges[key] = kinds.CategoricalDistribution(tuple(range(len(one))))
        return ranges

    def cell(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Give the parameters that Optuna has chosen."""
        return {key: self._value(key, value) for key, value in params.items()}

    def params(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Give what Optuna had chosen, of parameters as a journal has them."""
        return {key: self._told(key, parameters[key]) for key in self.choices}

    def _value(self, key: str, chosen: Any) -> Any:
        one = self.choices[key]
        if isinstance(one, Uniform):
            return one.rounded(chosen)
        return int(chosen) if isinstance(one, Integers) else one[chosen]

    def _told(self, key: str, stored: Any) -> Any:
        one = self.choices[key]
        if isinstance(one, Uniform | Integers):
            return stored
        return [plain_value(value) for value in one].index(stored)


def _choice(stored: Any) -> _Choice:
    if isinstance(stored, list):
        return stored
    return Uniform(**stored) if "digits" in stored else Integers(**stored)
