"""What people see of a sweep: its table, its best, its plots, its report."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tg.common._core.errors import ConfigError
from tg.common.delivery.sweep.axis_scale import AxisScale
from tg.common.delivery.sweep.best import best_rows
from tg.common.delivery.sweep.metric_choice import chosen_metric, train_and_test
from tg.common.delivery.sweep.plain_value import plain_value
from tg.common.delivery.sweep.plots import KINDS, SweepPlots
from tg.common.delivery.sweep.report import write_report
from tg.common.delivery.sweep.status import SweepStatus
from tg.common.delivery.sweep.table import sweep_table
from tg.common.delivery.sweep.task_row import TaskRow
from tg.common.delivery.sweep.task_state import TaskState

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")


def row(number: int, **changes: Any) -> TaskRow:
    values: dict[str, Any] = {
        "name": f"A{number}",
        "parameters": {"alpha": 10.0**-number, "kind": "ridge" if number % 2 else "lasso"},
        "state": TaskState.COMPLETED,
        "metrics": {"r2_train": 0.9 - number / 100, "r2_test": 0.5 + number / 100},
        "run_id": f"run-{number}",
        "started_utc": "2026-01-01T10:00:00+00:00",
        "ended_utc": "2026-01-01T10:01:30+00:00",
        "cost": 0.25,
    }
    return TaskRow(number=number, **{**values, **changes})


@pytest.fixture
def rows() -> list[TaskRow]:
    failed = row(5, state=TaskState.FAILED, metrics={}, reason="ValueError: <b>bitter</b>")
    return [*(row(number) for number in range(5)), failed]


def curves(metric: str, tasks: Sequence[str]) -> Mapping[str, Sequence[float]]:
    return {task: [0.1, 0.2, 0.3] for task in tasks}


@pytest.fixture
def plots(rows: list[TaskRow]) -> SweepPlots:
    return SweepPlots(rows, curves)


def test_the_table_has_parameters_state_metrics_duration_cost_and_run(rows: list[TaskRow]) -> None:
    table = sweep_table(rows)
    assert list(table.columns) == [
        "alpha",
        "kind",
        "state",
        "r2_train",
        "r2_test",
        "seconds",
        "cost",
        "attempt",
        "run",
        "reason",
    ]
    assert list(table.index) == [f"A{number}" for number in range(6)]
    first = table.loc["A1"]
    assert (first["kind"], first["seconds"], first["cost"]) == ("ridge", 90.0, 0.25)
    assert table["r2_test"].dtype == float
    assert table["r2_test"].isna().tolist() == [False] * 5 + [True]


def test_why_a_task_failed_is_one_line_of_the_table() -> None:
    # a traceback in a cell hides every other column
    trace = (
        "run a failed: ...; it ends with:\nTraceback (most recent call last):\nValueError: bitter\n"
    )
    failed = row(0, state=TaskState.FAILED, reason=trace)
    ended = row(1, state=TaskState.CANCELLED, kind="deadline")
    assert sweep_table([failed, ended])["reason"].tolist() == ["ValueError: bitter", "deadline"]


def test_no_column_is_lost_to_another_of_its_name() -> None:
    one = row(0, parameters={"cost": 1, "r2": 2}, metrics={"r2": 0.5, "state": 3.0})
    table = sweep_table([one])
    assert table.loc["A0", "parameter.cost"] == 1
    assert table.loc["A0", "cost"] == 0.25
    assert table.loc["A0", "r2"] == 2
    assert table.loc["A0", "metric.r2"] == 0.5
    assert table.loc["A0", "metric.state"] == 3.0
    assert table.columns.is_unique


class Mute:
    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("there is no text")


ENDLESS: list[Any] = [1]
ENDLESS.append(ENDLESS)


@pytest.mark.parametrize(
    "value",
    [
        os.fsdecode(b"caf\xe9.csv"),
        10**400,
        10**5000,
        {"caf\udce9": 1},
        float("nan"),
        [b"\xff"],
        Mute(),
        ENDLESS,
    ],
    ids=["file name", "huge", "endless", "key", "nan", "bytes", "mute", "in itself"],
)
def test_odd_parameters_cost_no_table_and_no_report(tmp_path: Path, value: Any) -> None:
    values = [value, 2]
    rows = [
        row(number, parameters=json.loads(json.dumps(plain_value({"task": one}))))
        for number, one in enumerate(values)
    ]
    assert "parameter.task" in sweep_table(rows).columns
    status = SweepStatus(
        name="odd", counts={TaskState.COMPLETED: 2}, reused=0, spent=0.0, ended_by=""
    )
    path = write_report(
        tmp_path / "odd.html", status, rows, SweepPlots(rows, curves), metric="r2_test"
    )
    assert "parameter.task" in path.read_text()


@pytest.mark.parametrize(
    ("values", "metric", "reached"),
    [
        (["$\\frac{$", "costs $5 to $10", "\0\n"], "m$^_test", 1.0),
        (["x" * 3000, "y"], "m" * 600, 1.0),
        ([1e308, -1e308, 1], "m_test", 1.0),
        ([1, 2], "m_test", 1e308),
    ],
    ids=["formulas", "long", "huge", "diverged"],
)
def test_what_matplotlib_cannot_draw_costs_no_report(
    tmp_path: Path, values: list[Any], metric: str, reached: float
) -> None:
    # the names and values are the user's: a dollar in one is no formula
    rows = [
        row(number, parameters={"a$_{": value, "b": number}, metrics={metric: reached * sign})
        for number, value in enumerate(values)
        for sign in (1, -1)
    ]
    status = SweepStatus(
        name="odd", counts={TaskState.COMPLETED: len(rows)}, reused=0, spent=0.0, ended_by=""
    )
    plots = SweepPlots(rows, lambda name, tasks: {task: [1.0, 1e308, -1e308] for task in tasks})
    path = write_report(tmp_path / "odd.html", status, rows, plots, metric=metric)
    for picture in re.findall('base64,([^"]*)"', path.read_text()):
        ElementTree.fromstring(base64.b64decode(picture))


def test_many_texts_are_drawn_in_seconds_and_some_of_them_are_named() -> None:
    rows = [row(number, parameters={"seed": f"s{number}"}) for number in range(3000)]
    began = time.thread_time()
    figure = SweepPlots(rows, curves).by_parameter("r2_test")
    figure.draw_without_rendering()
    assert time.thread_time() - began < 10
    assert len(figure.axes[0].get_xticks()) <= 30


def test_a_clock_that_steps_back_makes_no_negative_duration() -> None:
    assert sweep_table([row(0, ended_utc="2026-01-01T09:00:00+00:00")]).loc["A0", "seconds"] == 0


def test_an_empty_sweep_has_an_empty_table() -> None:
    assert sweep_table([]).empty


def test_the_best_are_those_that_ended_well(rows: list[TaskRow]) -> None:
    odd = [row(7, metrics={"r2_test": float("nan")}), row(8, state=TaskState.RUNNING)]
    assert [one.name for one in best_rows([*rows, *odd], "r2_test", count=2)] == ["A4", "A3"]
    lowest = best_rows(rows, "r2_test", count=None, higher_is_better=False)
    assert [one.name for one in lowest] == ["A0", "A1", "A2", "A3", "A4"]


def test_the_metric_is_chosen_only_where_there_is_no_doubt(rows: list[TaskRow]) -> None:
    assert chosen_metric(rows) == "r2_test"
    assert chosen_metric(rows, "r2_train") == "r2_train"
    with pytest.raises(ConfigError, match=r"no task has reported the metric 'r2_tset'.*r2_test"):
        chosen_metric(rows, "r2_tset")
    with pytest.raises(ConfigError, match=r"2 metrics to choose from.*loss, speed"):
        chosen_metric([row(0, metrics={"loss": 1, "speed": 2})])
    with pytest.raises(ConfigError, match="No task has reported any yet"):
        chosen_metric([row(0, metrics={})])


def test_train_and_test_metrics_are_found_whatever_the_other_is_called() -> None:
    assert train_and_test(["train_loss", "val_loss", "auc_train", "auc_test", "f1_train"]) == {
        "loss": ("train_loss", "val_loss"),
        "auc": ("auc_train", "auc_test"),
    }


def test_every_picture_shows_the_tasks_that_have_the_metric(plots: SweepPlots) -> None:
    by_parameter = plots.draw("by_parameter")
    assert [axes.get_xlabel() for axes in by_parameter.axes] == ["alpha", "kind"]
    assert [len(axes.collections[0].get_offsets()) for axes in by_parameter.axes] == [5, 5]
    assert by_parameter.axes[0].get_xscale() == "log"
    assert len(plots.draw("parallel").axes[0].collections[0].get_segments()) == 5
    drawn = plots.draw("curves", "r2_train").axes[0]
    assert [list(line.get_ydata()) for line in drawn.lines] == [[0.1, 0.2, 0.3]] * 5
    overfit = plots.draw("overfit").axes[0]
    assert (overfit.get_xlabel(), overfit.get_ylabel()) == ("r2_train", "r2_test")
    assert len(overfit.collections[0].get_offsets()) == 5
    assert set(plots.all()) == set(KINDS)


def test_what_cannot_be_drawn_is_said(rows: list[TaskRow], plots: SweepPlots) -> None:
    with pytest.raises(ConfigError, match=r"no picture of a sweep is called 'curve'.*curves"):
        plots.draw("curve")
    same = SweepPlots([row(0), row(0, name="B")], curves)
    with pytest.raises(ConfigError, match="no parameter differs"):
        same.draw("parallel")
    with pytest.raises(ConfigError, match="no metric 'f1' is there for train and test"):
        plots.draw("overfit", "f1")
    assert SweepPlots([], curves).all() == {}


def test_values_of_every_kind_have_a_place_on_an_axis() -> None:
    assert AxisScale([1, 2, 3]).share(2) == 0.5
    assert AxisScale([True, False]).marks() == [(0.0, "True"), (1.0, "False")]
    assert AxisScale([[10], [10, 5]]).share([10, 5]) == 1.0
    assert AxisScale([None, "a"]).marks() == [(0.0, "None"), (1.0, "a")]
    assert AxisScale([7]).share(7) == 0.5
    assert AxisScale([]).marks() == []


def test_a_notebook_shows_a_picture_without_being_told_to(plots: SweepPlots) -> None:
    data = plots.draw("overfit")._repr_png_()  # type: ignore[attr-defined]
    assert data.startswith(b"\x89PNG")


@pytest.fixture
def report(rows: list[TaskRow], plots: SweepPlots, tmp_path: Path) -> Path:
    status = SweepStatus(name="tea & <milk>", counts={TaskState.COMPLETED: 5, TaskState.FAILED: 1})
    now = datetime(2026, 1, 2, tzinfo=UTC)
    return write_report(tmp_path / "report.html", status, rows, plots, now=now)


def test_the_report_needs_nothing_else_and_nothing_in_it_is_taken_for_markup(report: Path) -> None:
    text = report.read_text(encoding="utf-8")
    assert not re.findall(r"""(?:src|href)=["'](?!data:)""", text)
    assert "http" not in re.sub(r"base64,[\w+/=]+", "", text)
    assert "Sweep tea &amp; &lt;milk&gt;" in text
    assert "<b>bitter</b>" not in text
    assert "5 completed, 1 failed" in text


