"""Runs that this machine knows of, though it cannot ask where they are."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tg.common._core.errors import MissingDependencyError
from tg.common.contract import RunState
from tg.common.delivery.execution.attached_launch import AttachedLauncher
from tg.common.delivery.execution.kept_run import open_run
from tg.common.delivery.execution.local_launcher import LocalLauncher
from tg.common.delivery.execution.run_folder import RunFolder

RAY = {"kind": "tg.common.delivery.ray.run:RayRun", "address": "http://127.0.0.1:9"}
MOON = {"kind": "tg.common.delivery.moon.run:MoonRun", "base": "tranquillity"}


@pytest.fixture
def launcher(tmp_path: Path) -> LocalLauncher:
    return AttachedLauncher(
        name="tea", package_path=tmp_path / "none", channels={}, runs_folder=tmp_path / "output"
    )


def kept(folder: Path, executor: str, opener: Any, state: RunState) -> RunFolder:
    run = RunFolder.create(folder, "tea", executor, opener=opener)
    run.update(state=state)
    return run


@pytest.fixture
def looked_into() -> Iterator[list[str]]:
    """The folders that are listed, as the interpreter's own audit tells them."""
    names: list[str] = []
    is_over: list[bool] = []

    def note(event: str, args: tuple[Any, ...]) -> None:
        if event in ("os.scandir", "os.listdir") and not is_over:
            names.append(str(args[0]))

    sys.addaudithook(note)  # cannot be removed
    yield names
    is_over.append(True)


@pytest.mark.parametrize(("executor", "opener"), [("ray", RAY), ("moon", MOON), ("moon", {})])
def test_a_run_elsewhere_that_cannot_be_asked_still_holds_its_checkpoints(
    launcher: LocalLauncher, executor: str, opener: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # else a second training of the same task writes over the checkpoints of the first
    monkeypatch.setitem(sys.modules, "ray.job_submission", None)
    run = kept(launcher.runs_folder, executor, opener, RunState.IN_PROGRESS)
    assert launcher.is_running(run.run_id)


def test_a_record_of_a_newer_version_is_that_of_a_run_which_may_go_on(
    launcher: LocalLauncher,
) -> None:
    run = kept(launcher.runs_folder, "attached", {}, RunState.IN_PROGRESS)
    file = run.path / "run.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "protocol": 99}))
    assert launcher.is_running(run.run_id)
    file.write_text("{")
    assert not launcher.is_running(run.run_id)


def test_a_run_of_a_cluster_is_opened_by_its_record_alone(tmp_path: Path) -> None:
    run = kept(tmp_path, "ray", RAY, RunState.COMPLETED)
    opened = open_run(RunFolder.find(tmp_path, run.run_id))
    assert (type(opened).__name__, opened.id) == ("RayRun", run.run_id)
    assert opened.state is RunState.COMPLETED  # that needs no cluster, and no Ray
    assert list(opened.logs()) == []


def test_what_is_not_installed_is_told_with_the_extra_that_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray.job_submission", None)
    run = kept(tmp_path, "ray", RAY, RunState.IN_PROGRESS)
    with pytest.raises(MissingDependencyError, match=r"training-grounds\[ray\]"):
        _ = open_run(run).state
    with pytest.raises(MissingDependencyError, match=r"executor 'moon'.* extras"):
        open_run(kept(tmp_path, "moon", MOON, RunState.IN_PROGRESS))


def test_a_run_in_a_folder_of_the_cluster_is_shown_in_the_project(tmp_path: Path) -> None:
    run = kept(tmp_path / "shared", "ray", RAY, RunState.COMPLETED)
    for _ in range(2):  # to start it again is to find it
        run.show_in(tmp_path / "project")
    run.show_in(tmp_path / "shared")
    shown = RunFolder.find(tmp_path / "project", run.run_id)
    run.update(failure="seen through the link")
    assert shown.read() == run.read()


def test_runs_that_are_not_there_are_told_without_looking_at_all_others(
    launcher: LocalLauncher, looked_into: list[str]
) -> None:
    # else each look at a sweep that begins reads the whole folder for each of its tasks
    run = kept(launcher.runs_folder, "attached", {}, RunState.COMPLETED)
    names = [f"tea-{number}" for number in range(20)]
    looked_into.clear()
    assert launcher.states([*names, run.run_id, "../output"]) == {run.run_id: RunState.COMPLETED}
    assert looked_into == []
