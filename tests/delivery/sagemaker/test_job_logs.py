"""How soon a line of a job's log is seen, and what that costs; on a clock of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tg.common._core.errors import AwsConnectionError
from tg.common.contract import RunState
from tg.common.delivery.sagemaker.job_logs import JobLogs
from tg.common.delivery.sagemaker.job_metrics import JobMetrics
from tg.common.delivery.sagemaker.remote_run import RemoteRun

LATENCY_SECONDS = 2.0


@dataclass
class CloudWatch:
    """The service, as its API reference describes it, for one group of one job."""

    now: float = 0.0
    lines: list[tuple[float, str, str]] = field(default_factory=list)
    calls: list[tuple[float, str]] = field(default_factory=list)
    page_size: int = 10_000
    failures: list[Exception] = field(default_factory=list)

    def client(self, service: str) -> Any:
        assert service == "logs"
        return self

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds

    def clock(self) -> float:
        return self.now

    def get_paginator(self, name: str) -> Any:
        assert name == "describe_log_streams"
        return self

    def paginate(self, logGroupName: str, logStreamNamePrefix: str) -> Any:
        self.calls.append((self.now, "streams"))
        names = {f"job/{host}-17" for at, host, _ in self.lines if at <= self.now}
        yield {"logStreams": [{"logStreamName": name} for name in sorted(names)]}

    def filter_log_events(
        self,
        logGroupName: str,
        logStreamNames: list[str],
        startTime: int,
        nextToken: str = "0",
        filterPattern: str = '""',
    ) -> dict[str, Any]:
        self.calls.append((self.now, "lines"))
        if self.failures:
            raise self.failures.pop(0)
        found = [
            {
                "eventId": str(number),
                "timestamp": int(at * 1000),
                "message": text,
                "logStreamName": f"job/{host}-17",
            }
            for number, (at, host, text) in enumerate(self.lines)
            if at <= self.now
            and int(at * 1000) >= startTime
            and f"job/{host}-17" in logStreamNames
            and filterPattern.strip('"') in text
        ]
        first, last = int(nextToken), int(nextToken) + self.page_size
        answer: dict[str, Any] = {"events": found[first:last]}
        return {**answer, "nextToken": str(last)} if last < len(found) else answer

    def follow(self, hosts: int, ends_at: float) -> list[tuple[float, str]]:
        def has_ended() -> bool:
            self.calls.append((self.now, "status"))
            return self.now >= ends_at

        logs = JobLogs(self, "job", hosts, sleep=self.sleep, clock=self.clock)
        return [(self.now, line) for line in logs.follow(has_ended)]


def busiest(calls: list[tuple[float, str]], seconds: float) -> int:
    times = [at for at, _ in calls]
    return max(sum(start <= at < start + seconds for at in times) for start in times)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 120), min_size=1, max_size=30), st.floats(0, 130))
def test_each_line_is_seen_within_two_seconds_at_one_call_a_second(moments, ends_at):
    cloud = CloudWatch()
    cloud.lines = [(at, "algo-1", f"line {i}") for i, at in enumerate(sorted(moments))]
    seen = cloud.follow(1, max(ends_at, *moments))
    assert [line for _, line in seen] == [text for _, _, text in cloud.lines]
    for (at, _, text), (seen_at, _) in zip(cloud.lines, seen, strict=True):
        assert seen_at - at <= LATENCY_SECONDS, text
    # one more than seconds: the first call comes at once
    assert busiest(cloud.calls, 20) <= 21


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(0, 60), st.sampled_from(["algo-1", "algo-2", "algo-3"])), max_size=30
    )
)
def test_of_several_hosts_no_line_is_lost_or_doubled_and_each_has_its_host(writes):
    cloud = CloudWatch()
    cloud.lines = [(at, host, f"line {i}") for i, (at, host) in enumerate(sorted(writes))]
    seen = [line for _, line in cloud.follow(3, 61)]
    assert sorted(seen) == sorted(f"{host} | {text}" for _, host, text in cloud.lines)
    assert busiest(cloud.calls, 20) <= 21


def test_a_host_that_is_late_has_its_first_lines_as_well():
    cloud = CloudWatch()
    cloud.lines = [(float(i), "algo-1", f"first {i}") for i in range(60)]
    # it began long ago, and what it wrote comes to the service a minute late
    original = cloud.lines[:]

    def arrive(seconds: float) -> None:
        cloud.now += seconds
        if cloud.now > 50 and cloud.lines == original:
            cloud.lines.append((3.0, "algo-2", "second 3"))

    cloud.sleep = arrive  # type: ignore[method-assign]
    seen = [line for _, line in cloud.follow(2, 70)]
    assert "algo-2 | second 3" in seen
    assert len(seen) == len(set(seen)) == 61


def test_lines_of_one_moment_that_fill_several_pages_come_once_and_in_order():
    cloud = CloudWatch(page_size=7)
    cloud.lines = [(1.0, "algo-1", f"line {i}") for i in range(100)]
    assert [line for _, line in cloud.follow(1, 2)] == [text for _, _, text in cloud.lines]


def test_what_was_given_is_not_remembered_for_ever():
    cloud = CloudWatch()
    cloud.lines = [(i / 10, "algo-1", f"line {i}") for i in range(6_000)]
    logs = JobLogs(cloud, "job", 1, sleep=cloud.sleep, clock=cloud.clock)
    assert sum(1 for _ in logs.follow(lambda: cloud.now > 600)) == 6_000
    assert len(logs._seen) < 200


def test_a_service_that_fails_for_a_moment_does_not_end_the_log():
    cloud = CloudWatch()
    cloud.lines = [(0.0, "algo-1", "one"), (30.0, "algo-1", "two")]
    cloud.failures = [AwsConnectionError("no answer", code="ReadTimeoutError")]
    assert [line for _, line in cloud.follow(1, 31)] == ["one", "two"]


@pytest.mark.parametrize("hosts", [1, 2])
def test_metrics_are_read_once_each_and_no_oftener_than_once_a_second(hosts):
    cloud = CloudWatch()
    cloud.lines = [
        (float(i), f"algo-{i % hosts + 1}", f"INFO: ###METRIC###loss:{i}###" if i % 2 else "noise")
        for i in range(40)
    ]
    metrics = JobMetrics(cloud, "job", hosts, sleep=cloud.sleep, clock=cloud.clock)
    values: Callable[[], dict[str, list[float]]] = metrics.values
    while cloud.now < 40:
        found = values().get("loss", [])
        if hosts == 1:  # the second one reports all of them, and is noticed some seconds late
            assert found == [float(i) for i in range(1, int(cloud.now) + 1, 2)]
    assert values() == {"loss": [float(i) for i in range(1, 40, 2)]}
    assert sum(what == "lines" for _, what in cloud.calls) <= cloud.now + 2


def test_what_is_picked_up_after_the_end_of_a_job_is_seen() -> None:
    # else who has waited for a training is told for ever that it has no metrics
    class SageMaker:
        calls = 0

        def client(self, service: str) -> Any:
            return self

        def describe_training_job(self, **_: Any) -> dict[str, Any]:
            self.calls += 1
            metrics = [{"MetricName": "loss", "Value": 0.5}] if self.calls > 1 else []
            return {
                "TrainingJobStatus": "Completed",
                "BillableTimeInSeconds": 60,
                "FinalMetricDataList": metrics,
            }

    service: Any = SageMaker()
    run = RemoteRun("job", service, Path("results"))
    assert run.state is RunState.COMPLETED
    assert run.metrics == {"loss": 0.5}
    assert (run.billable_seconds, service.calls) == (60, 2)
