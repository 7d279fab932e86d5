"""Money: nothing is submitted that could cost more than it may, and no price is made up."""

from __future__ import annotations

import json
import pickle
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tg.common._core.errors import ConfigError, CostLimitError, PriceUnknownError
from tg.common.delivery.sagemaker import RemoteOptions, SagemakerRoutine
from tg.common.delivery.sagemaker.aws import AwsClients
from tg.common.delivery.sagemaker.cost import check_cost, cost_of, dollars, estimate_cost
from tg.common.delivery.sagemaker.prices import PriceTable, find_price
from tg.common.delivery.sagemaker.remote_executor import SagemakerRemoteExecutor
from tg.common.delivery.sagemaker.s3_layout import S3Layout
from tg.common.delivery.sagemaker.training_job import TrainingJob
from tg.common.ml.training_core import FunctionTask

REGION = "us-east-1"
# an hour costs a dollar, a disk nothing
DOLLAR = {"ml.m5.large": 1, "volume_gib_month": 0}


def test_the_worst_case_is_all_the_time_on_demand_with_stopping_and_warm_pool() -> None:
    options = RemoteOptions(
        instance_count=3,
        volume_gib=100,
        max_runtime_seconds=3_600,
        keep_alive_seconds=1_800,
        prices={"ml.m5.large": "0.10", "volume_gib_month": 0.3},  # type: ignore[dict-item]
    )
    seconds = 3_600 + 120 + 1_800
    estimate = estimate_cost(options, REGION)
    assert estimate.worst_seconds == seconds
    instances = Decimal("0.10") * 3 * seconds / 3_600
    volumes = Decimal("0.3") * 300 * seconds / (30 * 86_400)
    assert estimate.worst_usd == pytest.approx(instances + volumes)
    assert estimate.typical_usd < estimate.worst_usd


def test_a_saving_on_spot_instances_is_not_counted_on() -> None:
    limits: dict[str, Any] = {"max_runtime_seconds": 3_600, "prices": DOLLAR}
    on_demand = estimate_cost(RemoteOptions(**limits), REGION)
    spot = estimate_cost(RemoteOptions(max_wait_seconds=86_400, **limits), REGION)
    assert spot.worst_usd == on_demand.worst_usd
    assert spot.typical_usd < on_demand.typical_usd == 1


def test_retries_share_the_time_of_one_training() -> None:
    # StoppingCondition: "the maximum time for all of the attempts in total"
    once, often = (RemoteOptions(max_attempts=n, prices=DOLLAR) for n in (None, 30))
    assert estimate_cost(once, REGION).worst_usd == estimate_cost(often, REGION).worst_usd


def test_the_typical_cost_is_that_of_the_time_it_is_going_to_take() -> None:
    options = RemoteOptions(max_runtime_seconds=7_200, prices=DOLLAR)
    assert estimate_cost(options, REGION, seconds=1_800).typical_usd == Decimal("0.5")
    assert estimate_cost(options, REGION).typical_usd == 2
    for seconds in (-1, 7_201):
        with pytest.raises(ConfigError, match="7200 at most"):
            estimate_cost(options, REGION, seconds=seconds)


def test_what_could_cost_more_than_the_ceiling_is_refused_with_what_would_fit() -> None:
    options = RemoteOptions(instance_type="ml.p4d.24xlarge", max_cost=100)
    with pytest.raises(CostLimitError) as caught:
        check_cost(options, REGION)
    said = str(caught.value)
    for part in ("$607.02", "$100.00", "1 x ml.p4d.24xlarge", "of 2026-09-27", "max_cost"):
        assert part in said, part
    fitting = int(said.partition("max_runtime_seconds=")[2].partition(" ")[0])
    check_cost(RemoteOptions(**{**vars(options), "max_runtime_seconds": fitting}), REGION)
    with pytest.raises(CostLimitError):
        check_cost(RemoteOptions(**{**vars(options), "max_runtime_seconds": fitting + 1}), REGION)
    assert str(pickle.loads(pickle.dumps(caught.value))) == said


