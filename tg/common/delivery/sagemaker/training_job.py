"""A training job as SageMaker is asked for it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ..._core.errors import ConfigError
from ...contract.metric_line import metric_pattern
from ..naming.legal_name import job_name
from ..runtime.folders import CONTAINER_BASE, JOB_CHANNEL
from .remote_options import RemoteOptions
from .s3_layout import S3Layout
from .training_role import RoleArn

__all__ = ["TrainingJob"]

_HYPERPARAMETERS, _KEY, _VALUE = 100, 256, 2_500
_CHANNELS = 20
_CHECKPOINTS = f"{CONTAINER_BASE}/checkpoints"
_DIGITS = 16
# settings that do not change what a training does, but how long it may take
_LIMITS = ("max_runtime_seconds", "max_wait_seconds")
# settings that are no part of the job at all
_OF_THE_SUBMISSION = ("bucket_account", "fallback_instance_types", "max_cost", "prices")


@dataclass(frozen=True, kw_only=True)
class TrainingJob:
    """One training, in the terms of ``CreateTrainingJob``.

    After the API reference of Amazon SageMaker, CreateTrainingJob.

    Attributes
    ----------
    base_name
        What it is called; a part of its job's name.
    content_hash
        The hash of the code and its libraries, as hexadecimal digits.
    data_hash
        The hash of its data.
    image_uri
        The image, in a registry that SageMaker reaches.
    role_arn
        The role that it takes.
    channels
        Channel to the address of its data, ``s3://…``.
    layout
        Where its result and checkpoints go.
    hyperparameters
        Name to text.
    options
        All else.

    Raises
    ------
    ConfigError
        SageMaker would refuse it.
    """

    base_name: str
    content_hash: str
    data_hash: str
    image_uri: str
    role_arn: str | None
    channels: Mapping[str, str]
    layout: S3Layout
    hyperparameters: Mapping[str, str] = field(default_factory=dict)
    options: RemoteOptions

    def __post_init__(self) -> None:
        RoleArn.parse(self.role_arn)
        if len(self.hyperparameters) > _HYPERPARAMETERS:
            raise ConfigError(
                f"there are {len(self.hyperparameters)} hyperparameters",
                hint=f"SageMaker takes {_HYPERPARAMETERS} at most: set the others on the task.",
            )
        for key, value in self.hyperparameters.items():
            if len(key) > _KEY or len(value) > _VALUE:
                raise ConfigError(
                    f"the hyperparameter {key[:80]!r} has {len(value):,} characters",
                    hint=f"SageMaker takes {_VALUE:,} at most, and {_KEY} for its name: set it on "
                    "the task.",
                )
        if len(self.channels) > _CHANNELS:
            raise ConfigError(
                f"there are {len(self.channels)} channels",
                hint=f"SageMaker takes {_CHANNELS} at most: put several datasets into one folder.",
            )

    @property
    def fingerprint(self) -> str:
        """What tells this training from every other, whatever time it is given.

        It is made of code, data, hyperparameters and settings. Trainings of one fingerprint resume
        from the same checkpoints.
        """
        left_out = {*_LIMITS, *_OF_THE_SUBMISSION}
        settings = {k: v for k, v in asdict(self.options).items() if k not in left_out}
        parts = [self.content_hash, self.data_hash, sorted(self.hyperparameters.items()), settings]
        text = json.dumps(parts, sort_keys=True, default=list)
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def name(self, attempt: int = 1) -> str:
        """Give the job's name, the same for the same training.

        Parameters
        ----------
        attempt
            Which try it is; from the second on it stands at the end of the name.

        Example
        -------
        >>> job = TrainingJob(
        ...     base_name="Tea", content_hash="c", data_hash="d", image_uri="i",
        ...     role_arn="arn:aws:iam::123456789012:role/x", channels={},
        ...     layout=S3Layout("tea-data", "green"), options=RemoteOptions(),
        ... )
        >>> job.name(2).startswith("tea-"), job.name(2).endswith("-r2")
        (True, True)
        """
        limits = [getattr(self.options, name) for name in _LIMITS]
        text = json.dumps([self.fingerprint, self.layout.output, limits])
        digest = hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
        return job_name(self.base_name.lower(), digest if attempt == 1 else f"{digest}-r{attempt}")

    def request(self, name: str, variables: Mapping[str, str], *, place: int = 0) -> dict[str, Any]:
        """Give the arguments of ``create_training_job``.

        Parameters
        ----------
        name
            The job's name.
        variables
            Further variables of its environment.
        place
            Which of the options' instance types.
        """
        options = self.options
        request: dict[str, Any] = {
            "TrainingJobName": name,
            "AlgorithmSpecification": {
                "TrainingImage": self.image_uri,
                "TrainingInputMode": options.input_mode,
                "MetricDefinitions": [
                    {"Name": metric, "Regex": metric_pattern(metric)} for metric in options.metrics
                ],
            },
            "RoleArn": self.role_arn,
            "HyperParameters": dict(self.hyperparameters),
            "InputDataConfig": [_channel(*pair) for pair in sorted(self.channels.items())],
            "OutputDataConfig": {
                "S3OutputPath": self.layout.output,
                "CompressionType": options.compression,
            },
            "ResourceConfig": {
                "InstanceType": options.instance_types[place],
                "InstanceCount": options.instance_count,
                "VolumeSizeInGB": options.volume_gib,
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": options.max_runtime_seconds},
            "Environment": {**options.variables, **variables},
            "Tags": [{"Key": key, "Value": value} for key, value in sorted(options.tags.items())],
            "EnableManagedSpotTraining": options.is_spot,
        }
        self._add_optional(request)
        return request

    def _add_optional(self, request: dict[str, Any]) -> None:
        options = self.options
        if options.output_kms_key:
            request["OutputDataConfig"]["KmsKeyId"] = options.output_kms_key
        if options.volume_kms_key:
            request["ResourceConfig"]["VolumeKmsKeyId"] = options.volume_kms_key
        if options.keep_alive_seconds is not None:
            request["ResourceConfig"]["KeepAlivePeriodInSeconds"] = options.keep_alive_seconds
        if options.max_wait_seconds is not None:
            request["StoppingCondition"]["MaxWaitTimeInSeconds"] = options.max_wait_seconds
        if options.max_attempts is not None:
            request["RetryStrategy"] = {"MaximumRetryAttempts": options.max_attempts}
        if options.subnets:
            request["VpcConfig"] = {
                "Subnets": list(options.subnets),
                "SecurityGroupIds": list(options.security_group_ids),
            }
        if options.with_checkpoints:
            request["CheckpointConfig"] = {
                "S3Uri": f"{self.layout.checkpoints}/{self.fingerprint}",
                "LocalPath": _CHECKPOINTS,
            }


def _channel(name: str, uri: str) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    channel: dict[str, Any] = {"ChannelName": name, "DataSource": {"S3DataSource": source}}
    if name == JOB_CHANNEL:
        channel["InputMode"] = "File"  # it is read as a file, however the data come
    return channel
