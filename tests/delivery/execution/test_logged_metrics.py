"""What a training has reported so far, read out of a log that grows."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tg.common.contract.metric_line import metric_line, metric_values
from tg.common.delivery.execution.logged_metrics import LoggedMetrics

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), min_size=1).filter(
    lambda name: "###" not in name and len(name.splitlines()) == 1 and not name.endswith("#")
)
NUMBERS = st.floats(allow_nan=False)


@given(st.lists(st.tuples(NAMES, NUMBERS), max_size=20))
def test_whatever_is_reported_is_read_again_to_the_last_bit(reported):
    lines = [
        f"2026-01-31 16:37:44 INFO: {metric_line(name, value)} [a=1]" for name, value in reported
    ]
    expected: dict[str, list[float]] = {}
    for name, value in reported:
        expected.setdefault(name, []).append(value)
    assert metric_values(lines) == expected


def test_numbers_as_libraries_print_them_are_read():
    lines = [metric_line("loss", text) for text in ("nan", "-inf", "1e-05", "3", "", "low")]
    loss, low, *rest = metric_values(lines)["loss"]
    assert math.isnan(loss)
    assert [low, *rest] == [-math.inf, 1e-05, 3.0]


def test_a_line_in_the_middle_of_being_written_is_counted_once(tmp_path: Path):
    log = tmp_path / "log.txt"
    metrics = LoggedMetrics(log)
    assert metrics.values() == {}
    with log.open("wb", buffering=0) as file:
        file.write(b"noise \xff\n###METRIC###loss:0.5###\n###METRIC###lo")
        assert metrics.values() == {"loss": [0.5]}
        file.write(b"ss:0.25###")
        assert metrics.values() == metrics.values() == {"loss": [0.5, 0.25]}
        file.write(b"\n###METRIC###auc:1###\n")
    assert metrics.values() == {"loss": [0.5, 0.25], "auc": [1.0]}


def test_another_log_at_the_same_path_is_read_from_its_beginning(tmp_path: Path):
    log = tmp_path / "log.txt"
    metrics = LoggedMetrics(log)
    log.write_text("###METRIC###loss:0.5###\n")
    assert metrics.values() == {"loss": [0.5]}
    fresh = tmp_path / "fresh.txt"
    fresh.write_text("###METRIC###loss:0.75###\n")
    fresh.replace(log)
    assert metrics.values() == {"loss": [0.75]}


def test_what_is_given_out_may_be_changed(tmp_path: Path):
    log = tmp_path / "log.txt"
    log.write_text("###METRIC###loss:0.5###\n")
    metrics = LoggedMetrics(log)
    metrics.values()["loss"].clear()
    assert metrics.values() == {"loss": [0.5]}


def test_threads_that_read_at_the_same_time_count_no_value_twice(tmp_path: Path):
    # a sweep's looks and its user ask the same run
    log = tmp_path / "log.txt"
    log.write_text("".join(f"{metric_line('loss', step)}\n" for step in range(30_000)))
    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            metrics = LoggedMetrics(log)
            found = [pool.submit(metrics.values) for _ in range(4)]
            assert {len(one.result()["loss"]) for one in found} == {30_000}
