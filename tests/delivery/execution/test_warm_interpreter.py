"""Many trainings from one warm interpreter: as quick as that, and as apart as fresh ones."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tg.common._core.errors import (
    InfrastructureError,
    RunCancelledError,
    StorageError,
    TrainingFailedError,
)
from tg.common.delivery.execution import warm_interpreter
from tg.common.delivery.execution.failure_kind import FailureKind
from tg.common.delivery.execution.process_identity import is_alive, process_identity
from tg.common.delivery.execution.run_folder import RunFolder
from tg.common.delivery.execution.task_batch import TaskBatch
from tg.common.delivery.sagemaker import SagemakerRoutine

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")

TASKS = """
    import os
    import random
    import signal
    import sys
    import threading
    import time
    from pathlib import Path

    from tg.common.contract import TrainingTask

    CHATTY = "import threading as t, time; t.Thread(target=time.sleep, args=[99], daemon=1).start()"


    class Acts(TrainingTask):
        '''Does what it is told, in a word.'''

        def __init__(self, word, gate=""):
            super().__init__()
            self.word = word
            self.gate = gate

        def run_with_environment(self, data, env):
            getattr(self, self.word.split("-")[0])(env)
            env.output_metric("done", 1)

        def draw(self, env):
            import numpy

            env.store_artifact([], "numbers", [numpy.random.rand(), random.random()])

        def look(self, env):
            env.store_artifact([], "knew", "colorsys" in sys.modules)
            env.store_artifact([], "parents", [os.getppid(), os.getsid(0), os.getpid()])
            import colorsys

        def spoil(self, env):
            env.store_artifact([], "spoiled", os.environ.get("SPOILED"))
            os.environ["SPOILED"] = "yes"
            os.chdir("/")

        def own(self, env):
            import nearby

            env.store_artifact([], "own", [nearby.BASE, nearby.TOKEN])

        def live(self, env):
            try:
                found = __import__("unpacked".strip()).VALUE
            except ImportError:
                found = "not there"
            env.store_artifact([], "found", found)

        def threads(self, env):
            library = next(Path(p) for p in sys.path if Path(p, __name__.split(".")[0]).is_dir())
            (library / "chatty.py").write_text(CHATTY)
            __import__("chatty".strip())
            env.store_artifact([], "parent", os.getppid())

        def die(self, env):
            os.kill(os.getpid(), getattr(signal, self.word.split("-")[1]))

        def grandchild(self, env):
            if os.fork() == 0:
                sys.exit(7)
            os.wait()
            time.sleep(0.5)

        def linger(self, env):
            threading.Thread(target=self.stay).start()

        def stay(self):
            main = threading.main_thread().ident
            while "_shutdown" not in self.called_by(sys._current_frames()[main]):
                time.sleep(0.01)
            print("is waited for", flush=True)
            time.sleep(600)

        def called_by(self, frame):
            return [frame.f_code.co_name, *self.called_by(frame.f_back)] if frame else []

        def leave(self, env):
            os.system("sleep 600 > /dev/null 2>&1 &")

        def wait(self, env):
            env.on_stop(lambda: env.log("stops"))
            env.log("waits")
            while not Path(self.gate).exists():
                time.sleep(0.01)
"""
NEARBY = """
    import os
    import uuid

    BASE = os.environ.get("SAGEMAKER_BASE_DIR", "none")
    TOKEN = uuid.uuid4().hex
