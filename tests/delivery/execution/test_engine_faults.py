"""An engine that stops, dies or hangs: the training is not lost, and nothing is taken for whole."""

from __future__ import annotations

import contextlib
import importlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from own_engine import OwnEngine

from tg.common._core.errors import EngineUnavailableError, TrainingFailedError
from tg.common.contract import RunState
from tg.common.delivery.docker import DockerEngine
from tg.common.delivery.sagemaker import SagemakerLocalExecutor, SagemakerRoutine

pytestmark = [pytest.mark.docker, pytest.mark.slow]

TASKS = """
    import time

    from tg.common.contract import TrainingTask


    class Brew(TrainingTask):
        '''Three folds, a checkpoint each; waits in the third if it began with the first.'''

        def run_with_environment(self, data, env):
            done = env.load_checkpoint("folds") or []
            is_fresh = not done
            env.log(f"starts with {done}")
            for fold in range(len(done), 3):
                if fold == 2 and is_fresh:
                    env.log("waits")
                    time.sleep(600)
                done = [*done, fold / 7]
                env.save_checkpoint("folds", done)
            env.output_metric("sum", sum(done))
"""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnEngine]:
    with OwnEngine(tmp_path_factory.mktemp("engine")) as engine:
        yield engine


@pytest.fixture
def executor(
    engine: OwnEngine,
    project: Path,
    write_files: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> SagemakerLocalExecutor:
    write_files({"brew/__init__.py": "", "brew/tasks.py": TASKS})
    folder = project / "datasets" / "p"
    folder.mkdir(parents=True)
    pd.DataFrame({"x": [1]}).to_parquet(folder / "d.parquet")
    task = importlib.import_module("brew.tasks").Brew()
    routine = SagemakerRoutine(task, "d.parquet", "p", datasets_folder=project / "datasets")
    containering = routine.config.containering
    containering.silent = True
    # made by the machine's engine, which reaches the index
    image = containering.make_container()
    if image.reference not in engine.docker("images", "--format", "{{.Repository}}:{{.Tag}}"):
        for name in (containering.base_image_name, image.dependencies, image.reference):
            engine.load_image(name)
    monkeypatch.setenv("DOCKER_HOST", engine.host)
    assert not containering.make_container().was_built
    return routine.local()


@pytest.fixture(autouse=True)
def _nothing_stays_in_the_engine(engine: OwnEngine) -> Iterator[None]:
    yield
    assert engine.docker("ps", "--all", "--quiet") == ""


def started(executor: SagemakerLocalExecutor) -> Any:
    run = executor.submit()
    for line in run.logs():
        if line.endswith("waits"):
            return run
    raise AssertionError("the run ended")


def assert_resumes(executor: SagemakerLocalExecutor) -> None:
    again = executor.submit().wait(timeout_seconds=60)
    assert any("starts with [0.0, 0.14" in line for line in again.logs())
    unbroken = 0 / 7 + 1 / 7 + 2 / 7
    assert again.result().metrics == {"sum": unbroken}


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_an_engine_that_goes_away_and_comes_back(
    engine: OwnEngine, executor: SagemakerLocalExecutor, how: str, project: Path
) -> None:
    run = started(executor)
    getattr(engine, how)()
    with pytest.raises(EngineUnavailableError, match="does not answer"):
        run.wait(timeout_seconds=60)
    with pytest.raises(EngineUnavailableError, match="does not answer"):
        executor.submit()
    with pytest.raises(EngineUnavailableError):
        run.cancel()
    with pytest.raises(EngineUnavailableError):
        list(run.logs())
    assert [path.parent.name for path in project.rglob("run.json")] == [run.id]
    engine.start()
    with pytest.raises(TrainingFailedError, match="from outside"):
        run.wait(timeout_seconds=60)
    assert any(line.endswith("waits") for line in run.logs())
    assert_resumes(executor)


def test_an_engine_that_goes_away_while_it_is_waited_for(
    engine: OwnEngine, executor: SagemakerLocalExecutor
) -> None:
    run = started(executor)
    lines = run.logs()
    next(lines)
    engine.kill()
    with pytest.raises(EngineUnavailableError):
        for _ in lines:
            pass
    engine.start()
    with pytest.raises(TrainingFailedError, match="from outside"):
        run.wait(timeout_seconds=60)
    assert_resumes(executor)


def command_lines() -> Iterator[bytes]:
    """The processes of this machine; it sees those in the engine's namespaces as well."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            yield path.read_bytes()


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_an_engine_that_goes_away_during_a_build(
    engine: OwnEngine, executor: SagemakerLocalExecutor, how: str, project: Path
) -> None:
    containering = executor.config.containering
    template = containering.dockerfile_template
    containering.dockerfile_template = template.replace("USER root", "USER root\nRUN sleep 321")
    errors: list[BaseException] = []

    def submit() -> None:
        try:
            executor.submit()
        except BaseException as exc:
            errors.append(exc)

    thread = threading.Thread(target=submit)
    thread.start()
    while b"sleep\x00321\x00" not in list(command_lines()):
        assert thread.is_alive(), errors
        time.sleep(0.05)
    getattr(engine, how)()
    thread.join(timeout=60)
    engine.start()
    assert [type(error) for error in errors] == [EngineUnavailableError]
    assert any(words in str(errors[0]) for words in ("build again", "does not answer"))
    assert not list(project.rglob("run.json"))
    # what was there before still works
    containering.dockerfile_template = template
    assert not containering.make_container().was_built


def test_an_engine_that_hangs_is_told_from_one_that_works(
    engine: OwnEngine, executor: SagemakerLocalExecutor
) -> None:
    run = started(executor)
    # no patience from here on: on a busy machine a container takes longer to start
    executor.config.containering.engine = DockerEngine(call_seconds=2)
    impatient = executor.run(run.id)
    engine.freeze()
    try:
        with pytest.raises(EngineUnavailableError, match="took more than 2 seconds"):
            _ = impatient.state
    finally:
        engine.thaw()
    assert run.state is RunState.IN_PROGRESS
    DockerEngine().call(["kill", run.id])
    with pytest.raises(TrainingFailedError, match="killed from outside"):
        run.wait(timeout_seconds=60)
