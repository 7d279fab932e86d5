"""The SageMaker SDK's own trainer over the image that the executors run."""

from __future__ import annotations

import importlib
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ..._core.errors import ConfigError, MissingDependencyError
from ..._core.files import unique_folder
from ...contract.metric_line import metric_pattern
from ..execution.request import TrainingRequest, copy_of_task, hyperparameters_as_text
from ..naming.legal_name import cleaned
from ..naming.target import SAGEMAKER_JOB
from ..runtime.folders import MAIN_CHANNEL
from .trainer_options import TrainerOptions

if TYPE_CHECKING:
    from sagemaker.train import ModelTrainer

    from .config import SagemakerConfig

__all__ = ["import_sdk", "make_model_trainer"]

# the SDK appends its time stamp and cuts the whole at 63 characters, the stamp included
_STAMP_LENGTH = len("-20260131163738")
_TOKEN_BYTES = 6


def make_model_trainer(config: SagemakerConfig, options: TrainerOptions) -> ModelTrainer:
    """Make the SDK's trainer; see :meth:`SagemakerConfig.model_trainer`."""
    # a missing SDK is told before anything is built
    trainers = import_sdk("sagemaker.train.model_trainer")
    configs = import_sdk("sagemaker.train.configs")
    if options.is_local:
        arguments = _local_arguments(config, options, trainers.Mode.LOCAL_CONTAINER, configs)
    else:
        mode = trainers.Mode.SAGEMAKER_TRAINING_JOB
        arguments = _remote_arguments(config, options, mode, configs)
    trainer = _made(trainers, {"environment": options.variables, **arguments})
    if options.metrics:
        trainer.with_metric_definitions(
            [
                configs.MetricDefinition(name=name, regex=metric_pattern(name))
                for name in options.metrics
            ]
        )
    return trainer


def _made(trainers: ModuleType, arguments: Mapping[str, Any]) -> ModelTrainer:
    try:
        trainer: ModelTrainer = trainers.ModelTrainer(**arguments)
    except Exception as exc:
        # its class has moved between the SDK's modules; all else is the SDK's own to tell
        if type(exc).__name__ != "RoleValidationError":
            raise
        raise ConfigError(
            f"the SageMaker SDK refuses the role: {exc}",
            hint="It asks for rights to networks also where a training has none of its own: set "
            "SAGEMAKER_VALIDATE_ROLE=false in the environment, and it does not look.",
        ) from exc
    return trainer


def _local_arguments(
    config: SagemakerConfig, options: TrainerOptions, mode: object, configs: ModuleType
) -> dict[str, Any]:
    request = config.request(options.hyperparameters)
    head = _head(config, options)
    parent = config.runs_folder.parent / "model_trainer"
    for path in (parent.absolute(), *request.channels.values()):
        _check_mountable(path)
    image = options.image
    if image is None:
        image = config.containering.make_container(request.packaging.make_package()).id
    # its name becomes that of the SDK's containers, so each trainer has a folder of its own
    folder = unique_folder(parent.absolute(), f"{head.lower()}-")
    return {
        "training_mode": mode,
        "training_image": image,
        "base_job_name": folder.name,
        "compute": configs.Compute(
            instance_type=options.instance_type, instance_count=options.instance_count
        ),
        "hyperparameters": dict(request.hyperparameters),
        "input_data_config": _local_channels(request, folder / "channels", configs),
        "local_container_root": str(folder),
    }


def _remote_arguments(
    config: SagemakerConfig, options: TrainerOptions, mode: object, configs: ModuleType
) -> dict[str, Any]:
    texts = hyperparameters_as_text(options.hyperparameters)
    if texts:
        copy_of_task(config.job.task).apply_hyperparameters(texts)
    if options.image is None:
        raise ConfigError(
            f"a training on {options.instance_type} needs an image in a registry",
            hint="Push the one of containering.make_container(), and give its URI as image.",
        )
    stopping = {"max_runtime_in_seconds": options.max_runtime_seconds or 24 * 3600}
    if options.max_wait_seconds is not None:
        stopping["max_wait_time_in_seconds"] = options.max_wait_seconds
    layout = config.settings.s3_layout
    data = {**config.settings.channels, MAIN_CHANNEL: config.settings.dataset}
    arguments: dict[str, Any] = {
        "training_mode": mode,
        "training_image": options.image,
        "base_job_name": f"{_head(config, options)}-{secrets.token_hex(_TOKEN_BYTES)}",
        "role": config.settings.aws_role,
        "sagemaker_session": options.session,
        "compute": configs.Compute(
            instance_type=options.instance_type,
            instance_count=options.instance_count,
            volume_size_in_gb=options.volume_gib or 30,
            enable_managed_spot_training=options.max_wait_seconds is not None,
        ),
        "stopping_condition": configs.StoppingCondition(**stopping),
        "hyperparameters": texts,
        "input_data_config": [
            configs.InputData(channel_name=name, data_source=str(layout.dataset(path)))
            for name, path in data.items()
        ],
        "output_data_config": configs.OutputDataConfig(
            s3_output_path=options.output_uri or layout.output
        ),
        "tags": [configs.Tag(key=k, value=v) for k, v in (options.tags or {}).items()],
    }
    if options.checkpoint_uri is not None:
        arguments["checkpoint_config"] = configs.CheckpointConfig(s3_uri=options.checkpoint_uri)
    return arguments


def _local_channels(request: TrainingRequest, folder: Path, configs: ModuleType) -> list[Any]:
    """Give a folder for each channel: the SDK mounts what it is given as the channel itself."""
    channels = []
    for name, data in request.channels.items():
        source = data.resolve()
        if not source.is_dir():
            place = folder / name
            place.mkdir(parents=True)
            _link_or_copy(source, place / data.name)
            source = place
        channels.append(configs.InputData(channel_name=name, data_source=str(source)))
    return channels


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except OSError:  # another disk, or a file of somebody else
        shutil.copyfile(source, target)


def _check_mountable(path: Path) -> None:
    for sign in (":", "$"):
        if sign in str(path):
            raise ConfigError(
                f"the SDK's local mode cannot mount {path}: it has {sign!r} in it",
                hint="Compose reads it as a sign of its own. Use another folder.",
            )


def _head(config: SagemakerConfig, options: TrainerOptions) -> str:
    room = SAGEMAKER_JOB.limit - _STAMP_LENGTH - len("-") - 2 * _TOKEN_BYTES
    return cleaned(options.name or config.packaging.name, SAGEMAKER_JOB, room)


def import_sdk(module: str) -> ModuleType:
    """Import a module of the SageMaker SDK.

    Raises
    ------
    MissingDependencyError
        The SDK is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as exc:
        raise MissingDependencyError(
            f"the SageMaker SDK, version 3, cannot be imported: {exc}",
            hint='Install it: pip install "training-grounds[sagemaker]".',
        ) from exc