"""


@pytest.fixture
def make(
    project: Path, write_files: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., TaskBatch]]:
    # a package of its own: a server that another test has left still learns for the next one
    write_files({"acts.py": f"{textwrap.dedent(TASKS)}\n# {project}\n", "nearby.py": NEARBY})
    (project / "datasets/p").mkdir(parents=True)
    (project / "datasets/p/d.txt").write_text("x")
    # a training may take longer here than a server is kept that nothing is asked of
    monkeypatch.setattr(warm_interpreter, "_IDLE_SECONDS", 900.0)
    made: list[TaskBatch] = []

    def batch(*words: str, gate: Path | str = "") -> TaskBatch:
        acts = importlib.import_module("acts").Acts
        tasks = {word: acts(word, str(gate)) for word in words}
        routine = SagemakerRoutine(
            next(iter(tasks.values())),
            "d.txt",
            "p",
            datasets_folder=project / "datasets",
            name="acts",
        )
        made.append(routine.process().batch(tasks))
        return made[-1]

    yield batch
    for one in made:
        if "_warm" in vars(one.source.launcher):
            one.source.launcher._warm.close()


@pytest.fixture
def stops() -> Iterator[list[int]]:
    """Process groups that a test may leave."""
    left: list[int] = []
    yield left
    for pid in left:
        try:
            os.killpg(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def has_learned(batch: Any, module: str) -> bool:
    lessons = batch.source.launcher._code.parent / "imports.txt"
    return lessons.exists() and module in lessons.read_text().split()


def folder_of(batch: TaskBatch, name: str) -> RunFolder:
    return RunFolder(Path("data-cache/sagemaker/p/output").absolute() / batch.run_id(name))


def details_of(batch: TaskBatch, name: str) -> dict[str, Any]:
    return dict(folder_of(batch, name).read().details)


def until(is_so: Callable[[], object], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def open_handles() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def is_asking() -> bool:
    """Whether a thread of this process has sent a request and waits for the answer."""
    stacks = map(traceback.extract_stack, sys._current_frames().values())
    return any(frame.name == "_receive" for stack in stacks for frame in stack)


def test_later_trainings_find_imported_what_earlier_ones_have(make: Callable[..., Any]) -> None:
    batch = make("look-1", "look-2", "look-3")
    results = [batch.start(name).wait().result() for name in batch.names]
    assert [result.unpickle("knew.pkl") for result in results] == [False, True, True]
    parents = [result.unpickle("parents.pkl") for result in results]
    assert len({parent for parent, _, _ in parents}) == 1
    assert all(session == own for _, session, own in parents)
    assert len({own for _, _, own in parents}) == 3


def test_each_draws_numbers_of_its_own(make: Callable[..., Any]) -> None:
    batch = make("draw-1", "draw-2", "draw-3")
    drawn = [batch.start(name).wait().result().unpickle("numbers.pkl") for name in batch.names]
    assert len({first for first, _ in drawn}) == 3
    assert len({second for _, second in drawn}) == 3


def test_what_one_does_to_its_process_no_other_sees(make: Callable[..., Any]) -> None:
    batch = make("spoil-1", "spoil-2")
    results = [batch.start(name).wait().result() for name in batch.names]
    assert [result.unpickle("spoiled.pkl") for result in results] == [None, None]


def test_the_users_modules_are_imported_by_each_training_in_its_own_place(
    make: Callable[..., Any],
) -> None:
    batch = make("own-1", "own-2", "own-3")
    found = [batch.start(name).wait().result().unpickle("own.pkl") for name in batch.names]
    ids = [batch.run_id(name) for name in batch.names]
    assert [Path(base).parts[-4] for base, _ in found] == ids
    assert len({token for _, token in found}) == 3


def test_code_that_did_not_travel_is_not_found_where_the_sweep_is_driven(
    make: Callable[..., Any], project: Path
) -> None:
    batch = make("live-1", "live-2", "live-3")
    (project / "unpacked.py").write_text("VALUE = 'edited since'")
    found = [batch.start(name).wait().result().unpickle("found.pkl") for name in batch.names]
    assert found == ["not there"] * 3


def test_what_a_library_keeps_running_is_not_forked(make: Callable[..., Any]) -> None:
    batch = make("threads-1", "threads-2", "threads-3")
    results = [batch.start(name).wait().result() for name in batch.names]
    parents = [result.unpickle("parent.pkl") for result in results]
    assert parents[0] != os.getpid()  # before anybody knew
    assert parents[2] == os.getpid()


@pytest.mark.parametrize(
    ("word", "how", "kind"),
    [
        ("die-SIGSEGV", "ended by SIGSEGV", FailureKind.TASK),
        ("die-SIGKILL", "ended by SIGKILL", FailureKind.INTERRUPTED),
    ],
)
def test_how_one_died_is_known_though_nobody_here_is_its_parent(
    make: Callable[..., Any], word: str, how: str, kind: FailureKind
) -> None:
    run = make(word).start(word)
    with pytest.raises(TrainingFailedError, match=how):
        run.wait()
    assert run.failure_kind is kind


def test_one_that_is_cancelled_stops_and_leaves_the_others_alone(
    make: Callable[..., Any], tmp_path: Path
) -> None:
    batch = make("wait-1", "wait-2", gate=tmp_path / "gate")
    first, second = (batch.start(name) for name in batch.names)
    until(lambda: "waits" in folder_of(batch, "wait-1").log_tail(1000))
    first.cancel()
    with pytest.raises(RunCancelledError):
        first.wait()
    assert "stops" in folder_of(batch, "wait-1").log_tail(1000)
    (tmp_path / "gate").touch()
    assert second.wait().result().metrics == {"done": 1.0}


def test_after_the_warm_interpreter_was_killed_another_is_warmed_up(
    make: Callable[..., Any],
) -> None:
    batch = make("look-1", "look-2", "look-3")
    batch.start("look-1").wait()
    details = details_of(batch, "look-1")
    server = details["server"]
    until(lambda: has_learned(batch, "colorsys"))
    os.kill(server, signal.SIGKILL)
    until(lambda: not is_alive(server, details["server_process"]))
    result = batch.start("look-2").wait().result()
    assert result.unpickle("parents.pkl")[0] not in (server, os.getpid())
    assert result.unpickle("knew.pkl") is True  # what was learned before is kept


@pytest.mark.parametrize("word", ["draw", "die-SIGKILL"])
def test_whoever_listens_is_told_that_a_training_has_ended(
    make: Callable[..., Any], word: str
) -> None:
    batch = make(word)
    told = threading.Event()
    batch.listen(told.set)
    run = batch.start(word)
    assert told.wait(120)
    assert run.has_ended
    batch.listen(None)


def test_a_process_that_the_training_forks_does_not_say_how_that_ends(
    make: Callable[..., Any],
) -> None:
    batch = make("grandchild")
    assert batch.start("grandchild").wait().result().metrics == {"done": 1.0}


def test_a_training_that_is_done_and_waits_for_its_threads_has_completed_when_stopped(
    make: Callable[..., Any],
) -> None:
    batch = make("linger")
    run = batch.start("linger")
    until(lambda: "is waited for" in folder_of(batch, "linger").log_tail(1000))
    run.cancel()
    assert run.wait(60).result().metrics == {"done": 1.0}


def test_what_a_training_leaves_running_keeps_nobody_listening(
    make: Callable[..., Any], stops: list[int]
) -> None:
    before = set(threading.enumerate())
    batch = make("leave")
    batch.start("leave").wait()
    stops.append(details_of(batch, "leave")["pid"])
    batch.source.launcher._warm.close()
    until(lambda: before.issuperset(threading.enumerate()))


def test_listening_ends_with_the_interpreter_and_its_trainings(
    make: Callable[..., Any], tmp_path: Path
) -> None:
    # else each sweep of a notebook leaves a thread and a pipe
    threads, handles = set(threading.enumerate()), open_handles()
    batch = make("wait-1", gate=tmp_path / "gate")
    run = batch.start("wait-1")
    until(lambda: "waits" in folder_of(batch, "wait-1").log_tail(1000))
    batch.source.launcher._warm.close()
    (tmp_path / "gate").touch()
    run.wait()
    until(lambda: threads.issuperset(threading.enumerate()))
    until(lambda: open_handles() <= handles)


def test_trainings_go_on_and_their_end_is_known_after_their_starter_was_killed(
    make: Callable[..., Any], tmp_path: Path, stops: list[int]
) -> None:
    gate = tmp_path / "gate"
    code = f"""
        import sys, time
        sys.path.insert(0, {str(Path.cwd())!r})
        from acts import Acts
        from tg.common.delivery.sagemaker import SagemakerRoutine
        tasks = {{word: Acts(word, {str(gate)!r}) for word in ("wait-1", "die-SIGSEGV")}}
        routine = SagemakerRoutine(
            tasks["wait-1"], "d.txt", "p", datasets_folder="datasets", name="acts"
        )
        batch = routine.process().batch(tasks)
        batch.start("wait-1")
        print("started", flush=True)
        time.sleep(60)
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True
    ) as starter:
        assert starter.stdout is not None
        until(lambda: starter.stdout and "started" in starter.stdout.readline())
        starter.kill()
    batch = make("wait-1", "die-SIGSEGV", gate=gate)
    run = batch.run(batch.run_id("wait-1"))
    details = details_of(batch, "wait-1")
    stops.append(details["pid"])
    assert is_alive(details["pid"], details["process"])
    gate.touch()
    assert run.wait().result().metrics == {"done": 1.0}
    until(lambda: not is_alive(details["server"], details["server_process"]))


