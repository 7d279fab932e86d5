"""What is built, what is found again, and what an image holds, on the real engine."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tg.common.delivery.delivery import Containering
from tg.common.delivery.delivery.training_image import Image

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("project")]

Make = Callable[..., Containering]
Docker = Callable[..., str]

JOB = """
    import sys

    class Job:
        def run(self):
            print("brews", {number}, [p for p in sys.path if p.startswith("/opt/tg")])
"""
# all that is below /opt, with what is in it; bytecode and the times of wheels differ, and records
LISTING = """
import hashlib, json, os
IGNORED = (".pyc", "RECORD", "uv_cache.json")
found = {}
for folder, folders, files in os.walk("/opt"):
    for name in sorted(folders + files):
        path = os.path.join(folder, name)
        mode = os.lstat(path)
        what = [oct(mode.st_mode), mode.st_uid, mode.st_gid]
        if os.path.islink(path):
            what.append(os.readlink(path))
        elif os.path.isfile(path) and not name.endswith(IGNORED):
            what.append(hashlib.sha256(open(path, "rb").read()).hexdigest())
        found[path] = what
print(json.dumps(found))
"""


@pytest.fixture
def write_job(write_files: Any) -> Callable[[int], Any]:
    def write(number: int) -> Any:
        write_files({"brewing.py": JOB.format(number=number)})
        import brewing

        return brewing.Job()

    return write


@pytest.fixture
def brewed(run_docker: Docker) -> Callable[[str], str]:
    """Run the training of an image as far as it comes on its own."""

    def run(image: str) -> str:
        options = ["--rm", "--user", "12345:12345", "--read-only", "--network", "none"]
        return run_docker("run", *options, "--tmpfs", "/opt/ml:mode=1777", image, "train")

    return run


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


def layers(run_docker: Docker, image: str) -> list[str]:
    form = "{{json .RootFS.Layers}}"
    found: list[str] = json.loads(run_docker("image", "inspect", "--format", form, image))
    return found


def test_unchanged_code_builds_nothing_and_an_edit_one_layer_without_any_index(
    containering_of: Make,
    write_job: Any,
    brewed: Any,
    run_docker: Docker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = containering_of(write_job(1)).make_container()
    assert first.was_built
    assert "brews 1" in brewed(first.id)

    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    again = containering_of(write_job(1)).make_container()
    assert (again.was_built, again.id) == (False, first.id)

    edited = containering_of(write_job(2), build_network="none").make_container()
    assert edited.was_built
    assert edited.dependencies == first.dependencies
    before, after = layers(run_docker, first.id), layers(run_docker, edited.id)
    assert len(before) == len(after)
    assert [a == b for a, b in zip(before, after, strict=True)].count(False) == 1
    assert "brews 2" in brewed(edited.id)

    # one explicit version: the name is the latest one's, the older one is found by what is in it
    assert edited.reference == first.reference
    form = ("image", "inspect", "--format", "{{.Id}}")
    assert run_docker(*form, first.reference).strip() == edited.id
    back = containering_of(write_job(1)).make_container()
    assert (back.was_built, back.id) == (False, first.id)
    assert run_docker(*form, first.reference).strip() == first.id


def test_another_lock_makes_another_dependency_image(
    containering_of: Make, write_job: Any, run_docker: Docker
) -> None:
    first = containering_of(write_job(1)).make_container()
    second = containering_of(write_job(1), dependencies=("six==1.17.0",)).make_container()
    assert second.dependencies != first.dependencies
    python = ("run", "--rm", second.id, "python", "-c")
    assert run_docker(*python, "import six; print(six.__version__)").strip() == "1.17.0"


@pytest.mark.usefixtures("umask")
def test_both_builders_give_the_same_image_which_any_user_can_run(
    containering_of: Make, write_job: Any, brewed: Any, run_docker: Docker, base: Any
) -> None:
    seen = {}
    steps = ["ARG LATER=yes", 'RUN echo "$EARLY $LATER" > /opt/step; ls /opt/venv > /opt/seen']
    for builder in ("buildkit", "classic"):
        base.forget(base.id)
        containering = containering_of(write_job(1), dependencies=("six==1.17.0",), builder=builder)
        containering.dockerfile_template = containering.dockerfile_template.replace(
            "USER root\n", "USER root\nARG EARLY=said\n"
        )
        containering.build_steps = steps
        image = containering.make_container()
        assert image.was_built
        form = "{{json .Config}}"
        config = json.loads(run_docker("image", "inspect", "--format", form, image.id))
        seen[builder] = {
            "hash": image.content_hash,
            "config": {k: config.get(k) for k in ("User", "Env", "Cmd", "Entrypoint", "Labels")},
            "files": json.loads(run_docker("run", "--rm", image.id, "python", "-c", LISTING)),
            "prints": brewed(image.id).splitlines()[-3:-2],
            "step": run_docker("run", "--rm", image.id, "cat", "/opt/step"),
        }
    buildkit, classic = seen["buildkit"], seen["classic"]
    files = buildkit.pop("files"), classic.pop("files")
    assert {k: (v, files[1].get(k)) for k, v in files[0].items() if files[1].get(k) != v} == {}
    assert files[0].keys() == files[1].keys()
    assert buildkit == classic
    assert classic["step"] == "said yes\n"
    assert classic["config"]["Cmd"] == ["train"]
    assert not classic["config"]["Entrypoint"]


def test_an_image_holds_the_lock_and_nothing_else_and_says_where_it_comes_from(
    containering_of: Make, write_job: Any, run_docker: Docker, project: Path
) -> None:
    git = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    write_job(1)
    for command in (["init", "-q"], ["add", "."], [*git, "commit", "-q", "-m", "tea"]):
        os.spawnvp(os.P_WAIT, "git", ["git", "-C", str(project), *command])
    containering = containering_of(write_job(3))  # a change that is not committed
    package = containering._packaging.make_package()  # type: ignore[union-attr]
    image = containering.make_container(package)
    code = (
        "import importlib.metadata as m, json;"
        "print(json.dumps(sorted(f'{d.name}=={d.version}' for d in m.distributions())))"
    )
    installed = json.loads(run_docker("run", "--rm", image.id, "/opt/venv/bin/python", "-c", code))
    assert installed == sorted(package.manifest.lock)
    assert not {"boto3", "docker", "uv", "pip", "sagemaker"} & {p.split("==")[0] for p in installed}
    find = "find / -xdev -name 'uv*' -type f -perm -100; ls -A /run/secrets /run/tg 2>/dev/null"
    assert "uv\n" not in run_docker("run", "--rm", image.id, "sh", "-c", f"{find}; true")

    form = "{{json .Config.Labels}}"
    labels = json.loads(run_docker("image", "inspect", "--format", form, image.id))
    commit = labels["org.opencontainers.image.revision"]
    assert len(commit) == 40
    assert labels["training-grounds.commit"] == f"{commit}-dirty"
    assert labels["training-grounds.kind"] == "image"
    assert labels["training-grounds.name"] == "Tea"
    assert labels["training-grounds.version"] == "1"
    assert labels["training-grounds.content-hash"] == image.content_hash
    of_lock = json.loads(run_docker("image", "inspect", "--format", form, image.dependencies))
    assert of_lock["training-grounds.kind"] == "dependencies"
    assert image.dependencies.endswith(f":{labels['training-grounds.dependencies']}")


@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_two_builds_at_once_each_get_their_own_image(
    containering_of: Make, write_job: Any, brewed: Any, builder: str
) -> None:
    # a lock of its own, so that both want to make the image of it; and one name for both contents
    containerings = []
    for number in (1, 1, 2):
        job = write_job(number)
        made = containering_of(job, name=f"At{builder}", builder=builder)
        made.build_steps = [f"ENV BUILT_BY={builder}"]
        containerings.append((made, made._packaging.make_package()))  # type: ignore[union-attr]
    images: dict[int, Image] = {}

    def build(index: int) -> None:
        made, package = containerings[index]
        images[index] = made.make_container(package)

    threads = [threading.Thread(target=build, args=(index,)) for index in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert images[0].reference == images[1].reference == images[2].reference
    assert images[0].content_hash == images[1].content_hash != images[2].content_hash
    assert ["brews 1" in brewed(images[i].id) for i in range(3)] == [True, True, False]
    assert "brews 2" in brewed(images[2].id)


TASK = """
    from tg.common.contract import TrainingTask

    class Sum(TrainingTask):
        def run_with_environment(self, data, env):
            values = [float(line) for line in open(data)]
            env.store_artifact(["runs", 0], "model", sum(values) / 3)
            env.output_metric("total", sum(values) / 3)
"""


def test_a_training_gives_the_same_with_either_builder(
    write_files: Any, project: Path, base: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tg.common.delivery.sagemaker import SagemakerRoutine

    write_files({"adding.py": TASK})
    import adding

    (project / "datasets" / "tea").mkdir(parents=True)
    (project / "datasets" / "tea" / "tea.txt").write_text("0.1\n0.2\n0.7\n")
    monkeypatch.setenv("TG_BASE_IMAGE", base.name)
    seen = []
    for builder in ("buildkit", "classic"):
        base.forget(base.id)
        monkeypatch.setenv("TG_BUILDER", builder)
        folder = project / "datasets"
        routine = SagemakerRoutine(adding.Sum(), "tea.txt", "tea", datasets_folder=folder)
        run = routine.local().submit().wait(timeout_seconds=600)
        result = run.result()
        seen.append((result.metrics, result.list(), result.model))
    assert seen[0] == seen[1]
    assert seen[0][0] == {"total": (0.1 + 0.2 + 0.7) / 3}
