"""What a container reports while it runs, read out of what it prints."""

from __future__ import annotations

import os
import secrets
import sys
import textwrap
import time
from collections.abc import Callable, Iterator

import pytest

from tg.common._core.errors import EngineUnavailableError
from tg.common.delivery.docker import Containers, DockerEngine
from tg.common.delivery.docker.containers import ContainerSpec
from tg.common.delivery.execution.printed_metrics import PrintedMetrics

pytestmark = pytest.mark.docker

BASE = os.environ.get("TG_BASE_IMAGE") or "python:{}.{}-slim".format(*sys.version_info)
PROGRAM = """
    import signal, sys, time
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    for step in range(2_000):
        stream = (sys.stdout, sys.stderr)[step % 2]
        print("begun\\rhalf ###METRIC###loss:%d### " % step, file=stream, flush=True)
        print("###METRIC###same:1###", file=stream, flush=True)
    signal.sigwait({signal.SIGUSR1})
    time.sleep(4)
    for step in range(5):
        print("###METRIC###late:%d###" % step, flush=True)
        time.sleep(0.5)
    time.sleep(600)
"""


class CountingContainers(Containers):
    """Counts the lines that are read, and is cut off after some."""

    lines = 0
    cut_after: int | None = None
    is_told = False

    def printed_since(self, name: str, since: str = "") -> Iterator[str]:
        for at, line in enumerate(super().printed_since(name, since)):
            if at == self.cut_after:
                if self.is_told:
                    raise EngineUnavailableError("the engine does not answer")
                return
            self.lines += 1
            yield line


@pytest.fixture
def printing() -> Iterator[tuple[CountingContainers, str]]:
    containers = CountingContainers(DockerEngine())
    name = f"training-grounds-test-{secrets.token_hex(6)}"
    command = ("python3", "-c", textwrap.dedent(PROGRAM))
    containers.start(ContainerSpec(name=name, image=BASE, command=command))
    yield containers, name
    containers.remove(name)


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_each_value_is_counted_once_and_what_was_read_is_not_read_again(
    printing: tuple[CountingContainers, str],
) -> None:
    # else a long log is read whole at each look of a sweep at each of its runs
    containers, name = printing
    metrics = PrintedMetrics(containers, name)
    until(lambda: sum(map(len, metrics.values().values())) == 4_000)
    # only what the engine has seen is older than what follows
    containers.signal(name, "USR1")
    until(lambda: len(metrics.values().get("late", [])) == 5)
    assert metrics.values()["same"] == [1.0] * 2_000
    assert sorted(metrics.values()["loss"]) == list(range(2_000))
    assert metrics.values()["late"] == list(range(5))
    containers.lines = 0
    metrics.values()
    assert containers.lines <= 5
    # who looks for the first time sees all
    assert PrintedMetrics(containers, name).values() == metrics.values()


def test_a_look_that_is_cut_off_counts_nothing_twice(
    printing: tuple[CountingContainers, str],
) -> None:
    # else an engine that is started anew while a sweep looks doubles the steps of a training
    containers, name = printing
    whole, metrics = PrintedMetrics(containers, name), PrintedMetrics(containers, name)
    until(lambda: len(whole.values().get("same", [])) == 2_000)
    containers.cut_after, containers.is_told = 1_000, True
    with pytest.raises(EngineUnavailableError):
        metrics.values()
    containers.cut_after = None
    assert len(metrics.values()["same"]) == 2_000
    containers.cut_after, containers.is_told = 0, False
    assert len(metrics.values()["same"]) == 2_000
    containers.cut_after = None
    assert len(metrics.values()["same"]) == 2_000


def test_a_container_that_is_not_there_has_reported_nothing() -> None:
    assert PrintedMetrics(Containers(DockerEngine()), "training-grounds-test-none").values() == {}