def test_a_server_that_ends_with_its_trainings_unseen_is_no_success(
    make: Callable[..., Any], tmp_path: Path
) -> None:
    batch = make("wait-1", gate=tmp_path / "gate")
    run = batch.start("wait-1")
    until(lambda: "waits" in folder_of(batch, "wait-1").log_tail(1000))
    details = details_of(batch, "wait-1")
    os.kill(details["server"], signal.SIGKILL)
    os.killpg(details["pid"], signal.SIGKILL)
    with pytest.raises((TrainingFailedError, InfrastructureError)):
        run.wait()
    assert run.failure_kind is FailureKind.INTERRUPTED


def test_a_warm_interpreter_that_is_killed_before_it_answers_costs_no_training(
    make: Callable[..., Any],
) -> None:
    batch = make("look-1", "look-2")
    batch.start("look-1").wait()
    server = details_of(batch, "look-1")["server"]
    os.kill(server, signal.SIGSTOP)
    with ThreadPoolExecutor() as threads:
        started = threads.submit(batch.start, "look-2")
        until(is_asking)
        os.kill(server, signal.SIGKILL)
        result = started.result(120).wait().result()
    assert result.unpickle("parents.pkl")[0] == os.getpid()


def test_no_answer_is_taken_for_that_to_another_request(make: Callable[..., Any]) -> None:
    batch = make("look-1", "look-2", "look-3")
    batch.start("look-1").wait()
    server = details_of(batch, "look-1")["server"]
    os.kill(server, signal.SIGSTOP)
    with pytest.MonkeyPatch.context() as patch:
        # now that it runs: to start it may take longer than to give it up
        batch.source.launcher._warm._channel.settimeout(3.0)
        patch.setattr(warm_interpreter, "_FORK_SECONDS", 2.0)
        second = batch.start("look-2")
    os.kill(server, signal.SIGCONT)
    third = batch.start("look-3")
    parents = [run.wait().result().unpickle("parents.pkl") for run in (second, third)]
    pids = [details_of(batch, name)["pid"] for name in ("look-2", "look-3")]
    assert [own for _, _, own in parents] == pids
    assert parents[0][0] == os.getpid()


