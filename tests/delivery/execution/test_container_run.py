"""What becomes of a training in a container, whatever happens to it; nothing stays behind."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tg.common._core.errors import (
    ConfigError,
    DatasetNotFoundError,
    EngineError,
    EngineUnavailableError,
    MemoryLimitError,
    RunCancelledError,
    RunTimeoutError,
    StorageError,
    TrainingFailedError,
    TrainingTimeoutError,
)
from tg.common.contract import RunState
from tg.common.delivery.docker import Containers, DockerEngine
from tg.common.delivery.execution import ContainerOptions
from tg.common.delivery.sagemaker import (
    SagemakerLocalExecutor,
    SagemakerProcessExecutor,
    SagemakerRoutine,
)

pytestmark = pytest.mark.docker

TASKS = """
    from tg.common.contract import TrainingTask


    class Does(TrainingTask):
        '''Does what a hyperparameter says: so one image serves all tests.'''

        def __init__(self):
            super().__init__()
            self.what = ""

        def run_with_environment(self, data, env):
            names = {"data": data, "env": env}
            exec(self.what, names)
            env.output_metric("done", names.get("done", 1))


    class Steps(Does):
        '''Counts to three, a checkpoint a step; waits in the third if it began with the first.'''

        def run_with_environment(self, data, env):
            import time

            done = env.load_checkpoint("steps") or []
            env.log(f"starts with {done}")
            is_fresh = not done
            for step in range(len(done), 3):
                if step == 2 and is_fresh:
                    env.log("waits")
                    time.sleep(600)
                done = [*done, step]
                env.save_checkpoint("steps", done)
            env.store_artifact(["runs", 0], "model", done)
            env.output_metric("steps", len(done))
