"""The SageMaker SDK's own tuner over the image that the executors run."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ..._core.errors import ConfigError
from ..._core.suggestions import did_you_mean
from ...contract.metric_line import metric_pattern
from ..execution.request import hyperparameters_as_text
from ..naming.legal_name import cleaned
from ..naming.target import SAGEMAKER_JOB
from .aws import AwsClients
from .model_trainer import import_sdk, make_model_trainer
from .publication import publish
from .trainer_options import TrainerOptions
from .tuner_options import TunerOptions, split_options
from .tuning_range import (
    CategoricalRange,
    ContinuousRange,
    TuningRange,
    check_ranges,
    tuning_ranges,
)

if TYPE_CHECKING:
    from sagemaker.train.tuner import HyperparameterTuner

    from .config import SagemakerConfig

__all__ = ["make_tuner"]

# the SDK appends a time stamp of minutes and cuts the whole at 32 characters
_NAME_LENGTH = 32
_STAMP_LENGTH = len("-260131-1637")
_TOKEN_BYTES = 4
_METRICS, _METRIC_NAME = 40, 255


def make_tuner(
    config: SagemakerConfig, ranges: Mapping[str, Any], objective: str, options: Mapping[str, Any]
) -> HyperparameterTuner:
    """Make the SDK's tuner; see :meth:`SagemakerConfig.tuner`."""
    # a missing SDK is told before anything is built
    tuners = import_sdk("sagemaker.train.tuner")
    shapes = import_sdk("sagemaker.core.shapes")
    parameters = import_sdk("sagemaker.core.parameter")
    tuning, training = split_options(options)
    searched = tuning_ranges(ranges)
    count = tuning.job_count(searched)
    metrics = _metrics(config.job.task, objective, training.metrics)
    texts = hyperparameters_as_text(training.hyperparameters)
    check_ranges(config.job.task, searched, texts)
    name = _name(config, training)
    image = training.image or _published(config, training)
    trainer = make_model_trainer(config, dataclasses.replace(training, image=image, metrics=()))
    # the tuner takes channels only, of which the trainer makes its inputs when it trains
    trainer.input_data_config = [
        _channel(data.channel_name, data.data_source, shapes) for data in trainer.input_data_config
    ]
    tuner: HyperparameterTuner = tuners.HyperparameterTuner(
        model_trainer=trainer,
        objective_metric_name=objective,
        hyperparameter_ranges={key: _parameter(one, parameters) for key, one in searched.items()},
        metric_definitions=[
            {"Name": metric, "Regex": metric_pattern(metric)} for metric in metrics
        ],
        strategy=tuning.strategy,
        objective_type=tuning.goal,
        max_jobs=count,
        max_parallel_jobs=tuning.max_parallel_jobs,
        max_runtime_in_seconds=tuning.max_tuning_seconds,
        base_tuning_job_name=name,
        completion_criteria_config=_criteria(tuning, shapes),
        early_stopping_type="Auto" if tuning.early_stopping else "Off",
        random_seed=tuning.random_seed,
    )
    return tuner


def _metrics(task: Any, objective: str, others: Sequence[str]) -> list[str]:
    """Name all metrics that are looked for in the log, the objective first."""
    if not isinstance(objective, str) or not 1 <= len(objective) <= _METRIC_NAME:
        raise ConfigError(
            f"the objective is {objective!r}", hint="Give the name of a metric of the task."
        )
    known = task.get_metric_names()
    if known and objective not in [*known, *others]:
        guess = did_you_mean(objective, known, what="metrics")
        raise ConfigError(
            f"the task does not say that it reports a metric {objective!r}",
            hint=f"{guess} If it does report it, name it in metrics as well.",
        )
    metrics = list(dict.fromkeys([objective, *others]))
    if len(metrics) > _METRICS:
        raise ConfigError(
            f"there are {len(metrics)} metrics", hint=f"SageMaker takes {_METRICS} at most."
        )
    return metrics


def _published(config: SagemakerConfig, training: TrainerOptions) -> str:
    """Build and push the image and upload the data, whatever is not there yet."""
    if training.session is not None:
        raise ConfigError(
            "a tuner with a session of its own needs an image in a registry",
            hint="Push the one of containering.make_container(), and give its URI as image.",
        )
    if not config.settings.aws_role:
        raise ConfigError(
            "there is no role for trainings at SageMaker",
            hint="Give its ARN: SagemakerRoutine(..., role=...), or AWS_ROLE in the environment.",
        )
    request = config.request(training.hyperparameters)
    package = request.packaging.make_package()
    return publish(config, request, package, AwsClients()).image_uri


def _name(config: SagemakerConfig, training: TrainerOptions) -> str:
    room = _NAME_LENGTH - _STAMP_LENGTH - len("-") - 2 * _TOKEN_BYTES
    head = cleaned(training.name or config.packaging.name, SAGEMAKER_JOB, room)
    return f"{head}-{secrets.token_hex(_TOKEN_BYTES)}"


def _parameter(one: TuningRange, parameters: ModuleType) -> Any:
    if isinstance(one, CategoricalRange):
        return parameters.CategoricalParameter(list(one.texts))
    low, high = one.texts
    kind = "ContinuousParameter" if isinstance(one, ContinuousRange) else "IntegerParameter"
    return getattr(parameters, kind)(low, high, scaling_type=one.scaling)


def _channel(name: str, uri: str, shapes: ModuleType) -> Any:
    source = shapes.S3DataSource(
        s3_data_type="S3Prefix", s3_uri=uri, s3_data_distribution_type="FullyReplicated"
    )
    return shapes.Channel(channel_name=name, data_source=shapes.DataSource(s3_data_source=source))


def _criteria(tuning: TunerOptions, shapes: ModuleType) -> Any:
    criteria = {}
    if tuning.target_value is not None:
        criteria["target_objective_metric_value"] = tuning.target_value
    if tuning.max_jobs_not_improving is not None:
        criteria["best_objective_not_improving"] = shapes.BestObjectiveNotImproving(
            max_number_of_training_jobs_not_improving=tuning.max_jobs_not_improving
        )
    return shapes.TuningJobCompletionCriteria(**criteria) if criteria else None
