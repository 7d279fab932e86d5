"""Containers start, tell how they are, and go, whatever state they are in."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tg.common._core.errors import CommandError, EngineError
from tg.common._core.process import Completed, run
from tg.common.delivery.docker import Containers, DockerEngine
from tg.common.delivery.docker.containers import ContainerSpec, Mount

pytestmark = pytest.mark.docker

BASE = os.environ.get("TG_BASE_IMAGE") or "python:{}.{}-slim".format(*sys.version_info)
PATIENCE_SECONDS = 120.0  # other tests use the same engine


@pytest.fixture
def containers() -> Containers:
    return Containers(DockerEngine())


@pytest.fixture
def name(containers: Containers) -> Iterator[str]:
    name = f"training-grounds-test-{secrets.token_hex(6)}"
    yield name
    containers.remove(name)
    assert goes(containers, name)


def goes(containers: Containers, name: str) -> bool:
    """Whether a container that is being removed is gone at last."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while containers.inspect(name) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def shell(name: str, script: str, *options: str, **more: object) -> ContainerSpec:
    return ContainerSpec(
        name=name,
        image=BASE,
        command=("sh", "-c", script),
        options=options,
        **more,  # type: ignore[arg-type]
    )


def test_a_container_is_followed_to_its_end(containers: Containers, name: str) -> None:
    began = time.monotonic()
    containers.start(shell(name, "echo one; echo two >&2; exit 7"))
    assert sorted(containers.logs(name)) == ["one", "two"]
    assert containers.wait(name, PATIENCE_SECONDS)
    state = containers.inspect(name)
    assert state is not None
    assert (state.is_running, state.exit_code, state.is_out_of_memory) == (False, 7, False)
    assert 0 <= state.age_seconds <= time.monotonic() - began
    assert state.memory_limit_bytes == 0


def test_one_that_runs_is_waited_for_as_long_as_asked_and_stopped(
    containers: Containers, name: str
) -> None:
    containers.start(shell(name, "echo up; exec sleep 600", "--init", "--memory", "32m"))
    # before that, its first process may not listen for signals yet, and the engine drops them
    assert next(containers.logs(name)) == "up"
    assert not containers.wait(name, 0.5)
    state = containers.inspect(name)
    assert state is not None
    assert state.is_running
    assert state.memory_limit_bytes == 32 * 1024**2
    containers.signal(name, "TERM")
    assert containers.wait(name, PATIENCE_SECONDS)
    ended = containers.inspect(name)
    assert ended is not None
    assert ended.exit_code == 143
    containers.signal(name, "TERM")  # it has ended: nothing is wrong


def test_what_is_not_there_is_no_error_where_it_shall_not_be(containers: Containers) -> None:
    assert containers.inspect("no-such-container") is None
    containers.remove("no-such-container")
    containers.signal("no-such-container", "TERM")
    assert containers.wait("no-such-container", PATIENCE_SECONDS)


def test_one_that_cannot_start_leaves_nothing(containers: Containers, name: str) -> None:
    spec = ContainerSpec(name=name, image=BASE, command=("/no/such/program",))
    with pytest.raises(EngineError, match="/no/such/program"):
        containers.start(spec)
    assert containers.inspect(name) is None


def test_folders_with_odd_names_are_mounted(
    containers: Containers, name: str, tmp_path: Path
) -> None:
    odd = tmp_path / 'a, "b" =\nc'
    odd.mkdir()
    (odd / "in").write_text("tea")
    (tmp_path / "kept").mkdir()
    mounts = (
        Mount(source=odd, target="/in", is_read_only=True),
        Mount(source=tmp_path / "kept", target="/out"),
    )
    containers.run(shell(name, "cp /in/in /out/copied; ! touch /in/new", mounts=mounts))
    assert (tmp_path / "kept" / "copied").read_text() == "tea"
    assert not (odd / "new").exists()


