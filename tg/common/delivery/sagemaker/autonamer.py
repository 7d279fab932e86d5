"""Tasks for a grid of parameters, each with a name that tells its parameters."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..._core.errors import ConfigError, NamingError
from ..._core.suggestions import did_you_mean
from ..naming.cell_names import cell_names
from ..naming.named_tasks import NamedTasks
from ..naming.plan import NamePlan
from ..naming.target import SAGEMAKER_JOB, Target
from .built_task import copied, grid_error, info_of

__all__ = ["Autonamer"]

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
        return self._built(plan, list(grid))

    def build_cells(
        self, cells: Iterable[Mapping[str, Any]], *, prefix: str | None = None
    ) -> NamedTasks:
        """Build one task for each of some combinations that are no whole grid.

        Parameters
        ----------
        cells
            Parameters to values, such as :func:`..sweep.distribution.draw` gives.
        prefix
            The beginning of these names; that of the autonamer if not given.

        Returns
        -------
        list
            As of :meth:`build_tasks`. All parameters of the cells enter the names.

        Raises
        ------
        NamingError
            If two cells are equal, or a value cannot be described.
        ConfigError, GridError
            As :meth:`build_tasks`.

        Example
        -------
        >>> from types import SimpleNamespace
        >>> def build(rate=1, layers=10):
        ...     return SimpleNamespace(info={})
        >>> tasks = Autonamer(build).build_cells([{"rate": 0.5}, {"rate": 0.2, "layers": 3}])
        >>> [task.info["name"] for task in tasks]
        ['R0p5', 'R0p2-L3']
        """
        known = [dict(cell) for cell in cells]
        for cell in known:
            self._check_arguments(cell)
        names = cell_names(
            known,
            order=list(_signature(self.build_method) or ()),
            prefix=self.prefix if prefix is None else prefix,
            target=self.target,
        )
        return self._built(dict(zip(names, known, strict=True)), [])

    def _built(self, plan: Mapping[str, Mapping[str, Any]], varied: Sequence[str]) -> NamedTasks:
        """Build the tasks of names to parameters."""
        arguments = self._fresh_defaults(varied) | self.common_arguments
        copied(arguments)
        tasks: list[Any] = []
        infos: dict[int, str] = {}
        failures: dict[str, Exception] = {}
        for name, parameters in plan.items():
            try:
                task = self.build_method(**(copied(arguments) | copy.deepcopy(dict(parameters))))
            except Exception as exc:  # noqa: BLE001 - the user's code may raise anything
                failures[name] = exc
                continue
            info = info_of(task, name)
            other = infos.setdefault(id(info), name)
            if other != name:
                raise ConfigError(
                    f"the build method returned the same info for {other!r} and {name!r}",
                    hint="Make a new task, with an info of its own, in each call.",
                )
            info["name"] = name
            tasks.append(task)
        if failures:
            raise grid_error(failures, len(plan)) from next(iter(failures.values()))
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

    def _fresh_defaults(self, varied: Iterable[str]) -> dict[str, Any]:
        """Find the defaults that all tasks would share, and could change for one another."""
        signature = _signature(self.build_method) or {}
        return {
            name: parameter.default
            for name, parameter in signature.items()
            if parameter.kind in _KEYWORDS
            and type(parameter.default) in (list, dict, set)
            and name not in varied
        }


def _signature(method: Callable[..., Any]) -> Mapping[str, inspect.Parameter] | None:
    try:
        return inspect.signature(method).parameters
    except (TypeError, ValueError):  # some classes written in C have none
        return None
