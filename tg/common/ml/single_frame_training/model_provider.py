"""A new model for each fold."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from typing import Any

from sklearn.base import clone
from sklearn.pipeline import Pipeline

from ..._core.errors import ConfigError
from ..._core.references import resolve_reference
from ..._core.suggestions import did_you_mean
from .column_names import ColumnNamesDropper, ColumnNamesKeeper

__all__ = ["ModelConstructor", "ModelProvider"]


class ModelConstructor:
    """A class of models and its arguments: the model itself is a hyperparameter.

    Parameters
    ----------
    type_name
        ``"module:Class"``, or a class or function that makes a model. In a delivered package the
        module is looked for among the code that travelled first.
    args, kwargs
        The arguments; each call gets copies of its own. Hyperparameters may add keys to `kwargs`.

    Example
    -------
    >>> constructor = ModelConstructor("sklearn.linear_model:LogisticRegression", max_iter=1000)
    >>> constructor()
    LogisticRegression(max_iter=1000)
    >>> from tg.common.contract import apply_hyperparameters
    >>> apply_hyperparameters(constructor, {"kwargs.C:float": "0.5"})
    {'kwargs.C': 0.5}
    >>> constructor()
    LogisticRegression(C=0.5, max_iter=1000)
    """

    def __init__(self, type_name: str | Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        self.type_name = type_name
        self.args = list(args)
        self.kwargs = kwargs

    def open_hyperparameters(self, field: str) -> list[str] | None:
        """Let any argument be added to `kwargs`: the class itself may be a hyperparameter too."""
        return None if field == "kwargs" else []

    def __call__(self) -> Any:
        """Make a model.

        Raises
        ------
        ConfigError
            There is no such class, or it does not take these arguments.
        """
        target = self.type_name
        made_by = resolve_reference(target) if isinstance(target, str) else target
        if not callable(made_by):
            raise ConfigError(
                f"{self.type_name!r} is no class or function, it makes no model",
                hint="Give 'module:Class', a class, or a function that returns a model.",
            )
        self._check_arguments(made_by)
        return made_by(*_own(self.args, "args"), **_own(self.kwargs, "kwargs"))

    def _check_arguments(self, made_by: Callable[..., Any]) -> None:
        try:
            signature = inspect.signature(made_by)
        except (ValueError, TypeError):  # some classes of compiled libraries have no signature
            return
        try:
            signature.bind(*self.args, **self.kwargs)
        except TypeError as exc:
            names = list(signature.parameters)
            wrong = [name for name in self.kwargs if name not in names]
            hint = did_you_mean(wrong[0], names, what="arguments") if wrong else ""
            raise ConfigError(
                f"{getattr(made_by, '__name__', made_by)} does not take these arguments: {exc}",
                hint=hint,
            ) from exc


def _own(arguments: Any, name: str) -> Any:
    # Without copies a random generator among them would go on from fold to fold, and a resumed
    # training would draw other numbers than an unbroken one.
    try:
        return copy.deepcopy(arguments)
    except Exception as exc:  # what __deepcopy__ of a user's object raises is open
        raise ConfigError(
            f"the {name} of the model constructor cannot be copied: {exc}",
            hint="Each fold needs a copy; give a function that makes the model instead.",
        ) from exc


class ModelProvider:
    """Makes the pipeline of a fold: names are kept, data transformed, the model fitted.

    Parameters
    ----------
    constructor
        A :class:`ModelConstructor`, or anything that is called without arguments for a model.
    transformer
        A scikit-learn transformer, such as ``dft.DataFrameTransformerFactory``. It is cloned for
        each fold and so fitted to train rows only.
    keep_column_names
        Whether the model gets a frame with names; otherwise it gets a bare array, and the steps
        that check names are left out.
    model_fix
        Changes the new model, or puts another in its place: called with it, returns one.

    Example
    -------
    >>> ModelProvider(ModelConstructor("sklearn.linear_model:LogisticRegression")).get_model()
    Pipeline(steps=[('ColumnNamesKeeper', ColumnNamesKeeper()),
                    ('Model', LogisticRegression())])
    """

    def __init__(
        self,
        constructor: Callable[[], Any],
        transformer: Any = None,
        keep_column_names: bool = True,
        model_fix: Callable[[Any], Any] | None = None,
    ) -> None:
        self.constructor = constructor
        self.transformer = transformer
        self.keep_column_names = keep_column_names
        self.model_fix = model_fix

    def get_model(self) -> Pipeline:
        """Make a new pipeline, the last step of which is the model.

        Raises
        ------
        ConfigError
            What the constructor makes cannot be fitted.
        """
        model = self.constructor()
        if self.model_fix is not None:
            model = self.model_fix(model)
        if not hasattr(model, "fit"):
            raise ConfigError(
                f"a {type(model).__name__} is no model: it has no fit",
                hint="Take FunctionTask for trainings that are not of scikit-learn's form.",
            )
        steps: list[tuple[str, Any]] = []
        if self.keep_column_names:
            steps.append(("ColumnNamesKeeper", ColumnNamesKeeper()))
        if self.transformer is not None:
            steps.append(("Transformer", clone(self.transformer, safe=False)))
            if self.keep_column_names:
                steps.append(("ColumnNamesKeeperAfterTransformation", ColumnNamesKeeper()))
        if not self.keep_column_names:
            steps.append(("ColumnNamesDropper", ColumnNamesDropper()))
        return Pipeline([*steps, ("Model", model)])
