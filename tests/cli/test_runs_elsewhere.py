"""`tg runs`, `tg logs` and `tg result` know the runs of places that are not installed here."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from tg_program import document_of, text_of

from tg.common import Loc
from tg.common.contract import RunState
from tg.common.delivery.execution.run_folder import RunFolder

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("ray") is not None, reason="Ray is installed"
)
RAY = {"kind": "tg.common.delivery.ray.run:RayRun", "address": "http://127.0.0.1:9"}
MOON = {"kind": "tg.common.delivery.moon.run:MoonRun"}


@pytest.fixture
def runs(project: Path) -> Path:
    return Loc.data_cache_path / "sagemaker" / "tea" / "output"


def test_a_run_that_cannot_be_asked_hides_no_other(runs: Path) -> None:
    ended = RunFolder.create(runs, "black", "ray", opener=RAY)
    ended.update(state=RunState.COMPLETED)
    cluster = RunFolder.create(runs, "green", "ray", opener=RAY)
    cluster.update(state=RunState.IN_PROGRESS)
    moon = RunFolder.create(runs, "white", "moon", opener=MOON)
    rows = {row["run"]: row for row in document_of("runs")["runs"]}
    assert {name: row["state"] for name, row in rows.items()} == {
        ended.run_id: "Completed",
        cluster.run_id: "InProgress",
        moon.run_id: "Pending",
    }
    assert "training-grounds[ray]" in rows[cluster.run_id]["problem"]
    assert "the executor 'moon'" in rows[moon.run_id]["problem"]
    assert rows[ended.run_id]["problem"] == ""
    text = text_of("runs")
    assert all(name in text for name in rows)


def test_logs_and_results_of_a_cluster_say_which_extra_is_missing(runs: Path) -> None:
    run = RunFolder.create(runs, "green", "ray", opener=RAY)
    run.update(state=RunState.IN_PROGRESS)
    run.log_file.write_text("the water boils\n")
    for words in (("logs", run.run_id), ("result", "ls", run.run_id)):
        assert "training-grounds[ray]" in text_of(*words, code=1)
    run.update(state=RunState.COMPLETED)
    assert "the water boils" in text_of("logs", run.run_id)  # that needs no cluster
