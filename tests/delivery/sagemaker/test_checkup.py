"""What cannot work is said, with the fix, before anything is packed, built or sent."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tg.common._core.errors import (
    AwsCredentialsError,
    AwsNotFoundError,
    AwsPermissionError,
    AwsQuotaError,
    ConfigError,
    EngineUnavailableError,
    NamingError,
    StorageError,
    TgError,
    UnpicklableError,
)
from tg.common.delivery.delivery import Containering, Packaging
from tg.common.delivery.docker.engine import DockerEngine
from tg.common.delivery.sagemaker import (
    RemoteOptions,
    SagemakerLocalExecutor,
    SagemakerRoutine,
)
from tg.common.delivery.sagemaker.aws import AwsClients
from tg.common.delivery.sagemaker.aws_account import AwsAccount
from tg.common.delivery.sagemaker.check import Check, Finding, Verdict
from tg.common.delivery.sagemaker.checkup import Checkup
from tg.common.delivery.sagemaker.instance_quota import InstanceQuota
from tg.common.delivery.sagemaker.local_machine import LocalMachine
from tg.common.delivery.sagemaker.preflight import Preflight
from tg.common.delivery.sagemaker.training_inputs import look_at_data, look_at_package
from tg.common.delivery.sagemaker.training_role import RoleArn, configured_role, lets_take

OTHER_ACCOUNT = "arn:aws:iam::999999999999:role/training"
TASKS = """
    from tg.common.contract import TrainingTask


    class Tea(TrainingTask):
        '''Its leaves can be set.'''

        def __init__(self):
            super().__init__()
            self.leaves = {f"l{number}": 0 for number in range(200)}

        def run_with_environment(self, data, env):
            env.output_metric("leaves", len(self.leaves))
