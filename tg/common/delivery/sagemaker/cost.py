"""What a training may cost, and what it has cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Any

from ..._core.errors import ConfigError, CostLimitError
from ...contract.run_state import RunState
from .prices import InstancePrice, Prices, find_price
from .remote_options import RemoteOptions

__all__ = ["CostEstimate", "RunCost", "check_cost", "cost_of", "estimate_cost"]

_HOUR_SECONDS = 3_600
# volumes are paid by the second of a month of 30 days (pricing page of Amazon EBS)
_MONTH_SECONDS = 30 * 24 * 3_600
# between SIGTERM and SIGKILL at the end of the time (StoppingCondition, SageMaker API reference)
_STOP_SECONDS = 120
# AWS tells of savings of up to 90 % on spot instances and promises none: a cautious guess, which
# no ceiling relies on
_SPOT_SAVING = Decimal("0.5")


@dataclass(frozen=True, kw_only=True)
class CostEstimate:
    """What a training may cost, in USD, before it runs.

    Attributes
    ----------
    worst_usd
        The most that is paid: all the time it is given, the 120 seconds in which it is stopped,
        the time of the warm pool; at the price on demand, as a saving on spot instances is not
        promised.
    typical_usd
        What is paid if it takes `typical_seconds`; half the price on spot instances, a guess.
    typical_seconds
        How long it trains, of an instance.
    worst_seconds
        The time that is paid in the worst case, of an instance.
    instance_type, instance_count
        On what it runs.
    price
        The prices that were taken.

    Notes
    -----
    The time of the upload of the result after a stop is paid as well, and cannot be known before.
    Storage in S3, the registry and logs are not part of it.
    """

    worst_usd: Decimal
    typical_usd: Decimal
    typical_seconds: int
    worst_seconds: int
    instance_type: str
    instance_count: int
    price: InstancePrice

    def __str__(self) -> str:
        return (
            f"at most {dollars(self.worst_usd)}, typically {dollars(self.typical_usd)}: "
            f"{self.instance_count} x {self.instance_type} for up to {self.worst_seconds:,} s at "
            f"${self.price.instance_hour} an hour, {self.price.origin}"
        )


@dataclass(frozen=True, kw_only=True)
class RunCost:
    """What a training has cost, in USD; the bill has the last word.

    Attributes
    ----------
    total_usd
        Instances and disks.
    instances_usd, volumes_usd
        Their parts.
    billed_seconds
        What is paid for, of an instance; on spot instances less than it trained.
    training_seconds
        How long it was on an instance.
    warm_pool_seconds
        How long an instance has waited for the next training, so far.
    instance_count
        How many there were.
    price
        The prices that were taken.
    """

    total_usd: Decimal
    instances_usd: Decimal
    volumes_usd: Decimal
    billed_seconds: int
    training_seconds: int
    warm_pool_seconds: int
    instance_count: int
    price: InstancePrice

    @property
    def spot_saving(self) -> float:
        """Which part of the price on demand was saved, 0 to 1."""
        if not self.training_seconds:
            return 0.0
        return max(0.0, 1 - self.billed_seconds / self.training_seconds)

    def __str__(self) -> str:
        return (
            f"{dollars(self.total_usd)}: {self.instance_count} x {self.billed_seconds:,} s at "
            f"${self.price.instance_hour} an hour, {self.price.origin}"
        )


def estimate_cost(
    options: RemoteOptions, region: str, *, seconds: int | None = None
) -> CostEstimate:
    """Tell what a training may cost.

    Parameters
    ----------
    options
        What it takes.
    region
        Where it runs.
    seconds
        How long it is going to train, for the typical cost; all the time it is given if ``None``.

    Raises
    ------
    PriceUnknownError
        There is no price of the instance type in the region.

    Example
    -------
    >>> estimate = estimate_cost(RemoteOptions(max_runtime_seconds=3600), "us-east-1")
    >>> print(estimate)  # doctest: +ELLIPSIS
    at most $0.1249, typically $0.1209: 1 x ml.m5.large for up to 3,720 s at $0.115 an hour, ...
    """
    typical_seconds = options.max_runtime_seconds if seconds is None else seconds
    if not 0 <= typical_seconds <= options.max_runtime_seconds:
        raise ConfigError(
            f"the training is to take {seconds} seconds",
            hint=f"It has {options.max_runtime_seconds} at most: max_runtime_seconds.",
        )
    price = find_price(options.instance_type, region, options.prices)
    pool_seconds = options.keep_alive_seconds or 0
    worst_seconds = options.max_runtime_seconds + _STOP_SECONDS + pool_seconds
    share = 1 - _SPOT_SAVING if options.is_spot else Decimal(1)
    count, gib = options.instance_count, options.volume_gib
    return CostEstimate(
        worst_usd=_total(price, count, gib, worst_seconds),
        typical_usd=_instances(price, count, typical_seconds) * share
        + _instances(price, count, pool_seconds)
        + _volumes(price, count, gib, typical_seconds + pool_seconds),
        typical_seconds=typical_seconds,
        worst_seconds=worst_seconds,
        instance_type=options.instance_type,
        instance_count=count,
        price=price,
    )


def check_cost(options: RemoteOptions, region: str) -> None:
    """Refuse a training that could cost more than it may.

    Raises
    ------
    CostLimitError
        In the worst case it would.
    PriceUnknownError
        There is a ceiling, and no price to compare with it.
    """
    if options.max_cost is None:
        return
    estimate = estimate_cost(options, region)
    ceiling = Decimal(str(options.max_cost))
    if estimate.worst_usd <= ceiling:
        return
    fitting = _fitting_seconds(options, estimate, ceiling)
    hint = (
        f"With max_runtime_seconds={fitting} it would fit; or raise max_cost."
        if fitting > 0
        else "No time at all would fit: take smaller or fewer instances, or raise max_cost."
    )
    raise CostLimitError(
        f"the training could cost {dollars(estimate.worst_usd)}, and max_cost is "
        f"{dollars(ceiling)} ({options.instance_count} x {options.instance_type} for "
        f"{estimate.worst_seconds:,} s at ${estimate.price.instance_hour} an hour, "
        f"{estimate.price.origin})",
        hint=hint,
    )


def cost_of(
    described: Mapping[str, Any], region: str, prices: Prices | None = None
) -> RunCost | None:
    """Tell what a training has cost; ``None`` before it is known.

    After the API reference of Amazon SageMaker, DescribeTrainingJob: the billable seconds count
    for each instance, and hold the savings on spot instances.

    Parameters
    ----------
    described
        What SageMaker says of it.
    region
        Where it ran.
    prices
        As in `RemoteOptions`.

    Raises
    ------
    PriceUnknownError
        There is no price of the instance type in the region.
    """
    billed = described.get("BillableTimeInSeconds")
    if billed is None:
        is_final = RunState(described["TrainingJobStatus"]).is_final
        if not is_final or described.get("TrainingStartTime"):
            return None
        billed = 0  # it has never had an instance
    resources = described["ResourceConfig"]
    count = int(resources["InstanceCount"])
    price = find_price(resources["InstanceType"], region, prices)
    trained = int(described.get("TrainingTimeInSeconds") or billed)
    pool = described.get("WarmPoolStatus") or {}
    pool_seconds = int(pool.get("ResourceRetainedBillableTimeInSeconds") or 0)
    instances = _instances(price, count, int(billed) + pool_seconds)
    volumes = _volumes(price, count, int(resources["VolumeSizeInGB"]), trained + pool_seconds)
    return RunCost(
        total_usd=instances + volumes,
        instances_usd=instances,
        volumes_usd=volumes,
        billed_seconds=int(billed),
        training_seconds=trained,
        warm_pool_seconds=pool_seconds,
        instance_count=count,
        price=price,
    )


def dollars(amount: Decimal) -> str:
    """Write an amount for people; what is over the last digit is rounded up.

    Example
    -------
    >>> dollars(Decimal("1234.561")), dollars(Decimal("0.00121"))
    ('$1,234.57', '$0.0013')
    """
    digits = Decimal("0.01") if amount >= 1 else Decimal("0.0001")
    return f"${amount.quantize(digits, rounding=ROUND_CEILING):,}"


def _instances(price: InstancePrice, count: int, seconds: int) -> Decimal:
    return price.instance_hour * count * seconds / _HOUR_SECONDS


def _volumes(price: InstancePrice, count: int, gib: int, seconds: int) -> Decimal:
    return price.volume_gib_month * gib * count * seconds / _MONTH_SECONDS


def _total(price: InstancePrice, count: int, gib: int, seconds: int) -> Decimal:
    # one division alone is rounded, so that what fits and what is refused never overlap
    return _scaled(price, count, gib) * seconds / _MONTH_SECONDS


def _fitting_seconds(options: RemoteOptions, estimate: CostEstimate, ceiling: Decimal) -> int:
    """Give the longest time that is within the ceiling; none if it is not positive."""
    scaled = _scaled(estimate.price, options.instance_count, options.volume_gib)
    unavoidable = estimate.worst_seconds - options.max_runtime_seconds
    return int(ceiling * _MONTH_SECONDS // scaled) - unavoidable


def _scaled(price: InstancePrice, count: int, gib: int) -> Decimal:
    """Give what a month costs, which is exact."""
    hours = _MONTH_SECONDS // _HOUR_SECONDS
    return (price.instance_hour * hours + price.volume_gib_month * gib) * count