"""
WAITS = "import time; env.log('waits'); time.sleep(600)"


def leftovers() -> str:
    """The names of all run containers that are in the engine."""
    lines = DockerEngine().lines(
        ["ps", "--all", "--filter", "label=training-grounds.kind=run", "--format", "{{.Names}}"]
    )
    return "\n".join(line for line in lines if line.startswith(("does-", "steps-")))


@pytest.fixture(autouse=True)
def _nothing_stays_in_the_engine() -> Iterator[None]:
    yield
    deadline = time.monotonic() + 10
    while (left := leftovers()) and time.monotonic() < deadline:
        time.sleep(0.2)  # the engine may still be removing one
    for name in left.split():
        Containers(DockerEngine()).remove(name)  # the next test is not to fail for it
    assert left == ""


@pytest.fixture
def make(project: Path, write_files: Callable[..., None]) -> Callable[..., SagemakerLocalExecutor]:
    write_files({"work/__init__.py": "", "work/tasks.py": TASKS})
    folder = project / "datasets" / "p"
    folder.mkdir(parents=True)
    pd.DataFrame({"x": [1]}).to_parquet(folder / "d.parquet")

    def executor(task: str = "Does", **options: Any) -> SagemakerLocalExecutor:
        routine = SagemakerRoutine(
            getattr(importlib.import_module("work.tasks"), task)(),
            "d.parquet",
            "p",
            datasets_folder=project / "datasets",
        )
        routine.config.containering.silent = True
        return SagemakerLocalExecutor(routine.config, ContainerOptions(**options))

    return executor


@pytest.fixture
def do(make: Any) -> Callable[..., Any]:
    """Run a piece of code as a task, to its end."""

    def run(what: str, **options: Any) -> Any:
        run = make(**options).submit({"what": textwrap.dedent(what)})
        return run.wait(timeout_seconds=120)

    return run


def wait_for(line: str, run: Any) -> None:
    for seen in run.logs():
        if seen.endswith(line):
            return
    raise AssertionError(f"the run ended without {line!r}")


def last_run(project: Path) -> dict[str, Any]:
    (record,) = (project / "data-cache" / "sagemaker" / "p" / "output").glob("*/run.json")
    values: dict[str, Any] = json.loads(record.read_text())
    return values


@pytest.mark.parametrize(
    ("what", "exit_code", "said"),
    [
        ("raise ValueError('the tea is cold')", 1, "ValueError: the tea is cold"),
        ("import sys; sys.exit(3)", 3, "SystemExit: 3"),
        ("import os; print('almost', flush=True); os._exit(7)", 7, "almost\n.*exit code 7"),
        ("import os; os.abort()", 134, "exit code 134"),
    ],
)
def test_a_task_that_fails_says_so_with_its_own_exit_code(
    do: Any, project: Path, what: str, exit_code: int, said: str
) -> None:
    with pytest.raises(TrainingFailedError, match=f"(?s){said}") as caught:
        do(what)
    assert caught.value.exit_code == exit_code
    assert last_run(project)["state"] == "Failed"
    assert not list(project.rglob("model.tar.gz"))


@pytest.mark.parametrize(
    "what",
    [
        "os.symlink({secret!r}, '/opt/ml/output/failure'); os._exit(3)",
        "os.mkfifo('/opt/ml/output/failure'); os._exit(3)",
        "os.mkdir('/opt/ml/output/failure'); os._exit(3)",
        "open('/opt/ml/output/failure', 'wb').truncate(2**40); os._exit(3)",
        "os.symlink({secret!r}, '/opt/ml/model/weights')",
        "os.symlink({folder!r}, '/opt/ml/model/weights')",
        "os.mkfifo('/opt/ml/model/weights')",
    ],
)
def test_what_it_leaves_leads_to_nothing_of_this_machine(
    do: Any, project: Path, tmp_path: Path, what: str
) -> None:
    secret = tmp_path / "secrets" / "key"
    secret.parent.mkdir()
    secret.write_text("very secret")
    with pytest.raises(TrainingFailedError) as caught:
        do("import os; " + what.format(secret=str(secret), folder=str(secret.parent)))
    assert "very secret" not in str(caught.value)
    assert len(str(caught.value)) < 10_000
    assert not list(project.rglob("model.tar.gz"))


def test_what_it_prints_comes_whole_whatever_it_is(do: Any) -> None:
    run = do(
        r"""
        import sys
        sys.stdout.buffer.write(b"caf\xe9 \xff\n")
        sys.stdout.flush()
        block = ("x" * 99 + "\n") * 10_000
        for _ in range(100):
            sys.stdout.write(block)
        print("no newline at the end", end="", flush=True)
        """
    )
    lines = list(run.logs())
    assert "caf\ufffd \ufffd" in lines
    assert sum(line == "x" * 99 for line in lines) == 1_000_000
    assert any(line.startswith("no newline at the end") for line in lines)
    assert run.result().metrics == {"done": 1.0}


def test_a_child_that_outlives_it_ends_with_the_container(do: Any) -> None:
    what = """
        import subprocess, sys
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        subprocess.Popen([sys.executable, "-c", "pass"], start_new_session=True)
    """
    assert do(what).state is RunState.COMPLETED


def test_a_container_out_of_memory_says_so_and_gives_the_limit(do: Any) -> None:
    with pytest.raises(MemoryLimitError, match="256 MiB") as caught:
        do("env.log('grows'); b = bytearray(2**30)\nfor i in range(0, 2**30, 4096): b[i] = 1",
           memory_gib=0.25)  # fmt: skip
    assert "grows" in caught.value.traceback_tail
    assert caught.value.exit_code == 137


def test_a_full_disk_fails_the_run_and_nothing_is_taken_for_whole(make: Any, project: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can mount a small disk")
    disk = project / "data-cache"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)], check=True)
    try:
        run = make().submit({"what": "open('/opt/ml/model/big', 'wb').write(bytes(2**24))"})
        with pytest.raises(StorageError, match="no space left"):
            run.wait(timeout_seconds=60)
        next(disk.rglob("big")).unlink()
        with pytest.raises(TrainingFailedError, match="No space left on device"):
            run.wait(timeout_seconds=60)
        assert not list(disk.rglob("model.tar.gz"))
        assert last_run(project)["state"] == "Failed"
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_run_that_takes_too_long_is_ended_and_keeps_its_checkpoints(make: Any) -> None:
    # long enough for a busy machine to come to the third step
    run = make("Steps", timeout_seconds=20).submit()
    with pytest.raises(TrainingTimeoutError, match="longer than 20 seconds"):
        run.wait(timeout_seconds=120)
    assert run.state is RunState.FAILED
    again = make("Steps").submit().wait(timeout_seconds=60)
    assert any(line.endswith("starts with [0, 1]") for line in again.logs())
    assert again.result().unpickle("runs/0/model.pkl") == [0, 1, 2]


def test_docker_stop_in_the_middle_then_resume_gives_the_same(make: Any) -> None:
    run = make("Steps").submit()
    wait_for("waits", run)
    DockerEngine().call(["stop", "-t", "60", run.id])  # a busy machine needs more than usual
    with pytest.raises(TrainingFailedError, match="asked to stop from outside"):
        run.wait(timeout_seconds=60)
    again = make("Steps").submit().wait(timeout_seconds=60)
    assert any(line.endswith("starts with [0, 1]") for line in again.logs())
    assert again.result().metrics == {"steps": 3.0}
    # completed: nothing is resumed any more
    assert not any((again._folder.path.parents[1] / "checkpoints").glob("*/*"))


def test_a_cancelled_run_stops_and_resumes(make: Any) -> None:
    run = make("Steps").submit()
    wait_for("waits", run)
    run.cancel()
    with pytest.raises(RunCancelledError):
        run.wait(timeout_seconds=60)
    run.cancel()  # again does nothing
    again = make("Steps").submit().wait(timeout_seconds=60)
    assert any(line.endswith("starts with [0, 1]") for line in again.logs())


def test_a_run_that_is_cancelled_at_once_stops_at_once(make: Any) -> None:
    for _ in range(3):
        run = make().submit({"what": WAITS})
        run.cancel()
        with pytest.raises(RunCancelledError):
            run.wait(timeout_seconds=60)  # half of what it is given before it is killed


def test_a_task_that_ignores_the_request_is_killed_in_the_end(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    what = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {WAITS}"
    run = make().submit({"what": what})
    wait_for("waits", run)
    run.cancel()  # does not wait for its end
    state = Containers(DockerEngine()).inspect(run.id)
    assert state is not None
    assert state.is_running
    monkeypatch.setattr("tg.common.delivery.execution.local_run.GRACE_SECONDS", 0.2)
    monkeypatch.setattr("tg.common.delivery.execution.container_run._STEP_SECONDS", 0.2)
    with pytest.raises(RunCancelledError):
        run.wait(timeout_seconds=60)


def test_a_container_that_somebody_removes_is_a_failed_run(make: Any) -> None:
    run = make().submit({"what": WAITS})
    wait_for("waits", run)
    other = make().run(run.id)
    DockerEngine().call(["rm", "--force", run.id])
    # this process is the submitter, and would wait for what it is about to start
    with pytest.raises(TrainingFailedError, match="container is gone"):
        other.wait(timeout_seconds=60)
    assert run.state is RunState.FAILED


def test_settings_reach_the_training_and_no_command_line(
    do: Any, monkeypatch: pytest.MonkeyPatch, project: Path
) -> None:
    monkeypatch.setenv("TEA_PASSWORD", "very secret")
    what = """
        import os, pathlib, socket
        assert os.environ["TEA_PASSWORD"] == "very secret"
        assert list(pathlib.Path("/sys/class/net").iterdir()) == [pathlib.Path("/sys/class/net/lo")]
        size = os.statvfs("/dev/shm")
        assert size.f_blocks * size.f_frsize == 2**29
        done = os.getuid()
        assert os.path.expanduser("~") == "/tmp"
    """
    run = do(
        what,
        environment=["TEA_PASSWORD"],
        network="none",
        shm_gib=0.5,
        cpus=1,
        memory_gib=2,
        docker_options=["--read-only", "--tmpfs", "/tmp"],
    )
    assert run.result().metrics == {"done": os.getuid()}
    assert "very secret" not in "".join(
        path.read_text(errors="replace") for path in project.rglob("*.json")
    )


def test_several_channels_reach_the_training_read_only(make: Any, project: Path) -> None:
    folder = project / "datasets" / "p"
    (folder / "both").mkdir()
    (folder / "both" / 'a, "b".txt').write_text("1")
    (folder / "one=1.txt").write_text("2")
    executor = make()
    executor.config.settings.channels = {"validation": "both", "weights": "one=1.txt"}
    what = """
        import json
        from pathlib import Path
        assert sorted(env.channels) == ["training", "validation", "weights"]
        texts = [p.read_text() for name in ("validation", "weights")
                 for p in env.channels[name].iterdir()]
        config = json.loads(Path("/opt/ml/input/config/inputdataconfig.json").read_text())
        assert sorted(config) == sorted(env.channels)
        try:
            (env.channels["validation"] / "new").write_text("x")
        except OSError:
            done = int("".join(texts))
    """
    run = executor.submit({"what": textwrap.dedent(what)}).wait(timeout_seconds=60)
    assert run.result().metrics == {"done": 12.0}
    executor.config.settings.channels = {"validation": "nothing"}
    with pytest.raises(DatasetNotFoundError, match="nothing"):
        executor.submit()
    for name in ("no/channel", ".."):
        executor.config.settings.channels = {name: "both"}
        with pytest.raises(ConfigError, match=f"'{name}'"):
            executor.submit()


def test_many_of_one_name_run_at_once_and_none_takes_anothers_result(make: Any) -> None:
    executor = make()
    executor.config.containering.make_container()
    runs: list[Any] = []
    threads = [
        threading.Thread(target=lambda n=n: runs.append(executor.submit({"what": f"done = {n}"})))
        for n in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({run.id for run in runs}) == 6
    values = [run.wait(timeout_seconds=120).result().metrics["done"] for run in runs]
    assert sorted(values) == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]


def test_a_run_is_waited_for_no_longer_than_asked(make: Any) -> None:
    run = make().submit({"what": WAITS})
    with pytest.raises(RunTimeoutError, match=r"0\.3 seconds"):
        run.wait(timeout_seconds=0.3)
    assert run.state is RunState.IN_PROGRESS
    with pytest.raises(RunTimeoutError):
        run.result()
    run.cancel()
    with pytest.raises(RunCancelledError):
        run.wait(timeout_seconds=60)


def test_a_gpu_that_is_not_there_is_refused_with_what_to_do(make: Any, project: Path) -> None:
    with pytest.raises(EngineError, match=r"NVIDIA container toolkit"):
        make(gpus="all").submit()
    assert not list(project.rglob("run.json"))


def test_without_a_client_or_an_engine_the_error_names_the_way_out(
    make: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, project: Path
) -> None:
    monkeypatch.setenv("TG_DOCKER", str(tmp_path / "docker"))
    with pytest.raises(EngineUnavailableError, match=r"no program(?s:.)*process executor"):
        make().execute()
    monkeypatch.delenv("TG_DOCKER")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing.sock")
    with pytest.raises(EngineUnavailableError, match=r"does not answer(?s:.)*process executor"):
        make().execute()
    assert not list(project.rglob("run.json"))


SUBMITS = """
    import sys
    sys.path.insert(0, {project!r})
    import work.tasks
    from tg.common.delivery.sagemaker import SagemakerRoutine
    routine = SagemakerRoutine(
        work.tasks.Steps(), "d.parquet", "p", datasets_folder={datasets!r}
    )
    routine.config.containering.silent = True
    {rest}
