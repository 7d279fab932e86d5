"""`tg doctor`: each line says pass or what to do, and the exit code says whether all is well."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tg_program import tg

from tg.cli.task_reference import load_reference
from tg.common._core.errors import ConfigError
from tg.common.contract import TrainingTask

NO_ENGINE = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}
NO_CLOUD = {
    "AWS_ACCESS_KEY_ID": "",
    "AWS_SECRET_ACCESS_KEY": "",
    "AWS_CONFIG_FILE": "/nowhere",
    "AWS_SHARED_CREDENTIALS_FILE": "/nowhere",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_REGION": "eu-central-1",
}
CODE = """
    from tg.common.contract import TrainingTask
    from tg.common.delivery.sagemaker import SagemakerRoutine

    print("this is printed by the import")


    class Tea(TrainingTask):
        def run_with_environment(self, data, env):
            env.output_metric("leaves", 1.0)


    def make():
        return SagemakerRoutine(Tea(), "d.csv", "p", bucket="training-grounds-rehearsal")


    task = Tea()
    routine = make()
"""


def doctor(
    *args: str, code: int, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    done = tg("doctor", *args, env=env)
    assert done.returncode == code, done.stdout + done.stderr
    return done


def verdicts(text: str) -> dict[str, str]:
    return {check["name"]: check["verdict"] for check in json.loads(text)["checks"]}


@pytest.fixture
def code(project: Path, write_files: Callable[..., None]) -> Path:
    write_files({"train.py": CODE, "data-cache/datasets/p/d.csv": "1\n"})
    return project


@pytest.fixture
def sky() -> Iterator[Any]:
    pytest.importorskip("moto")
    from tg.rehearsal import Rehearsal

    with Rehearsal(quotas={"ml.m5.large": 1}) as cloud:
        yield cloud


def test_without_an_engine_and_an_account_it_says_how_to_get_both(code: Path) -> None:
    told = doctor(code=1, env={**NO_ENGINE, **NO_CLOUD}).stdout
    assert "FAIL  engine: the container engine does not answer" in told
    assert "?     room for images: not looked at\n      See to the engine first." in told
    assert "pass  region: eu-central-1" in told
    assert "FAIL  identity: there are no AWS credentials here\n      Log in" in told


def test_what_is_only_for_this_machine_needs_no_account(code: Path) -> None:
    found = doctor("--local", "--json", code=1, env={**NO_ENGINE, **NO_CLOUD})
    assert "identity" not in verdicts(found.stdout)


@pytest.mark.docker
@pytest.mark.rehearsal
def test_all_is_well_where_all_is_there(code: Path, sky: Any) -> None:
    before = sky.calls("s3.Put*"), sky.calls("ecr.Create*")
    done = doctor("train.py:routine", code=0)
    lines = [line for line in done.stdout.splitlines() if not line.startswith(" ")]
    assert {line.partition("  ")[0] for line in lines} <= {"pass", "?   "}
    assert "pass  quota: 1 for ml.m5.large for training job usage" in lines
    assert "of tg, train;" in done.stdout
    assert "printed by the import" not in done.stdout
    assert (sky.calls("s3.Put*"), sky.calls("ecr.Create*")) == before
    assert not (code / "temp").exists()


@pytest.mark.rehearsal
def test_options_come_before_what_the_routine_says(code: Path, sky: Any) -> None:
    args = ["train:make", "--bucket", "nobodys-tea", "--instance-type", "ml.g5.xlage"]
    args += ["--role", "arn:aws:iam::999999999999:role/x"]
    done = doctor(*args, "--json", code=1, env=NO_ENGINE)
    found = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert found["engine"]["error"] == "EngineUnavailableError"
    assert "999999999999" in found["identity"]["finding"]
    assert found["bucket"]["verdict"] == "unknown"
    done = doctor(*args[:-2], "--json", code=1, env=NO_ENGINE)
    found = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert found["bucket"]["error"] == "AwsNotFoundError"
    assert "Did you mean 'ml.g5.xlarge'" in found["instance type"]["advice"]


def test_without_code_a_bucket_and_a_dataset_can_be_looked_at(code: Path, sky: Any) -> None:
    args = ["--bucket", "training-grounds-rehearsal", "--project", "p", "--dataset", "d.csv"]
    found = verdicts(doctor(*args, "--json", code=1, env=NO_ENGINE).stdout)
    assert found["bucket"] == found["data of training"] == found["role"] == "passed"
    assert found["engine"] == "failed"
    done = doctor("--dataset", "d.csv", code=1, env=NO_ENGINE)
    assert "Add --project NAME" in done.stderr


def test_a_task_needs_data_and_a_routine_has_its_own(code: Path) -> None:
    assert "Add --project" in doctor("train:task", "--local", code=1, env=NO_ENGINE).stderr
    args = ("train:task", "--local", "--project", "p", "--dataset", "d.csv", "--json")
    assert verdicts(doctor(*args, code=1, env=NO_ENGINE).stdout)["package"] == "passed"
    done = doctor("train:routine", "--local", "--project", "q", code=1, env=NO_ENGINE)
    assert "of its own" in done.stderr


def load(text: str) -> Any:
    return load_reference(text, TrainingTask, "a task")


def test_a_reference_is_a_module_or_a_file_and_runs_what_makes_a_task(
    code: Path, write_files: Callable[..., None]
) -> None:
    assert load("train:task") is load("train.py:task") is load("./train.py")
    assert type(load("train:Tea")).__name__ == "Tea"  # a class that needs nothing
    write_files(
        {
            "deep/__init__.py": "",
            "deep/in/__init__.py": "",
            "deep/in_/__init__.py": "",
            "deep/in_/side.py": "X = 1\n",
            "deep/in_/tasks.py": """
                from tg.common.contract import TrainingTask
                from .side import X


                class Cup(TrainingTask):
                    def run_with_environment(self, data, env):
                        pass


                class Shelf:
                    cup = Cup()
            """,
        }
    )
    # a file of a package is imported as its package calls it: so it is found again elsewhere
    cup = load("deep/in_/tasks.py:Shelf.cup")
    assert type(cup).__module__ == "deep.in_.tasks"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "names no module"),
        ("a b:c", "names no module"),
        ("train:1x", "is no name"),
        ("nowhere.py", "no file nowhere.py"),
        ("no_such_module:x", "No module named 'no_such_module'"),
        ("train:tsak", "Did you mean 'task'"),
        ("train:routine", "a task"),
        ("two.py", "more than one: one, two"),
        ("none.py", "there is no task in none.py"),
        ("broken.py", "broken.py:2"),
        ("odd-name.py", "no name of a module"),
        ("syntax.py", "syntax.py:1"),
        ("json.py", "Rename the file"),
    ],
)
def test_a_reference_that_leads_nowhere_says_why(
    code: Path, write_files: Callable[..., None], text: str, said: str
) -> None:
    write_files(
        {
            "two.py": "from train import Tea\none, two = Tea(), Tea()\n",
            "none.py": "x = 1\n",
            "broken.py": "import os\nos.no_such_thing()\n",
            "odd-name.py": "x = 1\n",
            "syntax.py": "x = = 1\n",
        }
    )
    (code / "json.py").write_text("x = 1\n")
    with pytest.raises(ConfigError) as caught:
        load(text)
    assert said in str(caught.value)
