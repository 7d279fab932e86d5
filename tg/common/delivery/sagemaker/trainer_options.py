"""What a training by the SageMaker SDK takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from ..._core.errors import ConfigError
from ..._core.suggestions import did_you_mean
from ..execution.training_variables import training_variables, without_bars

__all__ = ["TrainerOptions"]

_LOCAL_TYPES = ("local_cpu", "local_gpu")


@dataclass(frozen=True, kw_only=True)
class TrainerOptions:
    """The settings of a model trainer.

    Attributes
    ----------
    instance_type
        ``"local_cpu"`` or ``"local_gpu"`` for containers on this machine; a type of SageMaker's,
        such as ``"ml.m5.xlarge"``, for a training there.
    instance_count
        The number of instances or local containers.
    hyperparameters
        ``path.to.field:type`` to value, as the executors take them.
    environment
        Variables of the training: name to value, or just the names of those that are set here.
    metrics
        Names of metrics that SageMaker is to pick up from the log.
    name
        How names of jobs begin; the package's name if not given.
    image
        An image instead of the one that is made here. A training at SageMaker needs one, in a
        registry that SageMaker reaches.
    output_uri
        Where the result goes; if not given, where `SagemakerOptions` has results. Only remote.
    checkpoint_uri
        Where checkpoints are kept, so that an interrupted training goes on; nowhere if not given.
        Only remote: the SDK mounts no folder for them here.
    volume_gib
        The size of an instance's disk, in GiB. Only remote.
    max_runtime_seconds
        How long it may run, in seconds. Only remote: the SDK has no limit here.
    max_wait_seconds
        How long it may take with all waiting, in seconds, on spot instances; on-demand instances
        if not given. Only remote.
    tags
        Key to value. Only remote.
    session
        The SDK's session; its default if not given. Only remote.

    Raises
    ------
    ConfigError
        A value cannot be used.

    Example
    -------
    >>> TrainerOptions(instance_type="ml.m5.xlarge").is_local
    False
    """

    instance_type: str = "local_cpu"
    instance_count: int = 1
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] | Sequence[str] = field(default_factory=dict)
    metrics: Sequence[str] = ()
    name: str | None = None
    image: str | None = None
    output_uri: str | None = None
    checkpoint_uri: str | None = None
    volume_gib: int | None = None
    max_runtime_seconds: int | None = None
    max_wait_seconds: int | None = None
    tags: Mapping[str, str] | None = None
    session: Any = None

    def __post_init__(self) -> None:
        if not self.is_local and not self.instance_type.startswith("ml."):
            raise ConfigError(
                f"there is no instance type {self.instance_type!r}",
                hint=f"Use {', '.join(_LOCAL_TYPES)} or a type of SageMaker's: ml.m5.xlarge.",
            )
        for name in ("instance_count", "volume_gib", "max_runtime_seconds", "max_wait_seconds"):
            value = getattr(self, name)
            if value is not None and (type(value) is not int or value < 1):
                raise ConfigError(f"{name} is {value!r}", hint="Give a whole number above 0.")
        if isinstance(self.metrics, str):
            raise ConfigError(f"metrics is a text: {self.metrics!r}", hint="Give a list of names.")
        for name in ("output_uri", "checkpoint_uri"):
            value = getattr(self, name)
            if value is not None and not value.startswith("s3://"):
                raise ConfigError(f"{name} is {value!r}", hint="Give s3://BUCKET/PATH.")
        if self.is_local:
            self._refuse_remote_options()
        _ = self.variables

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> TrainerOptions:
        """Make them of keyword arguments.

        Raises
        ------
        ConfigError
            There is no such option.
        """
        names = [f.name for f in fields(cls)]
        for name in values:
            if name not in names:
                raise ConfigError(
                    f"a model trainer has no option {name!r}",
                    hint=did_you_mean(name, names, what="options"),
                )
        return cls(**values)

    @property
    def is_local(self) -> bool:
        """Whether containers run on this machine."""
        return self.instance_type in _LOCAL_TYPES

    @property
    def variables(self) -> dict[str, str]:
        """The environment with its values."""
        return {**without_bars(), **training_variables(self.environment)}

    def _refuse_remote_options(self) -> None:
        for name in (
            "output_uri",
            "checkpoint_uri",
            "volume_gib",
            "max_runtime_seconds",
            "max_wait_seconds",
            "tags",
            "session",
        ):
            if getattr(self, name) is not None:
                raise ConfigError(
                    f"the SDK's local mode has no {name}, which is {getattr(self, name)!r}",
                    hint="Leave it out, or choose an instance_type of SageMaker's.",
                )