"""


def in_another_process(project: Path, rest: str) -> subprocess.Popen[str]:
    text = textwrap.dedent(SUBMITS).format(
        project=str(project), datasets=str(project / "datasets"), rest=rest
    )
    return subprocess.Popen(
        [sys.executable, "-c", text],
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_ctrl_c_stops_the_container_and_leaves_nothing(make: Any, project: Path) -> None:
    make("Steps").config.containering.make_container()
    notebook = in_another_process(project, "routine.local().execute()")
    assert notebook.stdout is not None
    for line in notebook.stdout:
        if line.endswith("waits\n"):
            break
    notebook.send_signal(signal.SIGINT)
    _, errors = notebook.communicate(timeout=60)
    assert errors.strip().endswith("KeyboardInterrupt")
    assert leftovers() == ""
    assert last_run(project)["state"] == "Stopped"


def test_a_run_goes_on_without_its_submitter_and_is_found_by_its_id(
    make: Any, project: Path
) -> None:
    make("Steps").config.containering.make_container()
    notebook = in_another_process(
        project, "print(routine.local().submit().id, flush=True); input()"
    )
    assert notebook.stdout is not None
    run_id = notebook.stdout.readline().strip()
    notebook.kill()
    notebook.communicate(timeout=60)
    run = make("Steps").run(run_id)
    wait_for("waits", run)
    assert run.state is RunState.IN_PROGRESS
    run.cancel()
    with pytest.raises(RunCancelledError):
        run.wait(timeout_seconds=60)


def test_after_a_start_that_failed_or_a_run_that_was_removed_it_can_be_started_again(
    make: Any, project: Path
) -> None:
    with pytest.raises(EngineError):
        make(gpus="all").submit()
    run = make().submit()
    assert run.wait(timeout_seconds=60).state is RunState.COMPLETED
    shutil.rmtree(project / "data-cache" / "sagemaker" / "p" / "output")
    assert make().submit().wait(timeout_seconds=60).state is RunState.COMPLETED


def test_the_same_training_elsewhere_at_once_leaves_a_run_alone(make: Any) -> None:
    executor = make("Steps")
    first = SagemakerProcessExecutor(executor.config).submit()
    wait_for("waits", first)
    second = executor.submit()
    try:
        assert first.state is RunState.IN_PROGRESS
        wait_for("waits", second)  # it began with the first step, not with what the other has left
    finally:
        first.cancel()
        second.cancel()
    for run in (first, second):
        with pytest.raises(RunCancelledError):
            run.wait(timeout_seconds=60)


def test_who_looks_while_a_container_is_made_waits_for_its_start(
    make: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A client that takes its time between making and starting; the same training at once."""
    slow_client(tmp_path, monkeypatch, "sleep 1")
    executor = make()
    executor.config.containering.make_container()
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda _: executor.submit({"what": "done = 4"}), range(4)))
    for run in runs:
        assert run.wait(timeout_seconds=60).result().metrics == {"done": 4.0}


