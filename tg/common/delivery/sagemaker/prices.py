"""What an instance of SageMaker costs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, TypeAlias

from ..._core.errors import ConfigError, PriceUnknownError
from ..._core.templates import read_template

__all__ = [
    "VOLUME",
    "InstancePrice",
    "PriceTable",
    "Prices",
    "checked_amount",
    "checked_prices",
    "find_price",
]

VOLUME = "volume_gib_month"
_TEMPLATE = "sagemaker/prices.json"
_PROTOCOL = 1

# Money is decimal: a ceiling of 0.30 must admit what costs 3 x 0.10, and a price is shown as it
# is written in the list.
Amount: TypeAlias = Decimal | float
Prices: TypeAlias = Amount | Mapping[str, Amount] | Path | str


@dataclass(frozen=True, kw_only=True)
class InstancePrice:
    """The prices that a training of one instance type has in one region.

    Attributes
    ----------
    instance_hour
        An instance for an hour on demand, in USD.
    volume_gib_month
        A GiB of its disk for a month of 30 days, in USD.
    origin
        Where they are from, with the date if it is known.
    """

    instance_hour: Decimal
    volume_gib_month: Decimal
    origin: str


@dataclass(frozen=True, kw_only=True)
class PriceTable:
    """A list of prices as of a day.

    Attributes
    ----------
    date
        The day, such as ``2026-09-27``.
    source
        Where the prices are from.
    instance_hour
        Region to instance type to USD per hour.
    volume_gib_month
        Region to USD per GiB and month.

    Example
    -------
    >>> PriceTable.read().instance_hour["us-east-1"]["ml.m5.large"]
    Decimal('0.115')
    """

    date: str
    source: str
    instance_hour: Mapping[str, Mapping[str, Decimal]]
    volume_gib_month: Mapping[str, Decimal]

    @classmethod
    def read(cls, path: Path | None = None) -> PriceTable:
        """Read a table.

        Parameters
        ----------
        path
            A JSON file of the form of ``templates/sagemaker/prices.json``; that one if ``None``.

        Raises
        ------
        ConfigError
            The file is not there or has another form.
        """
        if path is None:
            return cls._parse(read_template(_TEMPLATE))
        try:
            return cls._parse(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as exc:
            raise ConfigError(
                f"{path} is no table of prices: {exc or type(exc).__name__}",
                hint="Write it as templates/sagemaker/prices.json is: protocol 1, date, source, "
                "and for each region volume_gib_month and instance_hour.",
            ) from exc

    @classmethod
    def _parse(cls, text: str) -> PriceTable:
        content = json.loads(text, parse_float=Decimal)
        if content["protocol"] != _PROTOCOL or content["currency"] != "USD":
            raise ValueError(f"protocol {content['protocol']}, currency {content['currency']}")
        regions: dict[str, Any] = content["regions"]
        return cls(
            date=str(content["date"]),
            source=str(content["source"]),
            instance_hour={
                region: {
                    kind: checked_amount(price, kind) for kind, price in of["instance_hour"].items()
                }
                for region, of in regions.items()
            },
            volume_gib_month={
                region: checked_amount(of[VOLUME], VOLUME) for region, of in regions.items()
            },
        )


def find_price(instance_type: str, region: str, prices: Prices | None = None) -> InstancePrice:
    """Look prices up; one that is not known is never taken for nothing.

    Parameters
    ----------
    instance_type
        Such as ``ml.m5.large``.
    region
        Such as ``us-east-1``.
    prices
        Prices that come before those of the table in this library: USD per hour of
        `instance_type`, or of each instance type by name, with ``volume_gib_month`` beside them;
        or the path of a table that replaces it.

    Raises
    ------
    PriceUnknownError
        There is no price for the instance type, or for a disk, in the region.
    ConfigError
        What was given is no price.

    Example
    -------
    >>> find_price("ml.m5.large", "us-east-1").instance_hour
    Decimal('0.115')
    >>> find_price("ml.m5.large", "us-east-1", 0.1).instance_hour
    Decimal('0.1')
    """
    given = checked_prices(prices, instance_type)
    table = PriceTable.read(Path(prices) if isinstance(prices, str | Path) else None)
    hour = given.get(instance_type) or table.instance_hour.get(region, {}).get(instance_type)
    volume = given.get(VOLUME, table.volume_gib_month.get(region))
    if hour is None:
        raise _unknown_type(instance_type, region, table)
    if volume is None:
        raise PriceUnknownError(
            f"there is no price for a disk in {region} in the prices of {table.date}",
            hint=f"Give both: RemoteOptions(prices={{{instance_type!r}: {hour}, {VOLUME!r}: "
            "0.15}), in USD per hour, and per GiB and month; see aws.amazon.com/sagemaker/pricing.",
        )
    listed = f"the prices of {region} of {table.date}"
    origin = listed if instance_type not in given else "the price that was given"
    return InstancePrice(instance_hour=hour, volume_gib_month=volume, origin=origin)


def checked_prices(prices: Prices | None, instance_type: str) -> dict[str, Decimal]:
    """Give the prices that were given by name; a table's are not among them.

    Raises
    ------
    ConfigError
        One is no price.
    """
    if prices is None or isinstance(prices, str | Path):
        return {}
    named = prices if isinstance(prices, Mapping) else {instance_type: prices}
    return {name: checked_amount(price, name) for name, price in named.items()}


def checked_amount(amount: object, name: str) -> Decimal:
    """Give an amount of money as it is written.

    Raises
    ------
    ConfigError
        It is no positive number.
    """
    try:
        exact = Decimal(str(amount))
    except InvalidOperation:
        exact = Decimal("nan")
    # a disk may cost nothing: some types have their own
    if not exact.is_finite() or exact < 0 or (exact == 0 and name != VOLUME):
        raise ConfigError(f"{name} is {amount!r}", hint="Give a positive number of USD.")
    return exact


def _unknown_type(instance_type: str, region: str, table: PriceTable) -> PriceUnknownError:
    known = table.instance_hour.get(region)
    if known is None:
        what = f"there are no prices of {region} in the prices of {table.date}"
        why = f"It has those of {', '.join(sorted(table.instance_hour))}. "
    else:
        what = f"there is no price of {instance_type} in {region} in the prices of {table.date}"
        why = f"It has those of {len(known)} other types. "
    return PriceUnknownError(
        what,
        hint=f"{why}Look it up at aws.amazon.com/sagemaker/pricing and give it: "
        f"RemoteOptions(prices={{{instance_type!r}: 1.23, {VOLUME!r}: 0.14}}), in USD per hour, "
        "and per GiB and month.",
    )
