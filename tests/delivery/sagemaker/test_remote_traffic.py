"""What goes to and fro for a remote training, counted where it arrives."""

from __future__ import annotations

import importlib
import io
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tg.common._core.archive_writer import Member, write_tar_gz
from tg.common._core.errors import RunCancelledError, TgError
from tg.common.delivery.docker import DockerEngine
from tg.common.delivery.docker.recent_images import RECENT_IMAGES
from tg.common.delivery.execution import ResultLoader
from tg.common.delivery.sagemaker import RemoteOptions, SagemakerRoutine
from tg.common.delivery.sagemaker.aws import AwsClients
from tg.common.delivery.sagemaker.ecr_pusher import EcrPusher
from tg.common.delivery.sagemaker.remote_executor import SagemakerRemoteExecutor
from tg.common.delivery.sagemaker.result_copy import ResultCopy
from tg.common.delivery.sagemaker.result_download import RemoteResult
from tg.rehearsal import Rehearsal

pytestmark = [pytest.mark.docker, pytest.mark.rehearsal, pytest.mark.slow]

TASKS = """
    import time

    from tg.common.contract import TrainingTask


    class Leaves(TrainingTask):
        def __init__(self):
            super().__init__()
            self.waits = 0

        def run_with_environment(self, data, env):
            env.store_artifact(["runs", 0], "training_task", self)
            env.store_artifact(["runs", 0], "noise", bytes(5_000_000))
            env.log("waits")
            time.sleep(self.waits)
            env.output_metric("leaves", 7)
"""
PROGRAM = """
import json, os, sys
from far.tasks import Leaves
from tg.common.delivery.sagemaker import SagemakerRoutine

class Guard:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "sagemaker" and target is None:
            asked_for.append(name)

asked_for = []
sys.meta_path.insert(0, Guard())
routine = SagemakerRoutine(
    Leaves(), "d.bin", "p", datasets_folder="datasets", bucket=sys.argv[1], role=sys.argv[2]
)
routine.config.containering.silent = True
routine.remote().submit({"waits:int": 600})
print(asked_for + [name for name in sys.modules if name.partition(".")[0] == "sagemaker"])
"""