"""


@pytest.fixture(scope="module")
def rehearsal() -> Iterator[Any]:
    pytest.importorskip("moto")
    from tg.rehearsal import Rehearsal

    with Rehearsal() as cloud:
        yield cloud


@pytest.fixture
def sky(rehearsal: Any) -> Iterator[Any]:
    """The rehearsal as if new: no faults, no quotas, and this process has asked for nothing."""
    Preflight._passed.clear()
    rehearsal.faults.clear()
    rehearsal.quotas.clear()
    yield rehearsal
    rehearsal.faults.clear()


@pytest.fixture
def make(project: Path, write_files: Callable[..., None]) -> Callable[..., Any]:
    """Executors whose engine must not be asked: it is not there."""
    write_files({"brewing/__init__.py": "", "brewing/tasks.py": TASKS})
    folder = project / "datasets" / "p"
    folder.mkdir(parents=True)
    pd.DataFrame({"x": [1]}).to_parquet(folder / "d.parquet")

    def executor(
        *,
        name: str | None = None,
        bucket: str = "training-grounds-rehearsal",
        role: str = "arn:aws:iam::123456789012:role/training-grounds-rehearsal",
        clients: AwsClients | None = None,
        platform: str | None = None,
        **options: Any,
    ) -> Any:
        routine = SagemakerRoutine(
            importlib.import_module("brewing.tasks").Tea(),
            "d.parquet",
            "p",
            datasets_folder=project / "datasets",
            name=name,
            bucket=bucket,
            role=role,
        )
        routine.config.containering.engine = DockerEngine("/nowhere/docker")
        routine.config.containering.platform = platform
        remote = routine.remote(RemoteOptions(**options))
        if clients is not None:
            remote._clients = clients
        return remote

    return executor


def writes(cloud: Any) -> int:
    patterns = ("s3.Put*", "s3.Create*", "s3.Upload*", "ecr.*", "sagemaker.*")
    return sum(cloud.calls(pattern).count for pattern in patterns)


def makings(cloud: Any) -> int:
    return sum(cloud.calls(pattern).count for pattern in ("s3.Put*", "*.Create*", "*.Update*"))


def refused(
    make: Callable[..., Any], sky: Any, project: Path, hyperparameters: Any = None, **how: Any
) -> TgError:
    """Submit, and give the error; nothing was packed, built, sent or asked for."""
    before = writes(sky)
    with pytest.raises(TgError) as caught:
        make(**how).submit(hyperparameters)
    assert writes(sky) == before
    assert not (project / "temp").exists()
    assert caught.value.hint
    return caught.value


def add_role(name: str, service: str) -> str:
    import boto3

    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    client = boto3.client("iam")
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    arn = client.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    client.close()
    return str(arn)


def test_no_credentials(
    make: Any, sky: Any, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    error = refused(make, sky, project)
    assert isinstance(error, AwsCredentialsError)
    assert "aws sso login" in error.hint


def test_credentials_that_have_expired(make: Any, sky: Any, project: Path) -> None:
    sky.faults.expired_token("sts.*", times=None)
    assert isinstance(refused(make, sky, project), AwsCredentialsError)


def test_no_region_or_a_wrong_one(
    make: Any, sky: Any, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = refused(make, sky, project, clients=AwsClients(region="us-esat-1"))
    assert isinstance(error, ConfigError)
    assert "us-esat-1" in error.what
    # a region that there is, but not that of the bucket
    error = refused(make, sky, project, clients=AwsClients(region="eu-west-1"))
    assert isinstance(error, ConfigError)
    assert "is in the region us-east-1" in error.what
    assert "AWS_REGION=us-east-1" in error.hint
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    assert "AWS_REGION" in refused(make, sky, project).hint


def test_a_role_of_another_account(make: Any, sky: Any, project: Path) -> None:
    error = refused(make, sky, project, role=OTHER_ACCOUNT)
    assert isinstance(error, ConfigError)
    assert "another account" in error.what
    assert "Log in to the account 999999999999" in error.hint


def test_a_role_that_is_missing_or_that_sagemaker_may_not_take(
    make: Any, sky: Any, project: Path
) -> None:
    error = refused(make, sky, project, role="arn:aws:iam::123456789012:role/nobody")
    assert isinstance(error, AwsNotFoundError)
    assert "no role 'nobody'" in error.what
    error = refused(make, sky, project, role=add_role("for-ec2", "ec2.amazonaws.com"))
    assert isinstance(error, AwsPermissionError)
    assert "sts:AssumeRole" in error.hint


def test_a_bucket_that_is_missing_or_somebody_elses(make: Any, sky: Any, project: Path) -> None:
    error = refused(make, sky, project, bucket="nobodys-tea")
    assert isinstance(error, AwsNotFoundError)
    assert "aws s3 mb s3://nobodys-tea" in error.hint
    sky.add_foreign_bucket("somebodys-tea")
    error = refused(make, sky, project, bucket="somebodys-tea")
    assert isinstance(error, AwsPermissionError)
    assert "123456789012" in error.what


@pytest.mark.parametrize(
    ("how", "kind", "said"),
    [
        ({"instance_type": "ml.m5.lrage"}, ConfigError, "ml.m5.large"),
        ({"name": "T" * 64}, NamingError, "shorter"),
        ({"name": "T" * 43}, NamingError, "shorter"),
        ({"platform": "linux/arm64"}, ConfigError, "linux/amd64"),
    ],
)
def test_an_instance_type_a_name_or_a_platform_that_there_is_not(
    make: Any, sky: Any, project: Path, how: Any, kind: type[TgError], said: str
) -> None:
    error = refused(make, sky, project, **how)
    assert isinstance(error, kind)
    assert said in error.hint


def test_too_many_hyperparameters(make: Any, sky: Any, project: Path) -> None:
    many = {f"leaves.l{number}:int": number for number in range(101)}
    error = refused(make, sky, project, many)
    assert isinstance(error, ConfigError)
    assert "101 hyperparameters" in error.what


def test_everything_that_is_in_the_way_is_named_at_once(make: Any, sky: Any, project: Path) -> None:
    error = refused(
        make, sky, project, bucket="nobodys-tea", role="arn:aws:iam::123456789012:role/nobody"
    )
    assert "nobodys-tea" in error.what
    assert "no role 'nobody'" in "".join(error.__notes__)


def test_the_cloud_is_asked_once_in_a_process(make: Any, sky: Any) -> None:
    looks = ("sts.GetCallerIdentity", "s3.HeadBucket", "iam.GetRole")
    before = {look: sky.calls(look).count for look in looks}
    for _ in range(3):
        with pytest.raises(EngineUnavailableError):  # all went well up to the build
            make().submit()
    assert {look: sky.calls(look).count - before[look] for look in looks} == dict.fromkeys(looks, 1)


@pytest.mark.parametrize("fault", ["throttle", "server_error"])
def test_an_answer_that_does_not_come_refuses_nothing(make: Any, sky: Any, fault: str) -> None:
    for service in ("sts.*", "s3.HeadBucket", "iam.*"):
        getattr(sky.faults, fault)(service, times=None)
    with pytest.raises(EngineUnavailableError):
        make().submit()


def test_a_refusal_by_sagemaker_is_explained(sky: Any) -> None:
    import boto3

    role = add_role("short-lived", "sagemaker.amazonaws.com")
    preflight = Preflight(AwsClients(), role_arn=role, bucket=sky.bucket, options=RemoteOptions())
    preflight.require()
    client = boto3.client("iam")
    client.delete_role(RoleName="short-lived")
    client.close()
    preflight.require()  # what was well is not asked for again ...
    told = AwsPermissionError("Could not assume role", code="ValidationException")
    with pytest.raises(AwsNotFoundError, match="short-lived") as caught:
        preflight.explain(told)  # ... but then it is
    assert caught.value.__cause__ is told
    # what has another reason keeps it
    preflight.explain(AwsQuotaError("none left", code="ResourceLimitExceeded"))


def test_a_bucket_of_another_account_is_taken_only_on_purpose(
    make: Any, sky: Any, project: Path
) -> None:
    # the account that is named, and no other, is to own it
    error = refused(make, sky, project, bucket_account="222222222222")
    assert isinstance(error, AwsPermissionError)
    assert "not of the account 222222222222" in error.what
    assert "bucket_account" in error.hint
    with pytest.raises(EngineUnavailableError):
        make(bucket_account="123456789012").submit()
    with pytest.raises(ConfigError, match="bucket_account"):
        RemoteOptions(bucket_account="2222")


def test_a_quota_that_is_too_small_names_the_command_that_asks_for_more(sky: Any) -> None:
    sky.quotas.update({"ml.m5.large": 2})
    quota = InstanceQuota(AwsClients(), "ml.m5.large", is_spot=False)
    assert quota.look(2).doubt == ""
    with pytest.raises(AwsQuotaError, match="is 2, and 3 are asked for") as caught:
        quota.look(3)
    assert "request-service-quota-increase" in caught.value.hint
    other = InstanceQuota(AwsClients(), "ml.m5.xlarge", is_spot=True)
    assert "spot training job usage" in other.look(1).text
    assert other.look(1).doubt  # it could not be told


def test_what_may_not_be_looked_at_is_no_failure(answers: Any, monkeypatch: Any) -> None:
    denied = "<Error><Code>AccessDenied</Code><Message>no</Message></Error>"
    answers.give(403, f"<ErrorResponse>{denied}</ErrorResponse>", "text/xml")
    found = AwsAccount(AwsClients()).role("arn:aws:iam::123456789012:role/x")
    assert "could not be looked at" in found.text
    assert found.doubt


def test_who_may_list_one_project_only_is_let_through(answers: Any) -> None:
    answers.give(403, "")
    listing = "<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>"
    answers.give(200, listing, x_amz_bucket_region="eu-central-1")
    found = AwsAccount(AwsClients()).bucket("tea-data", "123456789012", "green")
    assert "eu-central-1" in found.text
    assert answers.requests[0].startswith("HEAD /tea-data")
    assert "prefix=sagemaker%2Fgreen%2F" in answers.requests[1]


def test_the_checkup_of_an_executor_tells_all_and_makes_nothing(
    make: Any, sky: Any, project: Path
) -> None:
    before = makings(sky)
    checkup = make(bucket="nobodys-tea").checkup()
    verdicts = {check.name: check.verdict for check in checkup.checks}
    assert verdicts == {
        "request": Verdict.PASSED,
        "engine": Verdict.FAILED,
        "python": Verdict.UNKNOWN,
        "image platform": Verdict.UNKNOWN,
        "room for images": Verdict.UNKNOWN,
        "room for work": Verdict.PASSED,
        "data of training": Verdict.PASSED,
        "package": Verdict.PASSED,
        "region": Verdict.PASSED,
        "identity": Verdict.PASSED,
        "role": Verdict.PASSED,
        "bucket": Verdict.FAILED,
        "registry": verdicts["registry"],  # the program of a registry may not be installed here
        "instance type": Verdict.PASSED,
        "quota": Verdict.UNKNOWN,
    }
    assert not (project / "temp").exists()
    assert makings(sky) == before
    shown = str(checkup)
    assert "FAIL  bucket: there is no bucket 'nobodys-tea'" in shown
    assert "      Create it, `aws s3 mb" in shown
    assert repr(checkup) == shown
    assert "<td>FAIL</td><td>bucket</td>" in checkup._repr_html_()
    assert not checkup.is_well
    with pytest.raises(EngineUnavailableError):
        checkup.raise_failed()


def test_the_checkup_of_a_container_asks_nothing_of_the_cloud(make: Any, sky: Any) -> None:
    remote = make()
    before = sky.calls("*").count
    local = SagemakerLocalExecutor(remote.config).checkup()
    assert {"engine", "package", "data of training"} <= {check.name for check in local.checks}
    assert sky.calls("*").count == before


def test_without_an_identity_nothing_else_is_asked_for(
    make: Any, sky: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    checks = {check.name: check for check in make().checkup().checks}
    assert checks["identity"].verdict is Verdict.FAILED
    assert checks["bucket"].verdict is Verdict.UNKNOWN
    assert checks["bucket"].advice == "See to the identity first."


def test_html_of_others_is_shown_as_text() -> None:
    checkup = Checkup.of([("a<b>", lambda: Finding(text="<script>"))])
    assert "<script>" not in checkup._repr_html_()


def test_an_error_of_this_library_is_a_failure_and_any_other_is_not_swallowed() -> None:
    def broken() -> Finding:
        raise ZeroDivisionError

    def failing() -> Finding:
        raise ConfigError("the tea is cold")

    with pytest.raises(ZeroDivisionError):
        Check.of("tea", broken)
    check = Check.of("tea", failing)
    assert (check.verdict, check.advice) == (Verdict.FAILED, "See the cause of the error.")


def test_data_that_are_not_there_or_empty(tmp_path: Path) -> None:
    with pytest.raises(TgError, match="there is no dataset"):
        look_at_data(tmp_path / "none")
    with pytest.raises(TgError, match="empty folder"):
        look_at_data(tmp_path)
    (tmp_path / "a").write_text("123")
    assert "1 file, 3 bytes" in look_at_data(tmp_path).text
    assert "1 file, 3 bytes" in look_at_data(tmp_path / "a").text


def test_the_lint_names_what_cannot_travel_or_is_not_here(
    project: Path, write_files: Callable[..., None]
) -> None:
    import threading

    from tg.common.delivery.delivery import DependencyList

    with pytest.raises(UnpicklableError, match=r"job\.lock"):
        look_at_package(Packaging("Tea", None, {"job": {"lock": threading.Lock()}}))
    write_files(
        {"leaf.py": "try:\n    import no_such_leaf\nexcept ImportError:\n    pass\nX = 1\n"}
    )
    leaf = importlib.import_module("leaf")
    packaging = Packaging("Tea", None, {"job": {"x": 1}})
    packaging.include_modules = [leaf.__name__]
    packaging.dependencies = [DependencyList("own", ["packaging<1"])]
    found = look_at_package(packaging)
    assert "no_such_leaf" in found.doubt
    assert "packaging<1" in found.doubt
    assert packaging.package_location is None
    assert not (project / "temp").exists()
    packaging.dependencies = None
    packaging.include_modules = []
    assert look_at_package(packaging).doubt == ""


def test_an_image_with_another_python_is_refused() -> None:
    containering = Containering("tea", "1")
    containering.python_version = "3.8"
    with pytest.raises(ConfigError, match=r"Python 3\.8"):
        LocalMachine(containering).python()


def test_too_little_room_is_told() -> None:
    machine = LocalMachine(Containering("tea", "1"), work_bytes=10**18)
    with pytest.raises(StorageError, match="are free in") as caught:
        machine.work_room()
    assert "TMPDIR" in caught.value.hint


@pytest.mark.docker
def test_the_engine_and_the_python_of_the_base_image_are_looked_at() -> None:
    containering = Containering("tea", "1")
    machine = LocalMachine(containering)
    assert "answers" in machine.engine().text
    assert machine.python().doubt == ""
    own = machine.platform("linux/amd64").text.rpartition(" ")[2]
    assert machine.platform(own).doubt == ""
    other = "linux/arm64" if own == "linux/amd64" else "linux/amd64"
    assert "emulated" in machine.platform(other).doubt
    machine.engine_room()
    # not here, and known by its name alone
    containering.base_image = "registry.example.org/python:3.4-slim"
    with pytest.raises(ConfigError, match=r"has Python 3\.4"):
        machine.python()
    containering.base_image = "registry.example.org/no-such-base:1"
    assert "docker pull" in machine.python().doubt


@pytest.mark.parametrize(
    "statement",
    [
        {"Action": ["sts:TagSession", "sts:AssumeRole"]},
        {"Action": "sts:*"},
        {"Principal": {"Service": ["ec2.amazonaws.com", "sagemaker.amazonaws.com"]}},
    ],
)
def test_trust_is_seen_in_all_its_forms(statement: Any) -> None:
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "sagemaker.amazonaws.com"},
        "Action": "sts:AssumeRole",
        **statement,
    }
    assert lets_take({"Statement": [trust]})
    assert not lets_take({"Statement": [{**trust, "Effect": "Deny"}]})
    assert not lets_take({"Statement": [{**trust, "Action": "sts:GetFederationToken"}]})


def test_a_role_has_a_path_or_none(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    role = RoleArn.parse("arn:aws-cn:iam::123456789012:role/service-role/deep/training")
    assert (role.account, role.name) == ("123456789012", "training")
    for wrong in (None, "", "training", "arn:aws:iam::123456789012:user/x"):
        with pytest.raises(ConfigError, match="AWS_ROLE"):
            RoleArn.parse(wrong)
    monkeypatch.delenv("AWS_ROLE", raising=False)
    assert configured_role() is None
    (project / "environment.env").write_text(f'export AWS_ROLE="{OTHER_ACCOUNT}"\n')
    assert configured_role() == OTHER_ACCOUNT
