"""What a user would lose: a build that stops because its installer does not run in the image.

These tests fetch uv from the package index; without one they fail.
"""

from __future__ import annotations

import importlib.util
import os
import struct
import tarfile
import threading
from pathlib import Path

import pytest

from tg.common._core.errors import ConfigError, EnvironmentSetupError
from tg.common._core.process import run
from tg.common.delivery.delivery.uv_binary import find_uv, uv_for

BASE = os.environ.get("TG_BASE_IMAGE", "python:3.11-slim")


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("uv-cache")


@pytest.fixture
def shared(cache, monkeypatch) -> Path:
    """One cache that several tests fill."""
    monkeypatch.setenv("TG_CACHE", str(cache))
    return cache


@pytest.fixture
def own_cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("TG_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def without_uv(monkeypatch, tmp_path):
    """A machine without uv: neither on PATH nor beside this Python."""
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    real = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda n: None if n == "uv" else real(n))
    assert find_uv() is None


@pytest.fixture
def no_index(monkeypatch, tmp_path):
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))


def refuse(argv, **_):
    raise AssertionError(f"{argv} was run")


def only_version(argv, **options):
    return run(argv, **options) if argv[1:] == ["--version"] else refuse(argv)


def machine_of(path: Path) -> int:
    return struct.unpack_from("<H", path.read_bytes()[:20], 18)[0]


@pytest.mark.parametrize(
    ("platform", "machine"), [("linux/amd64", 62), ("linux/arm64", 183), ("linux/arm64/v8", 183)]
)
def test_the_program_is_of_the_images_machine_and_fetched_once(shared, platform, machine):
    uv = uv_for(platform)
    assert machine_of(uv) == machine
    assert uv.is_relative_to(shared)
    assert uv.stat().st_mode & 0o111 == 0o111
    assert uv_for(platform, runner=only_version) == uv
    assert [entry.name for entry in uv.parent.iterdir()] == ["uv"]


def test_it_is_the_version_that_this_machine_has(shared):
    version = run([find_uv(), "--version"]).output.split()[1]
    assert uv_for("linux/arm64").parent.name == f"{version}-linux-arm64"


@pytest.mark.docker
def test_it_runs_in_a_container_and_finds_its_python(shared):
    uv = uv_for("linux/amd64")
    mount = f"type=bind,source={uv},target=/uv,readonly"
    docker = ["docker", "run", "--rm", "--network", "none", "--mount", mount, BASE]
    said = run([*docker, "sh", "-c", "/uv --version && /uv python find"]).output
    assert said.startswith("uv ")
    assert "/usr/" in said


@pytest.mark.docker
def test_it_needs_nothing_of_its_base(shared, tmp_path):
    """Alpine has no glibc, and an old Debian an old one."""
    with tarfile.open(tmp_path / "nothing.tar", "w"):
        pass
    image = run(["docker", "import", str(tmp_path / "nothing.tar")]).output.split()[-1]
    mount = f"type=bind,source={uv_for('linux/amd64')},target=/uv,readonly"
    try:
        docker = ["docker", "run", "--rm", "--network", "none", "--mount", mount, image]
        assert run([*docker, "/uv", "--version"]).output.startswith("uv ")
    finally:
        run(["docker", "rmi", image])


def test_two_at_once_fetch_once(own_cache):
    fetched = []

    def counting(argv, **options):
        fetched.append(argv[1])
        return run(argv, **options)

    threads = [
        threading.Thread(target=uv_for, args=("linux/arm64",), kwargs={"runner": counting})
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert fetched.count("pip") == 1


def test_a_damaged_program_is_fetched_again(own_cache):
    uv = uv_for("linux/amd64")
    uv.write_bytes(uv.read_bytes()[:10])
    assert uv_for("linux/amd64") == uv
    assert machine_of(uv) == 62


def test_without_uv_pip_fetches_it(own_cache, without_uv, monkeypatch):
    monkeypatch.setenv("PIP_REQUIRE_VIRTUALENV", "1")
    uv = uv_for("linux/arm64")
    assert machine_of(uv) == 183
    assert uv.stat().st_mode & 0o111 == 0o111
    assert uv_for("linux/arm64", runner=refuse) == uv


def test_without_an_index_this_machines_own_does(own_cache, no_index, caplog):
    assert uv_for("linux/amd64") == Path(find_uv())
    assert "glibc" in caplog.text


def test_without_an_index_another_machines_is_a_typed_error_that_says_what_to_do(
    own_cache, no_index
):
    with pytest.raises(EnvironmentSetupError, match="linux-arm64 cannot be fetched") as caught:
        uv_for("linux/arm64")
    assert "--- uv ---" in str(caught.value)
    assert "--- pip ---" in str(caught.value)
    assert "index reachable" in caught.value.hint
    assert not list(own_cache.glob("uv/*-linux-arm64"))


@pytest.mark.parametrize("platform", ["", "amd64", "linux", "linux/arm/v7", "windows/amd64"])
def test_other_platforms_are_refused_before_anything_is_run(own_cache, platform):
    with pytest.raises(ConfigError, match="linux/amd64 or linux/arm64"):
        uv_for(platform, runner=refuse)
