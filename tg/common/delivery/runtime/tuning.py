"""What a tuner adds to the hyperparameters of the trainings that it starts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ...contract.hyperparameters import is_platform_key

__all__ = ["OBJECTIVE_KEY", "own_hyperparameters", "tuning_objective"]

# SageMaker's automatic model tuning names the metric that it looks for so
OBJECTIVE_KEY = "_tuning_objective_metric"
_JSON_TYPE = ":json"


def tuning_objective(values: Mapping[str, Any]) -> str | None:
    """Give the metric that a tuner looks for, or ``None`` in a training that none has started.

    Example
    -------
    >>> tuning_objective({"_tuning_objective_metric": '"auc"'}), tuning_objective({"alpha": "1"})
    ('auc', None)
    """
    value = values.get(OBJECTIVE_KEY)
    return None if value is None else str(_without_quotes(value))


def own_hyperparameters(values: Mapping[str, Any]) -> dict[str, Any]:
    """Give the hyperparameters that are the task's, without those of the platform.

    Those of a tuner are JSON where another than this library has asked for it: ``"adam"`` comes
    in quotes then, which are taken off. What has the type ``:json`` is left as it is.

    Example
    -------
    >>> own_hyperparameters({"_tuning_objective_metric": "auc", "rate": "0.5", "name": '"adam"'})
    {'rate': '0.5', 'name': 'adam'}
    >>> own_hyperparameters({"name": '"adam"'})
    {'name': '"adam"'}
    """
    own = {key: value for key, value in values.items() if not is_platform_key(key)}
    if OBJECTIVE_KEY not in values:
        return own
    return {
        key: value if key.endswith(_JSON_TYPE) else _without_quotes(value)
        for key, value in own.items()
    }


def _without_quotes(value: Any) -> Any:
    if not isinstance(value, str) or not value.startswith('"'):
        return value
    try:
        read = json.loads(value)
    except ValueError:
        return value  # text that only begins like JSON
    return read if isinstance(read, str) else value
