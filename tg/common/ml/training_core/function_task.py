"""Any function as a task."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any

from ..._core.errors import ConfigError, HyperparameterError
from ..._core.suggestions import did_you_mean
from ...contract.environment import TrainingEnvironment
from ...contract.task import TrainingTask
from .dataset import read_data

__all__ = ["FunctionTask"]

_KEYWORD_KINDS = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_POSITIONAL_KINDS = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
    inspect.Parameter.VAR_POSITIONAL,
)


class FunctionTask(TrainingTask):
    """Trains by calling ``function(data, env, **hyperparameters)``.

    What the function returns becomes part of the result: numbers by name (``{"rmse": 0.3}``) are
    metrics of the training, anything else but ``None`` is the artifact ``model`` under
    ``["runs", 0]``. Whatever more there is, the function stores itself through ``env``, which
    also has checkpoints and the data channels.

    Parameters
    ----------
    function
        The training. Its first two parameters are the data and the
        :class:`~tg.common.contract.TrainingEnvironment`; all others are hyperparameters.
    hyperparameters
        Values by name, over the defaults of the function. ``task.hyperparameters`` holds both;
        :meth:`apply_hyperparameters` takes ``alpha:float`` as well as
        ``hyperparameters.alpha:float``.
    data_loader
        Makes the function's data of the task's; ``None`` to hand them over as they are.
    name
        The name of the task, that of the function if not given.
    metric_names
        The metrics that it will report, where a tuner has to know them before.

    Raises
    ------
    ConfigError
        The function cannot be called in that way.
    HyperparameterError
        A hyperparameter is none of the function's.

    Example
    -------
    >>> def train(data, env, alpha=0.1, steps=10):
    ...     env.log(f"training {steps} steps")
    ...     return {"loss": alpha * len(data)}
    >>> task = FunctionTask(train, {"steps": 3})
    >>> task.apply_hyperparameters({"alpha:float": "0.5"})
    {'alpha': 0.5}
    >>> task.hyperparameters
    {'alpha': 0.5, 'steps': 3}
    >>> import io; from contextlib import redirect_stdout
    >>> with redirect_stdout(io.StringIO()):
    ...     result = task.run([1, 2])
    >>> result["metrics"]
    {'loss': 1.0}
    >>> FunctionTask(train, {"alhpa": 1})
    Traceback (most recent call last):
        ...
    tg.common._core.errors.HyperparameterError: the function 'train' has no hyperparameter \
'alhpa'. Did you mean 'alpha'?
    """

    def __init__(
        self,
        function: Callable[..., Any],
        hyperparameters: Mapping[str, Any] | None = None,
        *,
        data_loader: Callable[[Any], Any] | None = read_data,
        name: str | None = None,
        metric_names: tuple[str, ...] = (),
    ) -> None:
        super().__init__()
        if not callable(function):
            raise ConfigError(
                f"{function!r} is no function", hint="Give a function f(data, env, **parameters)."
            )
        self.function = function
        self.data_loader = data_loader
        self.metric_names = metric_names
        self.info["name"] = name or _name_of(function)
        given = dict(hyperparameters or {})
        self._check_names(given)
        self.hyperparameters: dict[str, Any] = {**_defaults(_parameters(function)), **given}

    def run_with_environment(self, data: Any, env: TrainingEnvironment) -> None:
        """Call the function and keep what it returns.

        Raises
        ------
        HyperparameterError
            The function needs a hyperparameter that has no value.
        DatasetNotFoundError
            The data are a path with nothing there.
        """
        self._check_names(self.hyperparameters)
        missing = [
            name
            for name, parameter in (_parameters(self.function) or {}).items()
            if parameter.default is inspect.Parameter.empty
            and parameter.kind in _KEYWORD_KINDS
            and name not in self.hyperparameters
        ]
        if missing:
            raise HyperparameterError(
                f"the function {_name_of(self.function)!r} needs a value of {', '.join(missing)}",
                hint="Give it in hyperparameters={...}.",
            )
        loaded = data if self.data_loader is None else self.data_loader(data)
        returned = self.function(loaded, env, **self.hyperparameters)
        if _are_metrics(returned):
            for name, value in returned.items():
                env.output_metric(name, float(value))
        elif returned is not None:
            env.store_artifact(["runs", 0], "model", returned)

    def get_metric_names(self) -> list[str]:
        """Name the metrics that the function was said to report."""
        return list(self.metric_names)

    def hyperparameter_aliases(self) -> dict[str, str]:
        """Let each hyperparameter be named without the dictionary it stands in."""
        names = [*(self.open_hyperparameters("hyperparameters") or ()), *self.hyperparameters]
        return {name: f"hyperparameters.{name}" for name in names if name != "hyperparameters"}

    def open_hyperparameters(self, field: str) -> list[str] | None:
        """Let parameters of the function be set that have no value yet."""
        if field != "hyperparameters":
            return []
        parameters = _parameters(self.function)
        if parameters is None or _takes_any(parameters):
            return None
        return [name for name, p in parameters.items() if p.kind in _KEYWORD_KINDS]

    def _check_names(self, given: Mapping[str, Any]) -> None:
        allowed = self.open_hyperparameters("hyperparameters")
        for name in given:
            if allowed is not None and name not in allowed:
                raise HyperparameterError(
                    f"the function {_name_of(self.function)!r} has no hyperparameter {name!r}",
                    hint=did_you_mean(str(name), allowed, what="hyperparameters"),
                )


def _name_of(function: Callable[..., Any]) -> str:
    inner = getattr(function, "func", function)  # of a partial
    return str(getattr(inner, "__name__", type(function).__name__))


def _parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter] | None:
    """Give the parameters after data and env; ``None`` where the function does not tell."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (ValueError, TypeError):  # some functions of compiled libraries have no signature
        return None
    for _ in range(2):
        if not parameters or parameters[0].kind not in _POSITIONAL_KINDS:
            raise ConfigError(
                f"the function {_name_of(function)!r} does not take data and env",
                hint="Write it as f(data, env, **hyperparameters).",
            )
        if parameters[0].kind is not inspect.Parameter.VAR_POSITIONAL:
            parameters.pop(0)
    return {parameter.name: parameter for parameter in parameters}


def _takes_any(parameters: Mapping[str, inspect.Parameter]) -> bool:
    return any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())


def _defaults(parameters: Mapping[str, inspect.Parameter] | None) -> dict[str, Any]:
    # Copies: a hyperparameter that is set inside a default list must not change the function's.
    return {
        name: copy.deepcopy(parameter.default)
        for name, parameter in (parameters or {}).items()
        if parameter.kind in _KEYWORD_KINDS and parameter.default is not inspect.Parameter.empty
    }


def _are_metrics(returned: object) -> bool:
    return (
        isinstance(returned, Mapping)
        and len(returned) > 0
        and all(isinstance(name, str) for name in returned)
        and all(isinstance(value, Real) for value in returned.values())
    )