@given(
    st.decimals("0.0001", "200", places=4),
    st.decimals("0.01", "5000", places=2),
    st.integers(1, 20),
    st.integers(1, 1_000),
)
def test_the_time_that_is_said_to_fit_is_the_longest_that_does(
    hour: Decimal, ceiling: Decimal, count: int, gib: int
) -> None:
    values: dict[str, Any] = {
        "instance_count": count,
        "volume_gib": gib,
        "max_cost": ceiling,
        "prices": hour,
    }
    try:
        check_cost(RemoteOptions(**values), REGION)
    except CostLimitError as error:
        if "No time at all" in error.hint:
            with pytest.raises(CostLimitError):
                check_cost(RemoteOptions(**values, max_runtime_seconds=1), REGION)
            return
        fitting = int(error.hint.partition("=")[2].partition(" ")[0])
        check_cost(RemoteOptions(**values, max_runtime_seconds=fitting), REGION)
        with pytest.raises(CostLimitError):
            check_cost(RemoteOptions(**values, max_runtime_seconds=fitting + 1), REGION)


def test_a_ceiling_that_is_just_met_admits() -> None:
    # 0.1 + 0.2 > 0.3 in binary: money is counted as it is written
    prices = {"ml.m5.large": 0.1, "volume_gib_month": 0}
    options = RemoteOptions(max_runtime_seconds=10_800 - 120, max_cost=0.3, prices=prices)
    assert estimate_cost(options, REGION).worst_usd == Decimal("0.3")
    check_cost(options, REGION)


@pytest.mark.parametrize(
    ("instance_type", "region"),
    [("ml.p3.2xlarge", REGION), ("ml.m5.large", "eu-central-1"), ("ml.x9.huge", "xx-1")],
)
def test_an_unknown_price_is_an_error_that_says_how_to_give_it(
    instance_type: str, region: str
) -> None:
    options = RemoteOptions(instance_type=instance_type, max_cost=1_000_000)
    with pytest.raises(PriceUnknownError) as caught:
        check_cost(options, region)
    assert region in str(caught.value)
    given_prices = {instance_type: 1, "volume_gib_month": 0.1}
    assert f"prices={{'{instance_type}'" in caught.value.hint
    check_cost(
        RemoteOptions(instance_type=instance_type, max_cost=1_000, prices=given_prices), region
    )


def test_the_price_of_a_disk_is_asked_for_as_well() -> None:
    with pytest.raises(PriceUnknownError, match="disk in eu-central-1") as caught:
        estimate_cost(RemoteOptions(prices=0.13), "eu-central-1")
    assert "volume_gib_month" in caught.value.hint


def test_no_price_is_asked_for_where_there_is_no_ceiling() -> None:
    check_cost(RemoteOptions(instance_type="ml.p3.2xlarge"), "xx-1")


def test_a_table_of_ones_own_replaces_ours(tmp_path: Path) -> None:
    path = tmp_path / "prices.json"
    region = {"volume_gib_month": 0.2, "instance_hour": {"ml.q1.large": 2.5}}
    table = {
        "protocol": 1,
        "date": "2031-01-01",
        "currency": "USD",
        "source": "us",
        "regions": {"xx-1": region},
    }
    path.write_text(json.dumps(table))
    price = find_price("ml.q1.large", "xx-1", path)
    assert (price.instance_hour, price.volume_gib_month) == (Decimal("2.5"), Decimal("0.2"))
    assert price.origin == "the prices of xx-1 of 2031-01-01"
    with pytest.raises(PriceUnknownError, match="2031-01-01"):
        find_price("ml.m5.large", REGION, str(path))


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"protocol": 2}', '{"protocol": 1, "currency": "EUR"}', "\0"]
)
def test_a_file_that_is_no_table_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "prices.json"
    with pytest.raises(ConfigError, match="no table of prices"):
        find_price("ml.m5.large", REGION, path)
    path.write_text(text)
    with pytest.raises(ConfigError, match="no table of prices"):
        find_price("ml.m5.large", REGION, path)


@pytest.mark.parametrize("price", [0, -1, float("nan"), float("inf"), "much", True, {}])
def test_what_is_no_price_is_refused_at_once(price: Any) -> None:
    for values in ({"max_cost": price}, {"prices": {"ml.m5.large": price}}):
        with pytest.raises(ConfigError, match="positive number"):
            RemoteOptions(**values)


