"""What a training at SageMaker takes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..._core.errors import ConfigError
from ..execution.training_variables import training_variables, without_bars
from .prices import Prices, checked_amount, checked_prices

__all__ = ["RemoteOptions"]

_INSTANCE_TYPE = re.compile(r"ml\.[a-z0-9-]+\.[a-z0-9]+\Z")
_ACCOUNT = re.compile(r"\d{12}\Z")
_DAY_SECONDS = 86_400
# the limits of CreateTrainingJob in the API reference of Amazon SageMaker
_GREATEST = {
    "instance_count": 100,
    "volume_gib": 16_384,
    "max_runtime_seconds": 28 * _DAY_SECONDS,
    "max_wait_seconds": 28 * _DAY_SECONDS + 3_600,
    "keep_alive_seconds": 3_600,
    "max_attempts": 30,
}
_TAGS, _TAG_KEY, _TAG_VALUE = 50, 128, 256
_METRICS, _METRIC_NAME = 40, 255
_VARIABLES, _VARIABLE_VALUE = 100, 512
_INPUT_MODES = ("File", "FastFile", "Pipe")
_COMPRESSIONS = ("GZIP", "NONE")


@dataclass(frozen=True, kw_only=True)
class RemoteOptions:
    """The settings of a training at SageMaker.

    Attributes
    ----------
    instance_type
        Such as ``"ml.m5.xlarge"``.
    fallback_instance_types
        What a sweep tries next, one after the other, where there is no capacity for a type.
    instance_count
        The number of instances, each of which trains.
    volume_gib
        The size of an instance's disk, in GiB.
    max_runtime_seconds
        How long it may run, in seconds. Then it is asked to stop, and has 120 seconds for it.
    max_wait_seconds
        How long it may take with all waiting, in seconds, on spot instances; on-demand instances
        if ``None``.
    with_checkpoints
        Whether checkpoints are kept in the bucket, so that an interrupted training goes on.
    metrics
        Names of metrics that SageMaker picks up from the log, for charts and tuning.
    environment
        Variables of the training: name to value, or just the names of those that are set here.
    tags
        Key to value.
    subnets, security_group_ids
        The network that the training is in; both or none.
    volume_kms_key, output_kms_key
        The keys that encrypt the disks and the result.
    keep_alive_seconds
        How long the instances stay for the next training, in seconds: a warm pool.
    max_attempts
        How often SageMaker starts it again after an error of its own.
    input_mode
        ``"File"``, ``"FastFile"`` or ``"Pipe"``.
    compression
        ``"GZIP"`` for one archive; ``"NONE"`` for a file each.
    max_cost
        What it may cost in the worst case, in USD; what could cost more is refused before anything
        is built. No limit if ``None``.
    prices
        Prices that come before those of this library's table: USD per hour of the instance type,
        or of each instance type by name, with ``volume_gib_month`` beside them; or the path of a
        table.
    bucket_account
        The account that owns the bucket of data and results, where it is another than the role's.

    Raises
    ------
    ConfigError
        A value cannot be used.

    Example
    -------
    >>> RemoteOptions(max_runtime_seconds=3600, max_wait_seconds=7200).is_spot
    True
    """

    instance_type: str = "ml.m5.large"
    fallback_instance_types: Sequence[str] = ()
    instance_count: int = 1
    volume_gib: int = 30
    max_runtime_seconds: int = _DAY_SECONDS
    max_wait_seconds: int | None = None
    with_checkpoints: bool = True
    metrics: Sequence[str] = ()
    environment: Mapping[str, str] | Sequence[str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    subnets: Sequence[str] = ()
    security_group_ids: Sequence[str] = ()
    volume_kms_key: str | None = None
    output_kms_key: str | None = None
    keep_alive_seconds: int | None = None
    max_attempts: int | None = None
    input_mode: str = "File"
    compression: str = "GZIP"
    max_cost: float | None = None
    prices: Prices | None = None
    bucket_account: str | None = None

    def __post_init__(self) -> None:
        for instance_type in self.instance_types:
            if not _INSTANCE_TYPE.match(instance_type):
                raise ConfigError(
                    f"there is no instance type {instance_type!r}",
                    hint="Name one of SageMaker's, such as 'ml.m5.xlarge'.",
                )
        self._check_numbers()
        self._check_texts()
        if self.bucket_account is not None and not _ACCOUNT.match(self.bucket_account):
            raise ConfigError(
                f"bucket_account is {self.bucket_account!r}",
                hint="Give the twelve digits of an account, as a text.",
            )
        if self.max_wait_seconds is not None and self.max_wait_seconds < self.max_runtime_seconds:
            raise ConfigError(
                f"max_wait_seconds is {self.max_wait_seconds}, less than max_runtime_seconds, "
                f"which is {self.max_runtime_seconds}",
                hint="The waiting includes the running: raise the one or lower the other.",
            )
        if bool(self.subnets) != bool(self.security_group_ids):
            raise ConfigError(
                f"subnets are {list(self.subnets)}, and security_group_ids are "
                f"{list(self.security_group_ids)}",
                hint="Give both or none.",
            )
        if self.keep_alive_seconds is not None and self.is_spot:
            raise ConfigError(
                f"keep_alive_seconds is {self.keep_alive_seconds} for spot instances",
                hint="Only on-demand instances stay in a warm pool: leave out one of the two.",
            )
        self._check_variables()
        if self.max_cost is not None:
            checked_amount(self.max_cost, "max_cost")
        checked_prices(self.prices, self.instance_type)

    @property
    def instance_types(self) -> tuple[str, ...]:
        """All that may be tried, in order."""
        fallback = self.fallback_instance_types
        if isinstance(fallback, str):
            raise ConfigError(
                f"fallback_instance_types is a text: {fallback!r}", hint="Give a list of texts."
            )
        return (self.instance_type, *fallback)

    def at(self, place: int) -> RemoteOptions:
        """Give the settings with one of the instance types, and nothing to fall back to.

        Parameters
        ----------
        place
            Which of `instance_types`.

        Example
        -------
        >>> options = RemoteOptions(fallback_instance_types=["ml.m4.xlarge"])
        >>> options.at(1).instance_type
        'ml.m4.xlarge'
        """
        prices = self.prices
        if prices is not None and not isinstance(prices, Mapping | Path | str):
            prices = {self.instance_type: prices}  # a price alone is that of the first type
        return replace(
            self,
            instance_type=self.instance_types[place],
            fallback_instance_types=(),
            prices=prices,
        )

    @property
    def is_spot(self) -> bool:
        """Whether it runs on spot instances."""
        return self.max_wait_seconds is not None

    @property
    def variables(self) -> dict[str, str]:
        """The variables with their values."""
        return {**without_bars(), **training_variables(self.environment)}

    def _check_numbers(self) -> None:
        for name, greatest in _GREATEST.items():
            value = getattr(self, name)
            if value is None and name.startswith(("max_wait", "keep_alive", "max_attempts")):
                continue
            if type(value) is not int or not 1 <= value <= greatest:
                raise ConfigError(
                    f"{name} is {value!r}", hint=f"Give a whole number from 1 to {greatest:,}."
                )

    def _check_texts(self) -> None:
        for name in ("metrics", "subnets", "security_group_ids"):
            if isinstance(getattr(self, name), str):
                raise ConfigError(
                    f"{name} is a text: {getattr(self, name)!r}", hint="Give a list of texts."
                )
        for name, choices in (("input_mode", _INPUT_MODES), ("compression", _COMPRESSIONS)):
            if getattr(self, name) not in choices:
                raise ConfigError(
                    f"{name} is {getattr(self, name)!r}", hint=f"Choose of {', '.join(choices)}."
                )
        _check_count("metrics", len(self.metrics), _METRICS)
        for metric in self.metrics:
            if not metric or len(metric) > _METRIC_NAME:
                raise ConfigError(
                    f"a metric has the name {metric!r}", hint="Give 1 to 255 characters."
                )
        _check_count("tags", len(self.tags), _TAGS)
        for key, value in self.tags.items():
            if not 1 <= len(key) <= _TAG_KEY or len(value) > _TAG_VALUE or key.startswith("aws:"):
                raise ConfigError(
                    f"the tag {key!r} has the value {value!r}",
                    hint="A key has 1 to 128 characters and does not begin with 'aws:', a value "
                    "has 256 at most.",
                )

    def _check_variables(self) -> None:
        variables = self.variables
        _check_count("environment", len(variables), _VARIABLES)
        for name, value in variables.items():
            if len(value) > _VARIABLE_VALUE:
                raise ConfigError(
                    f"the variable {name!r} has {len(value):,} characters",
                    hint=f"SageMaker takes {_VARIABLE_VALUE} at most: put it into a data channel.",
                )


def _check_count(what: str, count: int, greatest: int) -> None:
    if count > greatest:
        raise ConfigError(
            f"there are {count:,} {what}", hint=f"SageMaker takes {greatest} at most."
        )