def test_a_report_of_the_same_sweep_and_time_is_the_same_file(
    rows: list[TaskRow], tmp_path: Path
) -> None:
    # one that is kept in git would change each time it is written
    status = SweepStatus(name="tea", counts={TaskState.COMPLETED: 5})
    now = datetime(2026, 1, 2, tzinfo=UTC)
    paths = [
        write_report(tmp_path / name, status, rows, SweepPlots(rows, curves), now=now)
        for name in ("one.html", "two.html")
    ]
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_report_that_cannot_be_made_leaves_the_old_one(
    report: Path, rows: list[TaskRow], plots: SweepPlots
) -> None:
    before = report.read_bytes()
    with pytest.raises(ConfigError):
        write_report(report, SweepStatus(name="t"), rows, plots, metric="none")
    assert report.read_bytes() == before


def test_a_sweep_without_results_has_a_report_too(tmp_path: Path) -> None:
    path = write_report(tmp_path / "r.html", SweepStatus(name="t"), [], SweepPlots([], curves))
    assert "nothing to be drawn yet" in path.read_text(encoding="utf-8")


CLICKED = """
<script>
window.addEventListener("load", () => {
  const table = [...document.querySelectorAll("table")].at(-1);
  const names = () => [...table.tBodies[0].rows].map((row) => row.cells[0].textContent).join(" ");
  const heads = [...table.querySelectorAll("th button")];
  const before = names();
  heads.find((head) => head.textContent === "r2_train").click();
  const sorted = names();
  const pictures = [...document.images].map((image) => image.naturalWidth > 100);
  document.title = JSON.stringify({before, sorted, pictures});
});
</script>
"""


@pytest.mark.slow
def test_a_browser_shows_table_and_plots_and_sorts_without_an_error(
    report: Path, tmp_path: Path
) -> None:
    if BROWSER is None:
        required = os.environ.get("TG_REQUIRE_BROWSER") == "1"
        (pytest.fail if required else pytest.skip)("there is no Chromium on this machine")
    page = tmp_path / "clicked.html"
    page.write_text(report.read_text(encoding="utf-8") + CLICKED, encoding="utf-8")
    done = subprocess.run(
        [
            BROWSER,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--enable-logging=stderr",
            "--virtual-time-budget=5000",
            f"--user-data-dir={tmp_path / 'profile'}",
            "--dump-dom",
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    assert "CONSOLE" not in done.stderr, done.stderr
    title = re.search(r"<title>(.*?)</title>", done.stdout)
    assert title is not None
    assert title[1] == (
        '{"before":"A0 A1 A2 A3 A4 A5","sorted":"A4 A3 A2 A1 A0 A5",'
        '"pictures":[true,true,true,true]}'
    )