def test_a_training_that_cannot_be_noted_is_ended(
    make: Callable[..., Any], tmp_path: Path, stops: list[int]
) -> None:
    batch = make("look-1", "wait-1", gate=tmp_path / "gate")
    batch.start("look-1").wait()
    folder = folder_of(batch, "wait-1")

    def full(self: RunFolder, **changes: Any) -> Any:
        until(lambda: self.read_number("pid") is not None)
        stops.append(self.read_number("pid") or 0)
        raise StorageError("the disk is full")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunFolder, "update", full)
        with pytest.raises(StorageError):
            batch.start("wait-1")
    until(lambda: not process_identity(stops[0]))
    (tmp_path / "gate").touch()
    assert batch.start("wait-1").wait().result().metrics == {"done": 1.0}
    assert folder.read().details["pid"] != stops[0]


def test_a_process_that_was_forked_has_a_warm_interpreter_of_its_own(
    make: Callable[..., Any],
) -> None:
    batch = make("look-1", "look-2", "look-3")
    batch.start("look-1").wait()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the threads here hold no lock
        pid = os.fork()
    if pid == 0:
        try:
            batch.start("look-2").wait()
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    batch.start("look-3").wait()
    servers = [details_of(batch, name)["server"] for name in batch.names]
    assert servers[0] == servers[2] != servers[1]
