"""What SageMaker refuses of a tuning job at once, and what it asks for as a training."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from .hyperparameter_search import candidates, grid_size, ranges_by_name
from .service_error import ServiceError
from .validation import check_request, check_rules

__all__ = ["check_tuning", "training_request"]

_OBJECTIVE_KEY = "_tuning_objective_metric"
_RANGES = 30
# what a training takes over from its definition as it is
_SAME = (
    "AlgorithmSpecification",
    "RoleArn",
    "InputDataConfig",
    "VpcConfig",
    "OutputDataConfig",
    "ResourceConfig",
    "StoppingCondition",
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    "CheckpointConfig",
    "RetryStrategy",
    "Environment",
)


def check_tuning(request: Mapping[str, Any]) -> None:
    """Check a request of ``CreateHyperParameterTuningJob``.

    The rehearsal plays one definition of trainings in a tuning job, ranges that are given, and all
    strategies but ``Hyperband``.

    Raises
    ------
    ServiceError
        ``ValidationException``.
    """
    check_request("CreateHyperParameterTuningJob", request)
    config = request["HyperParameterTuningJobConfig"]
    if "TrainingJobDefinition" not in request:
        if "TrainingJobDefinitions" in request:
            raise _invalid("The rehearsal plays tuning jobs of one TrainingJobDefinition only.")
        raise _invalid("TrainingJobDefinition or TrainingJobDefinitions is required.")
    if config["Strategy"] == "Hyperband" or "Autotune" in request:
        raise _invalid("The rehearsal plays neither the strategy Hyperband nor Autotune.")
    _check_ranges(request)
    _check_limits(config)
    _check_objective(request)
    values = next(candidates(config["Strategy"], config["ParameterRanges"]))
    training = training_request(request, request["HyperParameterTuningJobName"], values)
    check_request("CreateTrainingJob", training)
    check_rules(training)


def training_request(
    request: Mapping[str, Any], name: str, values: Mapping[str, str]
) -> dict[str, Any]:
    """Give the request of one training of a tuning job.

    Parameters
    ----------
    request
        The request that created the tuning job.
    name
        The training job's name.
    values
        The tuned hyperparameters.
    """
    definition = request["TrainingJobDefinition"]
    objective = request["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]
    training = {key: definition[key] for key in _SAME if key in definition}
    tuned = definition.get("HyperParameterTuningResourceConfig")
    if tuned:
        # those of several types are in order of priority
        instances: Mapping[str, Any] = next(iter(tuned.get("InstanceConfigs", [])), {})
        known = ("InstanceType", "InstanceCount", "VolumeSizeInGB", "VolumeKmsKeyId")
        both = {**tuned, **instances}
        training["ResourceConfig"] = {key: both[key] for key in known if key in both}
    return {
        **training,
        "TrainingJobName": name,
        "HyperParameters": {
            _OBJECTIVE_KEY: objective["MetricName"],
            **definition.get("StaticHyperParameters", {}),
            **values,
        },
        "Tags": list(request.get("Tags", [])),
    }


def _check_ranges(request: Mapping[str, Any]) -> None:
    config = request["HyperParameterTuningJobConfig"]
    named = ranges_by_name(config.get("ParameterRanges", {}))
    if not 1 <= len(named) <= _RANGES:
        raise _invalid(
            f"The number of hyperparameter ranges must be between 1 and {_RANGES}; it is "
            f"{len(named)}."
        )
    static = request["TrainingJobDefinition"].get("StaticHyperParameters", {})
    seen: set[str] = set(static)
    for kind, name, entry in named:
        if name in seen:
            raise _invalid(f"The hyperparameter '{name}' is defined more than once.")
        seen.add(name)
        if kind.startswith("Categorical"):
            if len(set(entry["Values"])) < len(entry["Values"]):
                raise _invalid(f"The values of the hyperparameter '{name}' must be unique.")
        else:
            _check_ends(kind, name, entry)


def _check_ends(kind: str, name: str, entry: Mapping[str, Any]) -> None:
    number = int if kind.startswith("Integer") else float
    try:
        low, high = number(entry["MinValue"]), number(entry["MaxValue"])
    except ValueError as exc:
        raise _invalid(f"The range of the hyperparameter '{name}' is invalid: {exc}") from exc
    scaling = entry.get("ScalingType", "Auto")
    if not (math.isfinite(low) and math.isfinite(high)) or low > high:
        raise _invalid(f"The MinValue of the hyperparameter '{name}' must not exceed its MaxValue.")
    if scaling == "Logarithmic" and low <= 0:
        raise _invalid(f"Logarithmic scaling of '{name}' needs values greater than 0.")
    if scaling == "ReverseLogarithmic" and (number is int or low < 0 or high >= 1):
        raise _invalid(
            f"Reverse logarithmic scaling of '{name}' needs a continuous range within 0<=x<1.0."
        )


def _check_limits(config: Mapping[str, Any]) -> None:
    most = config["ResourceLimits"].get("MaxNumberOfTrainingJobs")
    if config["Strategy"] != "Grid":
        if most is None:
            raise _invalid("MaxNumberOfTrainingJobs is required for this strategy.")
        return
    size = grid_size(config["ParameterRanges"])
    if size is None:
        raise _invalid("Grid search supports categorical hyperparameters only.")
    if most not in (None, size):
        raise _invalid(
            f"MaxNumberOfTrainingJobs must be the number of combinations of the grid, {size}."
        )


def _check_objective(request: Mapping[str, Any]) -> None:
    objective = request["HyperParameterTuningJobConfig"].get("HyperParameterTuningJobObjective")
    algorithm = request["TrainingJobDefinition"]["AlgorithmSpecification"]
    metrics = [entry["Name"] for entry in algorithm.get("MetricDefinitions", [])]
    if objective is None or not metrics:
        raise _invalid(
            "A metric is required for this hyperparameter tuning job objective. Provide a metric "
            "in the metric definitions."
        )
    if objective["MetricName"] not in metrics:
        raise _invalid(
            f"The objective metric '{objective['MetricName']}' is not in the metric definitions "
            f"[{', '.join(metrics)}]."
        )


def _invalid(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)
