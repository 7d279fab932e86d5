"""A second engine: what fault tests rely on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from own_engine import OwnEngine

pytestmark = [pytest.mark.docker, pytest.mark.slow]

BASE = os.environ.get("TG_BASE_IMAGE") or "python:{}.{}-slim".format(*sys.version_info)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[OwnEngine]:
    with OwnEngine(tmp_path) as own:
        own.load_image(BASE)
        yield own


def state_of(engine: OwnEngine, container: str) -> str:
    return engine.docker("inspect", "--format", "{{.State.Status}}", container).strip()


def test_a_killed_engine_comes_back_with_its_containers_and_the_machines_engine_sees_none_of_it(
    engine: OwnEngine, tmp_path: Path
) -> None:
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    # ends at SIGTERM, and tells that it lives
    script = "trap 'exit 5' TERM; i=0; while :; do i=$((i+1)); echo $i > /x/beat; sleep 0.1; done"
    options = ["--detach", "--memory", "64m", "--mount", f"type=bind,source={mounted},target=/x"]
    container = engine.docker("run", *options, BASE, "sh", "-c", script).strip()
    assert (
        container
        not in subprocess.run(
            ["docker", "ps", "--all", "--quiet", "--no-trunc"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.split()
    )
    wait_for_beat(mounted, 1)

    engine.kill()
    with pytest.raises(subprocess.CalledProcessError):
        engine.docker("version")
    wait_for_beat(mounted, int((mounted / "beat").read_text() or 0) + 3)

    engine.start()
    assert state_of(engine, container) == "exited"
    engine.docker("start", container)
    assert state_of(engine, container) == "running"

    engine.stop()
    engine.start()
    assert state_of(engine, container) == "exited"


def wait_for_beat(folder: Path, number: int) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        beat = folder / "beat"
        if beat.exists() and int(beat.read_text() or 0) >= number:
            return
        time.sleep(0.05)
    raise TimeoutError(f"no beat {number}")


def test_a_frozen_engine_answers_nothing_until_it_is_thawed(engine: OwnEngine) -> None:
    engine.freeze()
    with pytest.raises(subprocess.TimeoutExpired):
        engine.docker("version", timeout_seconds=2)
    engine.thaw()
    assert "Server" in engine.docker("version")


def test_an_engine_of_a_given_size_runs_full(tmp_path: Path) -> None:
    with OwnEngine(tmp_path, data_root_size_mib=1000) as engine:
        engine.load_image(BASE)
        assert 0 < engine.free_bytes() < 1000 * 2**20
        fill = ["dd", "if=/dev/zero", "of=/full", "bs=1M", "count=1000"]
        with pytest.raises(subprocess.CalledProcessError) as caught:
            engine.docker("run", "--network", "none", BASE, *fill)
        assert "No space left on device" in caught.value.stderr
        assert engine.free_bytes() < 2**20


def test_nothing_is_left_by_a_context_that_ends_in_an_error(tmp_path: Path) -> None:
    seen: list[str] = []

    def leave_much_and_fail() -> None:
        with OwnEngine(tmp_path, data_root_size_mib=1000) as engine:
            engine.load_image(BASE)
            container = engine.docker("run", "--detach", BASE, "sleep", "600").strip()
            own = Path(engine.host.removeprefix("unix://")).parent
            seen.extend([str(own), container])
            engine.kill()
            assert groups_of(own.name)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        leave_much_and_fail()
    own, container = Path(seen[0]), seen[1]
    assert not own.exists()
    assert list(tmp_path.iterdir()) == []
    assert not groups_of(own.name)
    assert processes_with(container) == []
    wait_for_release(tmp_path)


_KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from own_engine import OwnEngine

with OwnEngine(Path(sys.argv[2]), data_root_size_mib=1000) as engine:
    engine.load_image(sys.argv[3])
    print(engine.host, engine.docker("run", "--detach", sys.argv[3], "sleep", "600"), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_nothing_runs_on_when_the_test_session_is_killed(tmp_path: Path) -> None:
    folder = str(Path(__file__).parent)
    completed = subprocess.run(
        [sys.executable, "-c", _KILLED, folder, str(tmp_path), BASE],
        check=False,
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert completed.returncode == -signal.SIGKILL, completed.stderr
    host, container = completed.stdout.split()
    own = Path(host.removeprefix("unix://")).parent
    deadline = time.monotonic() + 120
    while processes_with(container) or processes_with(str(own)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    wait_for_release(tmp_path)
    # empty folders are all that a killed process leaves
    engine = OwnEngine(tmp_path / "again")
    engine._folder, engine._cgroup = own, f"/{own.name}"
    engine._data = tmp_path / "engine"
    engine._remove()


def groups_of(name: str) -> list[Path]:
    top = Path("/sys/fs/cgroup")
    return [*top.glob(name), *top.glob(f"*/{name}")]


def processes_with(text: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if text.encode() in path.read_bytes():
                found.append(path.parent.name)
        except OSError:
            continue  # it has ended
    return found


def wait_for_release(folder: Path) -> None:
    """Wait until no loop device reads a file of `folder`; the kernel lets go of it by itself."""
    deadline = time.monotonic() + 120
    while str(folder) in loop_files():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def loop_files() -> str:
    names = []
    for path in Path("/sys/block").glob("loop*/loop/backing_file"):
        try:
            names.append(path.read_text())
        except OSError:
            continue
    return "".join(names)
