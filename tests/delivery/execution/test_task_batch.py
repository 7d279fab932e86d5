"""Many tasks share a package; each is started once, whoever starts it and whenever they die."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tg.common._core.errors import (
    ConfigError,
    EnvironmentSetupError,
    FormatError,
    InfrastructureError,
    ProtocolError,
    RunNotFoundError,
    StorageError,
    TrainingFailedError,
    UnpicklableError,
)
from tg.common.contract import RunState
from tg.common.delivery.execution.failure_kind import FailureKind
from tg.common.delivery.execution.run_folder import RunFolder
from tg.common.delivery.execution.task_batch import TaskBatch, open_batch
from tg.common.delivery.sagemaker import SagemakerRoutine

PACKAGE_BATCH = "tg.common.delivery.execution.package_batch:PackageBatch"
TASKS = """
    import os
    import time
    from pathlib import Path

    from grid.scale import scaled
    from tg.common.contract import TrainingTask


    class Scaling(TrainingTask):
        '''Leaves a mark each time it is trained.'''

        def __init__(self, factor=1.0, marks="", gate="", fails=False):
            super().__init__()
            self.factor = factor
            self.marks = marks
            self.gate = gate
            self.fails = fails

        def run_with_environment(self, data, env):
            if self.marks:
                Path(self.marks, f"{self.factor}-{time.time_ns()}-{os.getpid()}").touch()
            while self.gate and not Path(self.gate).exists():
                time.sleep(0.01)
            if self.fails:
                raise ValueError("the scale is broken")
            env.log(f"channels: {sorted(env.channels)}")
            env.store_artifact(["runs", 0], "training_task", self)
            env.store_artifact(["runs", 0], "model", self)
            env.output_metric("scaled", scaled(float(Path(data).read_text()), self.factor))
"""
FILES = {
    "grid/__init__.py": "",
    "grid/tasks.py": TASKS,
    "grid/scale.py": "def scaled(value, factor):\n    return value * factor\n",
    "grid/other.py": """
        import decimal

        from grid.tasks import Scaling


        class Rounding(Scaling):
            def run_with_environment(self, data, env):
                env.output_metric("rounded", float(decimal.Decimal("1.5").to_integral_value()))
    """,
}


@pytest.fixture
def make(project: Path, write_files: Callable[..., None]) -> Callable[..., Any]:
    write_files(FILES)
    folder = project / "datasets" / "p"
    folder.mkdir(parents=True)
    (folder / "number.txt").write_text("4.0")

    def executor(place: str = "process") -> Any:
        routine = SagemakerRoutine(
            new_task(), "number.txt", "p", datasets_folder=project / "datasets", name="Grid"
        )
        return getattr(routine, place)()

    return executor


@pytest.fixture
def marks(tmp_path: Path) -> Path:
    """Give a folder in which each training of a task leaves a file."""
    folder = tmp_path / "marks"
    folder.mkdir()
    return folder


def new_task(factor: float = 1.0, **arguments: Any) -> Any:
    return importlib.import_module("grid.tasks").Scaling(factor, **arguments)


def grid(*factors: float, **arguments: Any) -> dict[str, Any]:
    return {f"factor-{factor:g}": new_task(factor, **arguments) for factor in factors}


def in_new_process(code: str, batch: TaskBatch, *, folder: Path) -> subprocess.Popen[str]:
    """Run code on a batch in a process that knows no module of the user."""
    file = folder / "record.json"
    file.write_text(json.dumps(batch.record()))
    program = f"""
