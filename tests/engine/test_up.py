"""The script that brings up an engine and a base image, by running it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

UP = Path(__file__).with_name("up")
BASE = os.environ.get("TG_BASE_IMAGE") or "python:{}.{}-slim".format(*sys.version_info)

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="the script is for Linux")


def run_up(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TG_")}
    return subprocess.run(
        [str(UP), *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=1800,
        env={**kept, "PYTHON": sys.executable, **environment},
    )


@pytest.mark.docker
def test_what_is_there_is_kept_and_stdout_can_be_evaluated() -> None:
    first = run_up(TG_BASE_IMAGE=BASE)
    assert first.returncode == 0, first.stderr
    line = first.stdout.removesuffix("\n")
    assert line.startswith("export TG_BASE_IMAGE=")
    assert "\n" not in line
    name = line.partition("=")[2]
    before = image_id(name)
    again = run_up(TG_BASE_IMAGE=name)
    assert (again.returncode, again.stdout) == (0, first.stdout)
    assert image_id(name) == before


@pytest.mark.docker
def test_two_at_once_wait_for_each_other() -> None:
    environment = {**os.environ, "PYTHON": sys.executable, "TG_BASE_IMAGE": BASE}
    both = [
        subprocess.Popen(
            [str(UP)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=1800) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert said[0][0] == said[1][0]


@pytest.mark.docker
def test_an_image_of_ones_own_is_kept() -> None:
    name = f"training-grounds-own-base-{os.getpid()}:1"
    docker("tag", BASE, name)
    try:
        assert run_up(TG_BASE_IMAGE=name).stdout == f"export TG_BASE_IMAGE={name}\n"
    finally:
        docker("image", "rm", name)


@needs_linux
def test_a_remote_engine_that_does_not_answer_is_not_replaced_by_one_here() -> None:
    completed = run_up(DOCKER_HOST="tcp://127.0.0.1:1")
    assert completed.returncode == 1
    assert completed.stdout == ""
    assert "no engine answers at DOCKER_HOST=tcp://127.0.0.1:1" in completed.stderr


def test_an_unknown_argument_and_a_missing_interpreter_are_told() -> None:
    assert "unknown argument '--base'" in run_up("--base").stderr
    completed = run_up(PYTHON="/nowhere/python3")
    assert completed.returncode == 1
    assert "there is no /nowhere/python3" in completed.stderr


# A machine of its own: no engine runs in it, its /run and /var/lib/docker are empty, and it has no
# network. What is printed before the line `status` is the script's stdout.
_BARE_MACHINE = """
set -u
mount -t tmpfs tmpfs /run
mount --bind "$1/lib" /var/lib/docker
ip link set lo up
unset DOCKER_HOST TG_BASE_IMAGE
export TMPDIR="$1" TG_DOCKERD_LOG="$1/log"
up=$2 base=$3 python=$4

run() {
    exports="$(PYTHON=$python "$up" 2>"$1")" # hangs if the engine holds stdout
    echo "$2 $? [$exports]"
}
TG_DOCKERD_ARGS=--no-such-option run "$TMPDIR/refused" refused
run "$TMPDIR/started" started
docker images --all --quiet
docker load --quiet --input "$base" >/dev/null
TG_BASE_IMAGE=$5 run "$TMPDIR/kept" kept
docker run --rm --network none "$5" echo a container runs
"""


@pytest.mark.docker
@pytest.mark.slow
def test_an_engine_is_started_where_none_answers(tmp_path: Path) -> None:
    needed = ["dockerd", "apt-get", "unshare", "ip"]
    if sys.platform != "linux" or os.geteuid() != 0 or not all(map(shutil.which, needed)):
        pytest.skip(f"needs Linux, root, and {', '.join(needed)}")
    (tmp_path / "lib").mkdir()
    base = tmp_path / "base.tar"
    docker("save", "--output", str(base), BASE)
    namespaces = ["--mount", "--pid", "--net", "--fork", "--mount-proc", "--kill-child"]
    arguments = [str(tmp_path), str(UP), str(base), sys.executable, BASE]
    completed = subprocess.run(
        ["unshare", *namespaces, "bash", "-c", _BARE_MACHINE, "bare", *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=900,
    )
    said = {name: tmp_path / name for name in ("refused", "started", "kept")}
    assert completed.stdout.splitlines() == [
        "refused 1 []",
        # without a network there is no base image, and no half of one
        "started 1 []",
        f"kept 0 [export TG_BASE_IMAGE={BASE}]",
        "a container runs",
    ], completed.stderr
    assert "unknown flag: --no-such-option" in said["refused"].read_text()
    assert "dockerd does not answer" in said["refused"].read_text()
    assert "starting dockerd (log:" in said["started"].read_text()
    assert "debootstrap" in said["started"].read_text()
    assert "starting dockerd" not in said["kept"].read_text()
    assert list(tmp_path.glob("training-grounds-base.*")) == []


def docker(*arguments: str) -> str:
    return subprocess.run(
        ["docker", *arguments], check=True, capture_output=True, text=True, timeout=900
    ).stdout


def image_id(name: str) -> str:
    completed = subprocess.run(
        ["docker", "image", "inspect", "--format", "{{.Id}}", name],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    return completed.stdout.strip() if completed.returncode == 0 else ""