class CountingEngine(DockerEngine):
    """A real engine that also keeps what it was asked to do."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def call(self, args: Sequence[str], **options: Any) -> Any:
        self.asked.append(args[0])
        return super().call(args, **options)


@pytest.fixture(scope="module", autouse=True)
def _has_the_extra() -> None:
    for name in ("moto", "boto3", "bcrypt"):
        pytest.importorskip(name, reason="the extra [rehearsal] is not installed")


@pytest.fixture(scope="module")
def cloud() -> Iterator[Rehearsal]:
    with Rehearsal(grace_seconds=5) as cloud:
        yield cloud


@pytest.fixture(autouse=True)
def _remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """An image is known for longer than a busy machine takes from one submission to the next."""
    monkeypatch.setattr(RECENT_IMAGES, "_seconds", 3_600.0)


@pytest.fixture
def make(cloud: Rehearsal, project: Path, write_files: Callable[..., None]) -> Callable[..., Any]:
    write_files({"far/__init__.py": "", "far/tasks.py": TASKS})
    folder = project / "datasets" / "p"
    folder.mkdir(parents=True)
    (folder / "d.bin").write_bytes(bytes(100_000))

    def routine(**options: Any) -> Any:
        made = SagemakerRoutine(
            importlib.import_module("far.tasks").Leaves(),
            "d.bin",
            "p",
            datasets_folder=project / "datasets",
            bucket=cloud.bucket,
            role=cloud.role_arn,
        )
        made.config.containering.silent = True
        made.config.containering.engine = CountingEngine()
        return made, made.remote(RemoteOptions(**options))

    return routine


def test_unchanged_code_is_neither_built_nor_pushed_nor_is_its_data_sent(
    make: Any, cloud: Rehearsal
) -> None:
    _, first = make()
    first.submit({"waits:int": 600}).cancel()
    routine, second = make()
    names = ("s3.*", "registry.*", "ecr.*", "registry.Login", "*")
    before, pushed = {name: cloud.calls(name) for name in names}, cloud.image_bytes
    run = second.submit({"waits:int": 601})  # another training of the same code
    spent = {name: cloud.calls(name) - calls for name, calls in before.items()}
    run.cancel()
    assert "build" not in routine.config.containering.engine.asked
    assert "push" not in routine.config.containering.engine.asked
    assert cloud.image_bytes == pushed
    assert spent["registry.*"].received_bytes == 0
    assert spent["s3.*"].received_bytes == 0
    # one look at the data, one at the image, and the job; a login is for the process
    assert (spent["s3.*"].count, spent["ecr.*"].count) == (1, 0)
    assert spent["*"].count - spent["registry.Login"].count == 3


def image_of(run: Any) -> str:
    described = run.describe()
    run.cancel()
    return str(described["AlgorithmSpecification"]["TrainingImage"])


def test_a_submission_again_asks_the_engine_nothing_and_reads_no_data(
    make: Any, project: Path, opened: list[str]
) -> None:
    data = project / "datasets" / "p" / "d.bin"
    os.utime(data, (1, 1))
    routine, executor = make()
    image = image_of(executor.submit({"waits:int": 603}))
    time.sleep(2.1)  # so young a file may change without a sign of it, and is read again
    executor.submit({"waits:int": 604}).cancel()
    asked = routine.config.containering.engine.asked
    asked.clear()
    opened.clear()
    runs = [routine.remote().submit({"waits:int": 605 + number}) for number in range(3)]
    read = list(opened)
    assert asked == []
    assert str(data) not in read
    assert [image_of(run) for run in runs] == [image] * 3


def test_what_changed_since_the_last_submission_is_noticed(
    make: Any, cloud: Rehearsal, project: Path, write_files: Callable[..., None]
) -> None:
    routine, executor = make()
    seen = [image_of(executor.submit({"waits:int": 620}))]
    # an option of the image
    routine.config.containering.build_steps = ["ENV TEA=green"]
    seen.append(image_of(executor.submit({"waits:int": 620})))
    # a file of the package
    write_files({"far/tasks.py": TASKS + "\n    # edited"})
    seen.append(image_of(executor.submit({"waits:int": 620})))
    assert len(set(seen)) == 3
    # the data
    before = cloud.calls("s3.*")
    (project / "datasets" / "p" / "d.bin").write_bytes(bytes(99_999) + b"1")
    run = executor.submit({"waits:int": 621})
    assert (cloud.calls("s3.*") - before).received_bytes >= 100_000
    assert image_of(run) == seen[-1]


def test_an_image_that_a_registry_has_not_is_pushed_there_without_a_build(
    make: Any,
) -> None:
    routine, executor = make()
    # an image of its own: one that an earlier test has pushed would not be built here
    routine.config.packaging.version = "630"
    image = image_of(executor.submit({"waits:int": 630}))
    asked = routine.config.containering.engine.asked
    asked.clear()
    clients = AwsClients()
    pusher = EcrPusher(clients, "other", engine=routine.config.containering.engine)
    elsewhere = SagemakerRemoteExecutor(routine.config, clients=clients, pusher=pusher)
    other = image_of(elsewhere.submit({"waits:int": 631}))
    assert "push" in asked
    assert "build" not in asked
    assert other.partition("/")[2].partition("@")[0] == "other"
    assert other.partition("@")[2] == image.partition("@")[2]
    asked.clear()
    assert image_of(elsewhere.submit({"waits:int": 632})) == other
    assert asked == []


def test_the_tasks_of_a_batch_ask_for_image_and_data_once(
    make: Any, cloud: Rehearsal, project: Path, opened: list[str]
) -> None:
    routine, executor = make()
    executor.submit({"waits:int": 640}).cancel()
    task = importlib.import_module("far.tasks").Leaves
    batch = executor.batch({f"task-{number}": task() for number in range(20)}, batch_id="b")
    batch.prepare()
    time.sleep(2.1)  # so young a file may change without a sign of it, and is read again
    batch.fingerprint("task-0")
    asked = routine.config.containering.engine.asked
    asked.clear()
    opened.clear()
    names = ("s3.PutObject", "sagemaker.CreateTrainingJob", "ecr.*")
    before = {name: cloud.calls(name) for name in names}
    runs = [batch.start(name) for name in batch.names]
    read = list(opened)
    spent = [(cloud.calls(name) - calls).count for name, calls in before.items()]
    for run in runs:
        run.cancel()
    assert asked == []
    assert str(project / "datasets" / "p" / "d.bin") not in read
    assert spent == [20, 20, 0]


def test_the_first_submission_of_a_process_imports_no_sdk(
    make: Any, cloud: Rehearsal, project: Path
) -> None:
    command = [sys.executable, "-c", PROGRAM, cloud.bucket, cloud.role_arn]
    told = subprocess.run(
        command,
        cwd=project,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(project)},
    )
    assert told.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("compression", ["GZIP", "NONE"])
def test_a_result_is_opened_where_it_is_and_fetched_when_asked_for(
    make: Any, cloud: Rehearsal, project: Path, compression: str
) -> None:
    options = {} if compression == "GZIP" else {"compression": compression}
    _, executor = make(**options)
    run = executor.submit().wait(timeout_seconds=300)
    result = executor.load_result(run.id)
    assert result.metrics == {"leaves": 7.0}
    task = result.unpickle("runs/0/training_task.pkl")
    assert type(task) is importlib.import_module("far.tasks").Leaves
    assert result.get_path("runs/0/").joinpath("noise.pkl").stat().st_size > 5_000_000
    copies = [path for path in project.rglob("model.tar.gz") if "output" in path.parts]
    assert copies == []
    again = pickle.loads(pickle.dumps(result))
    assert again.list() == result.list()
    assert ResultLoader(result.path).metrics == again.metrics
    # from now on nothing is asked of S3 for it
    before = cloud.calls("s3.*")
    assert executor.get_result(run.id).unpickle("runs/0/training_task.pkl").waits == 0
    assert cloud.calls("s3.*") == before


def test_what_a_stopped_training_has_left_can_be_read(make: Any) -> None:
    _, executor = make()
    run = executor.submit({"waits:int": 602})
    for line in run.logs():
        if line.endswith("waits"):
            break
    run.cancel()
    with pytest.raises(RunCancelledError):
        run.wait(timeout_seconds=300)
    with pytest.raises(RunCancelledError):
        run.result()
    left = run.partial_result()
    assert "manifest.json" not in left.list()
    assert left.unpickle("runs/0/training_task.pkl").waits == 602
    with pytest.raises(TgError, match=r"metrics\.json"):
        _ = left.metrics


def test_of_a_large_result_one_percent_is_fetched_for_a_listing_and_an_artifact(
    cloud: Rehearsal, tmp_path: Path
) -> None:
    storage = AwsClients().client("s3")
    piece, small = os.urandom(4 << 20), os.urandom(10_000)
    large = tmp_path / "large"
    large.write_bytes(piece * 8)
    names = [f"runs/{number}/model.pkl" for number in range(4)]
    members = [Member(name="runs/0/info.pkl", content=small)]
    members += [Member(name=name, content=large) for name in names]
    archive = io.BytesIO()
    write_tar_gz(archive, members, small_first=True, compress_level=0)
    size = archive.tell()
    storage.put_object(Bucket=cloud.bucket, Key="l/model.tar.gz", Body=archive.getvalue())
    for name in names:
        storage.upload_file(str(large), cloud.bucket, f"l/model/{name}")
    storage.put_object(Bucket=cloud.bucket, Key="l/model/runs/0/info.pkl", Body=small)
    for key in ("l/model.tar.gz", "l/model/"):
        before = cloud.calls("s3.*")
        result = ResultLoader(RemoteResult(AwsClients(), f"s3://{cloud.bucket}/{key}"))
        assert set(names) < set(result.list())
        assert result.get_path("runs/0/info.pkl").read_bytes() == small
        assert (cloud.calls("s3.*") - before).sent_bytes <= size / 100


def test_a_copy_of_another_result_of_the_same_name_is_not_taken_for_it(
    cloud: Rehearsal, tmp_path: Path
) -> None:
    storage = AwsClients().client("s3")
    path = tmp_path / "job" / "output" / "model.tar.gz"
    for origin, content in (("rehearsal", b"1"), ("the real one", b"2"), ("the real one", b"2")):
        archive = io.BytesIO()
        write_tar_gz(archive, [Member(name="a", content=content)])
        storage.put_object(Bucket=cloud.bucket, Key="c/model.tar.gz", Body=archive.getvalue())
        copy = ResultCopy(path=path, origin=origin)
        remote = RemoteResult(AwsClients(), f"s3://{cloud.bucket}/c/model.tar.gz", copy=copy)
        fetched = ResultLoader(remote)
        assert fetched.path == path
        assert fetched.get_path("a").read_bytes() == content
        assert copy.is_there