import json, os, signal, sys
from tg.common.delivery.execution.run_folder import RunFolder
from tg.common.delivery.execution.task_batch import open_batch
batch = open_batch(json.load(open({str(file)!r})))
{textwrap.dedent(code)}
assert "grid" not in sys.modules
"""
    return subprocess.Popen(
        [sys.executable, "-c", program], cwd=folder, stdout=subprocess.PIPE, text=True
    )


def output_of(child: subprocess.Popen[str], exit_code: int = 0) -> str:
    output = child.communicate(timeout=120)[0]
    assert child.returncode == exit_code
    return output


def wait(*runs: Any) -> None:
    for run in runs:
        run.wait(timeout_seconds=120)


def test_tasks_share_a_package_and_give_what_they_give_alone(make: Any, project: Path) -> None:
    batch = make().batch(grid(1, 2, 3))
    runs = {name: batch.start(name) for name in batch.names}
    wait(*runs.values())
    assert {name: run.result().metrics["scaled"] for name, run in runs.items()} == {
        "factor-1": 4.0,
        "factor-2": 8.0,
        "factor-3": 12.0,
    }
    hashes = {run.result().manifest.package["content_hash"] for run in runs.values()}
    assert len(hashes) == 1
    assert len(list((project / "data-cache/sagemaker/p/packages").glob("*/*.tar.gz"))) == 1
    lines = list(runs["factor-2"].logs())
    assert any(line.endswith("channels: ['training']") for line in lines), lines


def test_a_result_says_which_task_it_is_of_and_opens_as_any_other(
    make: Any, write_files: Any
) -> None:
    run = make().batch(grid(2)).start("factor-2")
    wait(run)
    result = run.result()
    assert result.manifest.task_name == "factor-2"
    assert result.task.info == {"name": "factor-2"}
    assert type(result.model) is type(new_task())
    old = result.unpickle("runs/0/model.pkl", code="package")
    assert type(old).__module__ == f"{result.package.module_name}.grid.tasks"
    assert json.loads(result.get_path("task.json").read_text())["factor"] == 2
    assert result.manifest.provenance["run_id"] == run.id


def test_tasks_are_left_as_they_are_and_one_may_have_several_names(make: Any) -> None:
    task, named = new_task(2), new_task(3)
    named.info["name"] = "mine"
    batch = make("attached").batch({"first": task, "second": task, "third": named})
    assert (task.info, named.info) == ({}, {"name": "mine"})
    names = [batch.start(name).result().manifest.task_name for name in batch.names]
    assert names == ["first", "second", "mine"]
    with pytest.raises(ConfigError, match="called 7"):
        make().batch({7: task})
    assert task.info == {}


def test_a_task_that_cannot_be_copied_is_named_with_what_is_wrong(make: Any) -> None:
    class Stubborn(type(new_task())):  # type: ignore[misc]
        def __reduce_ex__(self, protocol: int) -> Any:
            raise RuntimeError("not me")

    with pytest.raises(UnpicklableError, match=r"'one': .*not me"):
        make().batch({"one": Stubborn()})


def test_the_package_does_not_depend_on_what_the_tasks_hold(make: Any) -> None:
    one, more = make().batch(grid(1)), make().batch(grid(1, 7, 8), batch_id="other")
    one.prepare()
    more.prepare()
    shared = [batch.record()["shared"]["content_hash"] for batch in (one, more)]
    assert shared[0] == shared[1]
    # what a task is does not depend on those beside it, and what it is called does on the batch
    assert one.fingerprint("factor-1") == more.fingerprint("factor-1")
    assert one.run_id("factor-1") != more.run_id("factor-1")
    assert one.run_id("factor-1", 2) == f"{one.run_id('factor-1')}-r2"


def test_code_that_only_one_of_the_tasks_needs_travels_too(make: Any) -> None:
    other = importlib.import_module("grid.other")
    batch = make().batch({**grid(1), "rounding": other.Rounding()})
    run = batch.start("rounding")
    wait(run)
    assert run.result().metrics == {"rounded": 2.0}


def test_whatever_tells_tasks_apart_tells_their_runs_apart(make: Any, project: Path) -> None:
    batch = make().batch({**grid(1, 2), "again": new_task(1)})
    ids = {batch.run_id(name) for name in batch.names}
    assert len(ids) == 3
    assert make().batch(grid(1)).run_id("factor-1") in ids
    (project / "datasets/p/number.txt").write_text("5.00")
    assert make().batch(grid(1)).run_id("factor-1") not in ids
    assert make("attached").batch(grid(1)).run_id("factor-1") not in ids


def test_to_start_again_is_to_find(make: Any, marks: Path) -> None:
    batch = make().batch(grid(2, marks=str(marks)))
    first = batch.start("factor-2")
    assert batch.start("factor-2").id == first.id == batch.run_id("factor-2")
    wait(first)
    again = make().batch(grid(2, marks=str(marks)))
    assert again.start("factor-2").state is RunState.COMPLETED
    assert len(list(marks.iterdir())) == 1
    second = again.start("factor-2", attempt=2)
    wait(second)
    assert second.id == f"{first.id}-r2"
    assert len(list(marks.iterdir())) == 2


def test_threads_and_processes_that_start_one_task_start_it_once(
    make: Any, marks: Path, tmp_path: Path
) -> None:
    batch = make().batch(grid(1, 2, 3, marks=str(marks)))
    batch.prepare()
    code = "for name in batch.names: batch.start(name)"
    others = [in_new_process(code, batch, folder=tmp_path) for _ in range(2)]
    threads = [
        threading.Thread(target=batch.start, args=(name,)) for name in batch.names for _ in "12"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for other in others:
        output_of(other)
    wait(*(batch.run(batch.run_id(name)) for name in batch.names))
    assert len(list(marks.iterdir())) == 3


def test_another_process_goes_on_without_the_users_code(make: Any, tmp_path: Path) -> None:
    batch = make().batch(grid(1, 2, 3), batch_id="week")
    wait(batch.start("factor-1"))
    code = """
        runs = [batch.start(name) for name in batch.names]
        print(*[run.wait(60).id for run in runs])
        print(len(batch.states(run.id for run in runs)), batch.names)
    """
    output = output_of(in_new_process(code, batch, folder=tmp_path))
    ids, rest = output.splitlines()
    assert ids.split() == [batch.run_id(name) for name in batch.names]
    assert rest == "3 ('factor-1', 'factor-2', 'factor-3')"
    # and this process finds what that one started
    run = batch.run(batch.run_id("factor-3"))
    assert run.result().metrics == {"scaled": 12.0}
    assert run.result().task.factor == 3


@pytest.mark.parametrize(
    "moment",
    ["RunFolder._make", "RunFolder.write_pending", "TrainingFolders.create", "shutil.copyfile"],
)
def test_what_was_killed_before_it_had_started_anything_is_started_by_the_next(
    make: Any, marks: Path, tmp_path: Path, moment: str
) -> None:
    batch = make().batch(grid(2, marks=str(marks)))
    owner, name = moment.split(".")
    code = f"""
        import shutil
        from tg.common.delivery.runtime.folders import TrainingFolders
        before = {owner}.{name}
        def killed(*args, **kwargs):
            before(*args, **kwargs)
            os.kill(os.getpid(), signal.SIGKILL)
        {owner}.{name} = killed
        batch.start("factor-2")
    """
    output_of(in_new_process(code, batch, folder=tmp_path), -signal.SIGKILL)
    run = batch.start("factor-2")
    wait(run)
    assert run.id == batch.run_id("factor-2")
    assert run.result().metrics == {"scaled": 8.0}
    assert len(list(marks.iterdir())) == 1


def test_what_was_started_right_before_its_starter_was_killed_is_found(
    make: Any, marks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # its log is older than the warm interpreter, and a busy machine may need long to fork
    monkeypatch.setattr("tg.common.delivery.execution.process._START_SECONDS", 120.0)
    batch = make().batch(grid(2, marks=str(marks)))
    code = """
        RunFolder.update = lambda *args, **kwargs: os.kill(os.getpid(), signal.SIGKILL)
        batch.start("factor-2")
    """
    output_of(in_new_process(code, batch, folder=tmp_path), -signal.SIGKILL)
    run = batch.start("factor-2")
    wait(run)
    assert run.result().metrics == {"scaled": 8.0}
    assert len(list(marks.iterdir())) == 1


@pytest.mark.docker
def test_containers_are_started_once_too(make: Any, tmp_path: Path) -> None:
    batch = make("local").batch(grid(2, 3))
    code = """
        RunFolder.update = lambda *args, **kwargs: os.kill(os.getpid(), signal.SIGKILL)
        batch.start("factor-2")
    """
    output_of(in_new_process(code, batch, folder=tmp_path), -signal.SIGKILL)
    other = in_new_process("[batch.start(name) for name in batch.names]", batch, folder=tmp_path)
    runs = [batch.start(name) for name in batch.names]
    output_of(other)
    wait(*runs)
    assert [run.result().metrics["scaled"] for run in runs] == [8.0, 12.0]


def test_classes_of_a_notebook_travel_as_well(make: Any, tmp_path: Path) -> None:
    make()
    program = """
        from tg.common.contract import TrainingTask
        from tg.common.delivery.sagemaker import SagemakerRoutine

        def doubled(value):
            return 2 * value

        class Doubling(TrainingTask):
            def __init__(self, number):
                super().__init__()
                self.number = number

            def run_with_environment(self, data, env):
                env.store_artifact(["runs", 0], "model", self)
                env.output_metric("doubled", doubled(self.number))

        routine = SagemakerRoutine(Doubling(0), "number.txt", "p", datasets_folder="datasets")
        for executor in routine.process(), routine.attached():
            batch = executor.batch({f"n-{n}": Doubling(n) for n in (1, 2)})
            for name in batch.names:
                result = batch.start(name).wait(60).result()
                print(">", result.metrics["doubled"], type(result.model) is Doubling)
    """
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True
    )
    lines = [line for line in output_of(child).splitlines() if line.startswith(">")]
    assert lines == 2 * ["> 2.0 True", "> 4.0 True"]


def test_a_start_that_fails_leaves_nothing_and_can_be_repeated(make: Any, tmp_path: Path) -> None:
    batch = make().batch(grid(2))
    record = batch.record()
    package = Path(record["shared"]["launcher"]["package_path"])
    elsewhere = package.rename(tmp_path / "package")
    with pytest.raises(StorageError, match="factor-2"):
        open_batch(record).start("factor-2")
    with pytest.raises(RunNotFoundError):
        batch.run(batch.run_id("factor-2"))
    assert batch.states([batch.run_id("factor-2")]) == {}
    elsewhere.rename(package)
    wait(open_batch(record).start("factor-2"))


def test_a_package_that_was_removed_is_told_and_is_made_again_with_the_tasks(
    make: Any, project: Path
) -> None:
    # else each task of a sweep fails for good, one after the other
    batch = make().batch(grid(2.0))
    batch.prepare()
    for package in project.rglob("packages/*/*.tar.gz"):
        package.unlink()
    with pytest.raises(StorageError, match=r"factor-2.*\.tar\.gz.*packs them once more"):
        batch.start("factor-2")
    again = make().batch(grid(2.0))
    again.prepare()
    run = again.start("factor-2")
    wait(run)
    assert run.id == batch.run_id("factor-2")


def test_a_damaged_task_is_told_before_it_is_started(make: Any) -> None:
    batch = make().batch(grid(2))
    record = batch.record()
    file = Path(record["tasks"]["factor-2"]["path"])
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(FormatError, match=r"damaged.*Make the batch again"):
        open_batch(record).start("factor-2")
    wait(make().batch(grid(2)).start("factor-2"))


def test_all_tasks_that_cannot_travel_are_named_and_nothing_is_written(
    make: Any, project: Path
) -> None:
    tasks = grid(1, 2, 3)
    tasks["factor-1"].handle = (project / "pyproject.toml").open()
    tasks["factor-3"].lock = threading.Lock()
    with pytest.raises(UnpicklableError) as caught:
        make().batch(tasks)
    tasks["factor-1"].handle.close()
    assert "2 of 3 tasks" in str(caught.value)
    assert "factor-1.task.handle" in str(caught.value)
    assert "factor-3.task.lock" in str(caught.value)
    assert "factor-2" not in str(caught.value)
    assert not (project / "data-cache" / "sagemaker").exists()


def test_what_is_no_batch_of_tasks_is_refused(make: Any) -> None:
    with pytest.raises(ConfigError, match="no tasks"):
        make().batch({})
    with pytest.raises(ConfigError, match="not a training task"):
        make().batch({"one": 1})
    with pytest.raises(ConfigError):
        make().batch({"": new_task()})
    batch = make().batch(grid(1))
    with pytest.raises(ConfigError, match="factor-9"):
        batch.start("factor-9")
    with pytest.raises(ConfigError, match="place"):
        batch.start("factor-1", place=1)
    with pytest.raises(RunNotFoundError):
        batch.run("nothing-of-that-name")


def test_tasks_are_those_that_were_given_whatever_becomes_of_them(make: Any) -> None:
    tasks = grid(2)
    batch = make().batch(tasks)
    tasks["factor-2"].factor = 100
    run = batch.start("factor-2")
    wait(run)
    assert run.result().metrics == {"scaled": 8.0}


@pytest.mark.parametrize(
    "record",
    [
        {},
        [],
        {"kind": "os:system"},
        {"kind": "tg.common._core.process:run"},
        {"kind": "tg.common.delivery.execution.task_batch:TaskBatches"},
        {"kind": "tg.no.such.module:Batch"},
        {"kind": PACKAGE_BATCH, "protocol": 1},
        {
            "kind": "tg.common.delivery.execution.package_batch:PackageBatch",
            "protocol": 1,
            "tasks": 5,
        },
    ],
)
def test_a_record_that_is_none_is_a_typed_error(record: Any) -> None:
    with pytest.raises(FormatError):
        open_batch(record)


def test_records_of_newer_versions_are_told(make: Any) -> None:
    record = make().batch(grid(1)).record()
    with pytest.raises(ProtocolError, match="protocol 2"):
        open_batch({**record, "protocol": 2})
    shared = {**record["shared"], "launcher": {"kind": "moon"}}
    with pytest.raises(FormatError, match="moon"):
        open_batch({**record, "shared": shared})


def test_a_failure_says_what_is_to_blame(make: Any, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    batch = make().batch({**grid(1, fails=True), **grid(2, gate=str(gate))})
    failing, waiting = batch.start("factor-1"), batch.start("factor-2")
    with pytest.raises(TrainingFailedError, match="scale is broken"):
        wait(failing)
    assert failing.failure_kind is FailureKind.TASK
    assert waiting.failure_kind is None
    pid = RunFolder(Path(batch.record()["shared"]["launcher"]["runs_folder"], waiting.id)).read()
    os.kill(pid.details["pid"], signal.SIGKILL)
    with pytest.raises(InfrastructureError, match="SIGKILL"):
        wait(waiting)
    assert waiting.failure_kind is FailureKind.INTERRUPTED
    assert open_batch(batch.record()).run(waiting.id).failure_kind is FailureKind.INTERRUPTED


def test_states_of_many_runs_are_looked_up_at_once(make: Any) -> None:
    batch = make().batch(grid(1, 2))
    wait(batch.start("factor-1"))
    ids = [batch.run_id(name) for name in batch.names]
    assert batch.states(ids) == {ids[0]: RunState.COMPLETED}


def test_attached_runs_one_at_a_time_and_can_be_gone_on_with(make: Any, tmp_path: Path) -> None:
    batch = make("attached").batch(grid(1, 2))
    assert batch.max_parallel == 1
    assert batch.start("factor-1").result().metrics == {"scaled": 4.0}
    assert batch.start("factor-1").wait().result().task.factor == 1
    code = "print(batch.max_parallel, batch.start('factor-2').wait().state.value)"
    assert output_of(in_new_process(code, batch, folder=tmp_path)).split()[-2:] == [
        "1",
        "Completed",
    ]
    result = batch.run(batch.run_id("factor-2")).result()
    assert (result.metrics, result.task.factor) == ({"scaled": 8.0}, 2)


def test_a_batch_survives_that_temporary_files_are_removed(make: Any, project: Path) -> None:
    import shutil

    batch = make().batch(grid(2))
    record = batch.record()
    shutil.rmtree(project / "temp")
    wait(open_batch(record).start("factor-2"))


def test_runs_of_long_ago_are_read_without_installing_anything(
    make: Any, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = make().batch(grid(2))
    run = batch.start("factor-2")
    wait(run)
    cache = project / "pruned"
    monkeypatch.setenv("TG_CACHE", str(cache))
    again = open_batch(json.loads(json.dumps(batch.record())))
    assert again.states([run.id]) == {run.id: RunState.COMPLETED}
    assert again.run(run.id).result().metrics == {"scaled": 8.0}
    assert again.record() == batch.record()
    assert not list(cache.glob("environments/*"))
    again.prepare()
    assert len(list(cache.glob("environments/*/complete.json"))) == 1


def test_an_environment_that_cannot_be_made_leaves_nothing_of_a_run(
    make: Any, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = make().batch(grid(2))
    record = batch.record()
    (project / "a-file").touch()
    monkeypatch.setenv("TG_CACHE", str(project / "a-file"))
    again = open_batch(record)
    with pytest.raises(EnvironmentSetupError):
        again.start("factor-2")
    assert again.states([again.run_id("factor-2")]) == {}
    monkeypatch.undo()
    wait(open_batch(record).start("factor-2"))


def test_a_data_channel_may_not_be_called_as_that_of_the_task(make: Any) -> None:
    executor = make()
    executor.config.settings.channels = {"tg-job": "number.txt"}
    with pytest.raises(ConfigError, match="tg-job"):
        executor.batch(grid(1))


@pytest.mark.parametrize("place", ["process", "local"])
def test_two_projects_on_one_machine_never_share_a_run(
    make: Any, project: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = make(place).batch(grid(1))
    monkeypatch.setenv("TG_ROOT", str(project.parent / "another"))
    there = make(place).batch(grid(1))
    assert here.fingerprint("factor-1") == there.fingerprint("factor-1")
    assert here.run_id("factor-1") != there.run_id("factor-1")