def test_our_table_tells_its_day_and_has_prices_of_types_that_train() -> None:
    table = PriceTable.read()
    assert table.date.count("-") == 2
    assert table.source
    botocore = pytest.importorskip("botocore.session")
    model = botocore.get_session().get_service_model("sagemaker")
    trains = set(model.shape_for("TrainingInstanceType").enum)
    for region, prices in table.instance_hour.items():
        assert set(prices) <= trains
        assert min(prices.values()) > 0
        assert table.volume_gib_month[region] > 0
    # larger instances of a family cost more, so that no digit is lost in a line
    listed = table.instance_hour[REGION]
    for family in {name.split(".")[1] for name in listed} - {"g5", "g6", "g6e"}:
        sizes = [name for name in listed if name.split(".")[1] == family]
        assert [listed[name] for name in sizes] == sorted(listed[name] for name in sizes)


def test_ceiling_and_prices_are_no_part_of_a_training() -> None:
    def name(options: RemoteOptions) -> str:
        job = TrainingJob(
            base_name="tea",
            content_hash="c",
            data_hash="d",
            image_uri="i",
            role_arn="arn:aws:iam::123456789012:role/x",
            channels={},
            layout=S3Layout("tea-data", "green"),
            options=options,
        )
        return job.name()

    assert name(RemoteOptions(max_cost=5, prices=DOLLAR)) == name(RemoteOptions())


def described(**values: Any) -> dict[str, Any]:
    resources = {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 100}
    return {"TrainingJobStatus": "Completed", "ResourceConfig": resources, **values}


def test_the_cost_is_that_of_the_billed_seconds_of_all_instances() -> None:
    prices = {"ml.m5.large": 1.8, "volume_gib_month": 0.3}
    job = described(BillableTimeInSeconds=1_000, TrainingTimeInSeconds=4_000)
    cost = cost_of(job, REGION, prices)
    assert cost is not None
    assert cost.instances_usd == 1
    assert cost.volumes_usd == pytest.approx(Decimal("0.3") * 200 * 4_000 / (30 * 86_400))
    assert cost.total_usd == cost.instances_usd + cost.volumes_usd
    assert cost.spot_saving == 0.75  # the example of the user guide's formula
    assert str(cost).startswith("$1.10: 2 x 1,000 s at $1.8 an hour")


def test_a_warm_pool_that_waits_is_paid() -> None:
    warm = {"Status": "Available", "ResourceRetainedBillableTimeInSeconds": 600}
    times = {"BillableTimeInSeconds": 1_200, "TrainingTimeInSeconds": 1_200}
    cost = cost_of(described(**times, WarmPoolStatus=warm), REGION, DOLLAR)
    assert cost is not None
    assert (cost.total_usd, cost.warm_pool_seconds, cost.spot_saving) == (1, 600, 0)


def test_a_cost_that_is_not_known_is_no_cost_of_nothing() -> None:
    assert cost_of(described(TrainingJobStatus="InProgress"), REGION) is None
    # it had instances; SageMaker has not yet said for how long
    assert cost_of(described(TrainingStartTime=1.0), REGION) is None
    never = cost_of(described(TrainingJobStatus="Failed"), REGION)
    assert never is not None
    assert never.total_usd == 0
    with pytest.raises(PriceUnknownError):
        cost_of(described(BillableTimeInSeconds=1), "xx-1")


def test_an_amount_is_never_shown_as_less_than_it_is() -> None:
    assert dollars(Decimal("0.00001")) == "$0.0001"
    assert dollars(Decimal("12.3401")) == "$12.35"
    assert dollars(Decimal(0)) == "$0.0000"


def sums(data: Any, env: Any) -> dict[str, float]:
    return {"sum": float(data["x"].sum())}


@pytest.mark.usefixtures("aws_settings")
def test_a_submission_over_the_ceiling_packs_and_builds_nothing(project: Path) -> None:
    pytest.importorskip("boto3")
    folder = project / "datasets" / "p"
    folder.mkdir(parents=True)
    pd.DataFrame({"x": [1]}).to_parquet(folder / "d.parquet")
    routine = SagemakerRoutine(
        FunctionTask(sums),
        "d.parquet",
        "p",
        datasets_folder=project / "datasets",
        bucket="tea-data",
        role="arn:aws:iam::123456789012:role/x",
    )
    executor = SagemakerRemoteExecutor(
        routine.config, RemoteOptions(max_cost=1), clients=AwsClients(region=REGION)
    )
    assert executor.cost().worst_usd > 1
    assert executor.cost(seconds=60).typical_usd < 1
    with pytest.raises(CostLimitError, match="max_cost is"):
        executor.submit()
    assert not (project / "temp").exists()
