"""`tg rehearse`: a program of any kind meets the cloud on this machine, and leaves no trace."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.rehearsal

TG = [sys.executable, "-m", "tg.cli.main", "rehearse"]
STORES = """
import boto3, os, sys
storage = boto3.client("s3")
bucket = storage.list_buckets()["Buckets"][0]["Name"]
storage.put_object(Bucket=bucket, Key="k", Body=b"x" * 100_000)
print(boto3.session.Session().region_name, "AWS_ROLE" in os.environ, *sys.argv[1:])
sys.stderr.write("its own words\\n")
sys.exit(int(sys.argv[-1]))
"""


@pytest.fixture(scope="module", autouse=True)
def _has_the_extra() -> None:
    for name in ("moto", "boto3", "bcrypt"):
        pytest.importorskip(name, reason="the extra [rehearsal] is not installed")


def rehearse(*args: str, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*TG, *args],
        input=stdin,
        capture_output=True,
        text=True,
        env={**os.environ, **env},
        check=False,
        timeout=600,
    )


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[Path]]:
    """What rehearsals of this test have left; others go on beside it."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return lambda: list(tmp_path.glob("tg-rehearsal-*"))


def test_a_commands_output_and_exit_code_pass_through_and_a_line_is_added(
    folders: Callable[[], list[Path]],
) -> None:
    done = rehearse(
        "--region", "eu-west-1", sys.executable, "-c", STORES, "--json", "--region", "5"
    )
    # options behind the command are the command's own
    assert done.stdout == "eu-west-1 True --json --region 5\n"
    assert done.returncode == 5
    first, last = done.stderr.splitlines()
    assert first == "its own words"
    assert last == ("Rehearsed: 0 training jobs, 100 kB stored, 0 B of images pushed, 0 faults.")
    assert folders() == []


def test_what_was_done_can_be_read_by_a_program() -> None:
    done = rehearse("--json", "--", sys.executable, "-c", STORES, "0")
    values = json.loads(done.stderr.splitlines()[-1])
    assert values["exit_code"] == values["job_count"] == values["fault_count"] == 0
    assert values["stored_bytes"] >= 100_000


def test_without_a_command_a_shell_reads_what_to_do() -> None:
    done = rehearse(stdin="echo $AWS_ENDPOINT_URL; exit 3\n", SHELL="/bin/sh")
    assert done.stdout.startswith("http://127.0.0.1:")
    assert done.returncode == 3


def test_quotas_and_faults_are_taken_from_the_command_line() -> None:
    program = """
import boto3
quotas = boto3.client("service-quotas").list_service_quotas(ServiceCode="sagemaker")["Quotas"]
values = {quota["QuotaName"]: quota["Value"] for quota in quotas}
print(values["ml.m5.large for training job usage"])
boto3.client("s3").list_buckets()
"""
    fault = ("--fault", "throttle:s3.ListBuckets,times=2")
    done = rehearse("--quota", "ml.m5.large=2", *fault, sys.executable, "-c", program)
    assert done.stdout == "2.0\n", done.stderr
    assert done.stderr.rstrip().endswith("2 faults.")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--quota", "ml.m5.large"), "there is no quota 'ml.m5.large'"),
        (("--fault", "flood:s3.*"), "there is no fault 'flood:s3.*'"),
        (("--fault", "throttle:s3.*,times=some"), "has 'times=some'"),
        (("--fault", "slow:s3.*"), "lacks its seconds"),
        (("/nowhere/program",), "there is no program '/nowhere/program'"),
    ],
)
def test_what_cannot_be_done_is_told_and_leaves_nothing(
    args: tuple[str, ...], said: str, folders: Callable[[], list[Path]]
) -> None:
    done = rehearse(*args)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert folders() == []


WAITS = """
import boto3, os, secrets, sys, time
if len(sys.argv) > 1:
    from tg.rehearsal.furnishing import BUCKET
    boto3.client("sagemaker").create_training_job(
        TrainingJobName=sys.argv[1],
        AlgorithmSpecification={
            "TrainingImage": sys.argv[2],
            "TrainingInputMode": "File",
            "ContainerEntrypoint": ["sleep", "3600"],
        },
        RoleArn=os.environ["AWS_ROLE"],
        OutputDataConfig={"S3OutputPath": f"s3://{BUCKET}/out"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 3600},
    )
    while not os.popen(f"docker ps --quiet --filter name={sys.argv[1]}").read():
        time.sleep(0.1)
print(os.getpid(), os.path.dirname(os.environ["AWS_CONFIG_FILE"]), flush=True)
time.sleep(3600)
"""


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def started(*args: str) -> tuple[subprocess.Popen[str], int, Path]:
    """Start a rehearsal of a command that waits; give process id and folder of what it runs."""
    running = subprocess.Popen(
        [*TG, "--grace", "1", sys.executable, "-c", WAITS, *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        text=True,
    )
    assert running.stdout is not None
    pid, folder = running.stdout.readline().split()
    return running, int(pid), Path(folder)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_command_and_then_everything_is_removed(
    number: signal.Signals,
) -> None:
    running, pid, folder = started()
    running.send_signal(number)
    running.communicate(timeout=300)
    assert running.returncode == 128 + number
    assert not is_alive(pid)
    assert not folder.exists()


@pytest.mark.docker
def test_after_kill_9_command_containers_and_files_are_gone_at_once() -> None:
    name = f"rehearsed-{secrets.token_hex(4)}"
    own = f"python:{sys.version_info.major}.{sys.version_info.minor}-slim"
    running, pid, folder = started(name, os.environ.get("TG_BASE_IMAGE") or own)
    running.kill()
    running.communicate(timeout=300)
    deadline = time.monotonic() + 300
    argv = ["docker", "ps", "--all", "--quiet", "--filter", f"name={name}"]
    while (
        is_alive(pid)
        or folder.exists()
        or subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    ):
        assert time.monotonic() < deadline
        time.sleep(0.2)
