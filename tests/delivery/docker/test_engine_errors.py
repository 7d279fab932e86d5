"""Who did not answer, and what to do: no client, no engine, no permission, or a refusal."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tg.common._core.errors import EngineError, EngineUnavailableError
from tg.common._core.process import Completed, run
from tg.common.delivery.docker import Containers, DockerEngine, ImageStore

needs_client = pytest.mark.docker


def test_a_client_that_is_not_installed_is_named_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("TG_DOCKER", raising=False)
    with pytest.raises(EngineUnavailableError, match="'docker'") as caught:
        DockerEngine().call(["version"])
    assert "process executor needs none" in str(caught.value)
    monkeypatch.setenv("TG_DOCKER", "/nowhere/podman")
    with pytest.raises(EngineUnavailableError, match="/nowhere/podman"):
        DockerEngine().call(["version"])


@needs_client
@pytest.mark.parametrize(
    "host",
    ["unix:///nowhere/docker.sock", "tcp://127.0.0.1:9", "tcp://training-grounds.invalid:2375"],
)
def test_an_engine_that_is_not_there(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    engine = DockerEngine()
    for ask in (
        lambda: engine.call(["version"]),
        lambda: ImageStore(engine).find("python:3"),
        lambda: ImageStore(engine).ours(),
        lambda: Containers(engine).inspect("none"),
        lambda: Containers(engine).remove("none"),
        lambda: list(Containers(engine).logs("none")),
        lambda: Containers(engine).wait("none", 120),
        lambda: engine.call(["run", "python:3"]),
    ):
        with pytest.raises(EngineUnavailableError, match="does not answer") as caught:
            ask()
        assert "--help" not in caught.value.what


@needs_client
def test_an_engine_that_hangs_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                connection.recv(1024)
                connection.close()

        threading.Thread(target=hang_up, daemon=True).start()
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{server.getsockname()[1]}")
        with pytest.raises(EngineUnavailableError):
            DockerEngine().call(["ps"])


@needs_client
def test_an_engine_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{server.getsockname()[1]}")
        with pytest.raises(EngineUnavailableError, match=r"took more than 0\.5 seconds"):
            DockerEngine().call(["ps"], timeout_seconds=0.5)


def test_a_slow_registry_is_not_taken_for_an_engine_that_hangs(tmp_path: Path) -> None:
    client = tmp_path / "docker"
    client.write_text('#!/bin/sh\n[ "$1" = version ] && echo 28.0.1 || exec sleep 600\n')
    client.chmod(0o755)

    def patient(argv: Sequence[str], **more: Any) -> Completed:
        # a busy machine may need more than half a second for a program that answers at once
        return run(argv, **{**more, "timeout_seconds": 120} if argv[1] == "version" else more)

    engine = DockerEngine(str(client), patient, call_seconds=0.5)
    said = r"`docker pull tea` was ended: it took more than 1 seconds"
    with pytest.raises(EngineError, match=said) as caught:
        engine.call(["pull", "tea"], timeout_seconds=1)
    assert not isinstance(caught.value, EngineUnavailableError)
    assert "registry" in caught.value.hint
    client.write_text("#!/bin/sh\nexec sleep 600\n")
    with pytest.raises(EngineUnavailableError, match="does not answer"):
        DockerEngine(str(client), call_seconds=0.5).call(["pull", "tea"], timeout_seconds=1)


@needs_client
@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() != 0, reason="another user is needed to be refused"
)
def test_a_user_who_may_not_talk_to_it_learns_of_the_group(tmp_path: Path) -> None:
    place = subprocess.run(
        ["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    path = (os.environ.get("DOCKER_HOST") or place).removeprefix("unix://")
    if not path.startswith("/") or Path(path).stat().st_mode & stat.S_IWOTH:
        pytest.skip("anybody may talk to this engine")
    argv = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "docker", "version"]
    said = subprocess.run(
        argv, env={**os.environ, "HOME": "/"}, check=False, capture_output=True, text=True
    )
    with pytest.raises(EngineUnavailableError, match="group `docker`"):
        DockerEngine().check_answers(said.stdout + said.stderr)


@needs_client
def test_what_the_engine_refuses_is_said_in_its_words() -> None:
    with pytest.raises(EngineError) as caught:
        DockerEngine().call(["run", "--rm", "--network", "no-such-network", "no-such-image:1"])
    assert not isinstance(caught.value, EngineUnavailableError)
    with pytest.raises(EngineError, match="No such container: no-such-thing") as caught:
        DockerEngine().call(["stop", "no-such-thing"])
    assert not isinstance(caught.value, EngineUnavailableError)


def test_what_the_engine_says_of_a_registry_is_an_answer() -> None:
    said = (
        'Error response from daemon: Get "https://registry.example.org/v2/": dial tcp: lookup '
        "registry.example.org: no such host"
    )
    DockerEngine().check_answers(said)
    with pytest.raises(EngineUnavailableError):
        DockerEngine().check_answers("Cannot connect to the Docker daemon at unix:///x. Is it?")
