"""Tasks for a grid of parameters, each with a name that tells its parameters."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from ..._core.errors import ConfigError, GridError, NamingError
from ..._core.suggestions import did_you_mean
from ..naming.named_tasks import NamedTasks
from ..naming.plan import NamePlan
from ..naming.target import SAGEMAKER_JOB, Target

__all__ = ["Autonamer"]

_SHOWN = 10
_KEYWORDS = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class Autonamer:
    """Builds the tasks of a sweep and names them after the parameters that vary.

    Parameters
    ----------
    build_method
        Makes a task from keyword arguments; the task has a dictionary ``info``.
    prefix
        The beginning of every name.
    common_arguments
        Arguments that are the same for all tasks; each task gets a copy.
    target
        Where the names are used; SageMaker job names if not given.

    Raises
    ------
    ConfigError
        If ``build_method`` cannot be called or does not take a common argument.

    Notes
    -----
    A parameter's code is the initials of its words, or the shortest longer abbreviation that is
    unique among the parameters that vary. They stand in the order of ``build_method``'s signature,
    whatever the order of the grid. See :class:`.naming.plan.NamePlan` for what a name depends on
    and :mod:`.naming.encoding` for how values are written.

    Example
    -------
    >>> from types import SimpleNamespace
    >>> def build(learning_rate=1, network_size=[10, 10], context_length=10):
    ...     return SimpleNamespace(info={})
    >>> tasks = Autonamer(build).build_tasks(learning_rate=[1, 2], network_size=[[10], [10, 5]])
    >>> [task.info["name"] for task in tasks]
    ['LR1-NS10', 'LR1-NS10-5', 'LR2-NS10', 'LR2-NS10-5']
    """

    def __init__(
        self,
        build_method: Callable[..., Any],
        prefix: str | None = None,
        common_arguments: Mapping[str, Any] | None = None,
        target: Target = SAGEMAKER_JOB,
    ) -> None:
        if not callable(build_method):
            raise ConfigError(
                f"the build method {build_method!r} cannot be called",
                hint="Give a function that takes the parameters and returns a task.",
            )
        self.build_method = build_method
        self.prefix = prefix
        self.common_arguments = dict(common_arguments or {})
        self.target = target
        self._last: NamePlan | None = None

    def build_tasks(self, /, **grid: Any) -> list[Any]:
        """Build one task for each combination of values.

        Parameters
        ----------
        **grid
            For each parameter the list of its values. The last one given changes fastest.

        Returns
        -------
        list
            What ``build_method`` returned, with ``info["name"]`` set; its ``parameters`` maps names
            to what the tasks were built of. No argument is shared
            between two tasks, nor with the grid; neither are lists, dictionaries and sets that
            are defaults of ``build_method``.

        Raises
        ------
        NamingError
            As :meth:`plan`, before any task is built.
        ConfigError
            If what ``build_method`` returns has no dictionary ``info``, or is returned twice.
        GridError
            If ``build_method`` raises for some cells; all of them are named.
        """
        plan = self.plan(**grid)
        arguments = self._fresh_defaults(grid) | self.common_arguments
        _copied(arguments)
        tasks: list[Any] = []
        infos: dict[int, str] = {}
        failures: dict[str, Exception] = {}
        for place, name in enumerate(plan.names):
            try:
                task = self.build_method(**(_copied(arguments) | plan.parameters(place)))
            except Exception as exc:  # noqa: BLE001 - the user's code may raise anything
                failures[name] = exc
                continue
            info = _info_of(task, name)
            other = infos.setdefault(id(info), name)
            if other != name:
                raise ConfigError(
                    f"the build method returned the same info for {other!r} and {name!r}",
                    hint="Make a new task, with an info of its own, in each call.",
                )
            info["name"] = name
            tasks.append(task)
        if failures:
            raise _grid_error(failures, len(plan)) from next(iter(failures.values()))
        return NamedTasks(tasks, plan)

    def plan(self, /, **grid: Any) -> NamePlan:
        """Name all combinations without building any task.

        Parameters
        ----------
        **grid
            For each parameter the list of its values.

        Returns
        -------
        NamePlan
            Names to parameters; ``plan.for_target(DOCKER_TAG)`` names the same combinations for
            another place.

        Raises
        ------
        NamingError
            If a list is empty or no list, has equal values or one that cannot be described, the
            prefix is illegal, or the names would collide.
        ConfigError
            If ``build_method`` does not take a parameter, or lacks one.

        Example
        -------
        >>> Autonamer(dict, prefix="titanic").plan(rate=[0.1, 1e-5])["titanic-R1em5"]
        {'rate': 1e-05}
        """
        self._check_arguments(grid)
        self._last = NamePlan(
            grid,
            order=list(_signature(self.build_method) or ()),
            prefix=self.prefix,
            target=self.target,
            fallback=getattr(self.build_method, "__name__", "") or type(self.build_method).__name__,
        )
        return self._last

    def names(self, /, **grid: Any) -> list[str]:
        """Name all combinations without building any task.

        Parameters
        ----------
        **grid
            For each parameter the list of its values.

        Returns
        -------
        list of str
            In the order of :meth:`build_tasks`.
        """
        return list(self.plan(**grid).names)

    def parameters(self, name: str, /, **grid: Any) -> dict[str, Any]:
        """Go back from a name to the parameters of its task.

        Parameters
        ----------
        name
            A name of the grid.
        **grid
            The grid; the last one that was named if not given.

        Returns
        -------
        dict
            The exact values, of the types that they have in the grid.

        Raises
        ------
        NamingError
            If the grid has no such name, or no grid was named yet.

        Example
        -------
        >>> Autonamer(dict).parameters("L10-5", layers=[[10], [10, 5]])
        {'layers': [10, 5]}
        """
        plan = self.plan(**grid) if grid else self._last
        if plan is None:
            raise NamingError(
                f"no grid is known in which to look up {name!r}",
                hint="Give the grid as well: parameters(name, learning_rate=[...]).",
            )
        return plan.cell(name)

    def _check_arguments(self, grid: Mapping[str, Any]) -> None:
        twice = sorted(grid.keys() & self.common_arguments.keys())
        if twice:
            raise ConfigError(
                f"{twice[0]} is both in the grid and among the common arguments",
                hint="Leave it out of one of them.",
            )
        signature = _signature(self.build_method)
        if signature is None:
            return
        given = {**self.common_arguments, **grid}
        taken = [name for name, parameter in signature.items() if parameter.kind in _KEYWORDS]
        if all(parameter.kind is not parameter.VAR_KEYWORD for parameter in signature.values()):
            for key in given:
                if key not in taken:
                    raise ConfigError(
                        f"the build method has no parameter {key!r}",
                        hint=did_you_mean(key, taken, what="parameters"),
                    )
        for name in taken:
            if signature[name].default is inspect.Parameter.empty and name not in given:
                raise ConfigError(
                    f"the build method needs {name!r}, which is not given",
                    hint=f"Vary it, or give common_arguments=dict({name}=...).",
                )

    def _fresh_defaults(self, grid: Mapping[str, Any]) -> dict[str, Any]:
        """Find the defaults that all tasks would share, and could change for one another."""
        signature = _signature(self.build_method) or {}
        return {
            name: parameter.default
            for name, parameter in signature.items()
            if parameter.kind in _KEYWORDS
            and type(parameter.default) in (list, dict, set)
            and name not in grid
        }


def _signature(method: Callable[..., Any]) -> Mapping[str, inspect.Parameter] | None:
    try:
        return inspect.signature(method).parameters
    except (TypeError, ValueError):  # some classes written in C have none
        return None


def _copied(arguments: dict[str, Any]) -> dict[str, Any]:
    try:
        return copy.deepcopy(arguments)
    except Exception as exc:  # a value's own code may raise anything
        raise ConfigError(
            f"the common arguments {', '.join(arguments)} cannot be copied for each task: {exc}",
            hint="Make in the build method what cannot be copied.",
        ) from exc


def _info_of(task: Any, name: str) -> MutableMapping[str, Any]:
    info = getattr(task, "info", None)
    if not isinstance(info, MutableMapping):
        raise ConfigError(
            f"the build method returned a {type(task).__name__} for {name!r}, whose info is "
            f"{info!r} and not a dictionary",
            hint="Return a task, or any object with the attribute info=dict().",
        )
    return info


def _grid_error(failures: Mapping[str, Exception], cells: int) -> GridError:
    texts = {name: f"{type(exc).__name__}: {exc}" for name, exc in failures.items()}
    shown = "; ".join(f"{name} ({text})" for name, text in list(texts.items())[:_SHOWN])
    more = f"; and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return GridError(
        f"the build method failed for {len(texts)} of {cells} cells: {shown}{more}",
        failures=texts,
        hint="Mend it, or leave these values out of the grid.",
    )