def test_a_submitter_that_is_killed_while_a_container_is_made_loses_nothing(
    make: Any, project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made, gate = tmp_path / "made", tmp_path / "gate"
    # whoever waits for what a dead process has started does it for as long as this may take here
    monkeypatch.setattr("tg.common.delivery.execution.container_run._START_SECONDS", 300.0)
    waits = f"for _ in $(seq 600); do [ -e {gate} ] || sleep 0.1; done"
    slow_client(tmp_path, monkeypatch, f"touch {made}; {waits}")
    make("Steps").config.containering.make_container()
    notebook = in_another_process(project, "routine.local().submit()")
    while not made.exists():
        assert notebook.poll() is None
        time.sleep(0.05)
    notebook.kill()
    notebook.communicate(timeout=60)
    run = make("Steps").run(last_run(project)["run_id"])
    assert run.state is RunState.PENDING
    gate.touch()
    while run.state is RunState.PENDING:
        time.sleep(0.1)
    wait_for("waits", run)
    assert set(last_run(project)["details"]) >= {"checkpoints", "timeout_seconds"}
    run.cancel()
    with pytest.raises(RunCancelledError):
        run.wait(timeout_seconds=60)


def slow_client(folder: Path, monkeypatch: pytest.MonkeyPatch, between: str) -> None:
    """A client that makes and starts a container in two steps, with something in between."""
    client = folder / "slow-docker"
    client.write_text(
        "#!/bin/sh\n"
        'if [ "$1 $2" != "run --detach" ]; then exec docker "$@"; fi\n'
        f'shift 2; made=$(docker create "$@") || exit; {between}; exec docker start "$made"\n'
    )
    client.chmod(0o755)
    monkeypatch.setenv("TG_DOCKER", str(client))


def test_what_was_settled_by_halves_is_settled_by_the_next(make: Any) -> None:
    run = make().submit({"what": "done = 5"})
    Containers(DockerEngine()).wait(run.id, 60)
    record = run._folder.read()
    assert run._ending(record).exit_code == 0  # ... and there its process is killed
    assert make().run(run.id).wait(timeout_seconds=60).result().metrics == {"done": 5.0}


def test_files_belong_to_the_user_who_is_not_root(make: Any, project: Path) -> None:
    """As somebody else than root, who may talk to the engine."""
    if os.getuid() != 0:
        pytest.skip("only root can become somebody else")
    code = f"""
    import contextlib, os
    from pathlib import Path

    def train():
        run = routine.local().submit()
        run.cancel()
        with contextlib.suppress(Exception):
            run.wait()
        return run

    train()  # whatever is imported on the way may be for root alone
    project = Path({str(project)!r})
    for path in (project, *project.parents[:-2]):
        path.chmod(0o755)
    for path in (project, *project.rglob("*")):
        os.chown(path, 12345, 12345)
    os.setgroups([os.stat("/var/run/docker.sock").st_gid])
    os.setgid(12345)
    os.setuid(12345)
    os.environ["TG_CACHE"] = str(project / "cache")
    os.environ["HOME"] = str(project)
    run = train()
    print(run.state, *{{p.stat().st_uid for p in run._folder.path.rglob("*")}})
    """
    process = in_another_process(project, textwrap.dedent(code))
    out, errors = process.communicate(timeout=300)
    assert out.split()[1:] == ["12345"], errors