@pytest.mark.parametrize(
    "value",
    ["s3cret", "s3cret\nsecond line", "s3cret '$HOME' #é=\"\\", " s3cret\t", "", "s3cret" * 12_000],
)
def test_variables_reach_it_as_they_are_and_stand_in_no_command_line(
    containers: Containers, name: str, tmp_path: Path, value: str
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    seen: list[str] = []

    def watched(argv: Sequence[str], **more: Any) -> Completed:
        seen.extend(argv)
        return run(argv, **more)

    spec = shell(
        name,
        'printf "%s" "$TEA" > /out/tea',
        environment={"TEA": value},
        mounts=(Mount(source=folder, target="/out"),),
    )
    Containers(DockerEngine(runner=watched)).run(spec)
    assert (folder / "tea").read_text() == value
    assert not [arg for arg in seen if "s3cret" in arg]


def test_variables_of_a_container_are_not_obeyed_by_the_client(
    containers: Containers, name: str
) -> None:
    """Whoever uses a context, of Docker Desktop or a rootless engine, has it in their home."""
    environment = {
        "HOME": "/nowhere",
        "PATH": "/usr/bin:/bin:/nowhere",
        "DOCKER_HOST": "tcp://nowhere:1",
        "DOCKER_CONTEXT": "nowhere",
        "LD_PRELOAD": "",
    }
    lines: list[str] = []
    program = 'echo "$HOME" "$PATH" "$DOCKER_HOST"'
    containers.run(shell(name, program, environment=environment), lines.append)
    assert lines == ["/nowhere /usr/bin:/bin:/nowhere tcp://nowhere:1"]


def test_one_that_fails_gives_what_it_printed(containers: Containers, name: str) -> None:
    with pytest.raises(EngineError) as caught:
        containers.run(shell(name, "echo the kettle is cold; exit 5"))
    cause = caught.value.__cause__
    assert isinstance(cause, CommandError)
    assert "the kettle is cold" in cause.output
    assert cause.exit_code == 5


def test_all_that_it_printed_is_kept_line_ends_included(
    containers: Containers, name: str, tmp_path: Path
) -> None:
    # what is no UTF-8 is replaced by the engine itself, whose logs are JSON
    containers.start(shell(name, r"printf 'a\303\244b\r\n\000'; head -c 300000 /dev/zero"))
    assert containers.wait(name, PATIENCE_SECONDS)
    containers.save_log(name, tmp_path / "log")
    assert (tmp_path / "log").read_bytes() == b"a\xc3\xa4b\r\n\0" + bytes(300_000)
    with pytest.raises(EngineError):
        containers.save_log("no-such-container", tmp_path / "other")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["log"]


def test_two_that_remove_the_same_one_do_not_meet(containers: Containers, name: str) -> None:
    containers.start(shell(name, "sleep 600"))
    errors: list[BaseException] = []

    def remove() -> None:
        try:
            containers.remove(name)
        except BaseException as exc:
            errors.append(exc)

    threads = [threading.Thread(target=remove) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    # the engine may still be removing it for the one that came first
    assert goes(containers, name)


def test_an_interrupted_client_ends_a_container_that_it_runs(
    containers: Containers, name: str
) -> None:
    program = """
        import sys
        from tg.common.delivery.docker import Containers, DockerEngine
        from tg.common.delivery.docker.containers import ContainerSpec

        name, image = sys.argv[1:]
        spec = ContainerSpec(
            name=name, image=image, command=("sh", "-c", "echo up; sleep 600"), options=("--init",)
        )
        Containers(DockerEngine()).run(spec, lambda line: print(line, flush=True))
    """
    argv = [sys.executable, "-c", textwrap.dedent(program), name, BASE]
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as child:
        assert child.stdout is not None
        try:
            assert child.stdout.readline() == "up\n"
            child.send_signal(signal.SIGINT)
            assert child.wait(PATIENCE_SECONDS) != 0
        finally:
            child.kill()
    assert containers.wait(name, PATIENCE_SECONDS)
    state = containers.inspect(name)
    assert state is not None
    # by the signal that was passed on, not by the one that follows where nobody obeys
    assert state.exit_code == 128 + signal.SIGTERM
