"""A container engine that a test may stop, kill, freeze or fill up.

The engine of this machine belongs to everybody. `OwnEngine` starts a second ``dockerd`` in
namespaces of its own for processes, mounts and network. So it cannot meet the first one, neither at
its containerd nor at its bridge, and nothing outlives it: its namespace's first process ends when
this process does, however that ends, and the kernel then ends all in the namespace, with its mounts
and loop device. The price is the network: containers have one with each other, not with the world,
so an image that installs something is made by the first engine and copied with `load_image`.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

__all__ = ["OwnEngine"]

_ANSWER_SECONDS = 180.0
_STOP_SECONDS = 180.0
_CGROUP_SECONDS = 60.0

# The namespace's first process. It obeys the words on its standard input and answers each with a
# line; at the end of the input it ends. /run of the first engine is hidden from the second one,
# which would use its containerd. Being process 1, bash also reaps what is left by others.
_FIRST_PROCESS = r"""
set -eu
folder=$1 data=$2 image=$3 cgroup=$4
mount -t tmpfs tmpfs /run
ip link set lo up 2>/dev/null || true
if [ -n "$image" ]; then mount -o loop "$image" "$data"; fi
engine=
echo ready
while read -r word; do
    case "$word" in
        start)
            dockerd --host "unix://$folder/s" --data-root "$data" --exec-root "$folder/x" \
                --pidfile "$folder/pid" --exec-opt native.cgroupdriver=cgroupfs \
                --cgroup-parent "$cgroup" </dev/null >>"$folder/log" 2>&1 &
            engine=$! ;;
        STOP | CONT) kill -"$word" "$engine" ;;
        TERM | KILL)
            kill -"$word" "$engine" || true
            # another signal or child may end a wait early
            while kill -0 "$engine" 2>/dev/null; do wait "$engine" || true; done
            rm -f "$folder/pid" ;;
    esac
    echo "$word"
done
"""


class OwnEngine:
    """A second engine, as a context; a test is skipped where there can be none.

    Parameters
    ----------
    root
        An empty folder of the test; images and containers are kept in it.
    data_root_size_mib
        Size in MiB of a file system of its own for them; ``None`` gives them `root`'s.

    Examples
    --------
    ::

        with OwnEngine(tmp_path) as engine:
            engine.load_image(os.environ["TG_BASE_IMAGE"])
            monkeypatch.setenv("DOCKER_HOST", engine.host)
            ...
            engine.kill()
    """

    def __init__(self, root: Path, data_root_size_mib: int | None = None) -> None:
        self._data = root / "engine"
        self._image = root / "engine.ext4" if data_root_size_mib is not None else None
        self._size_mib = data_root_size_mib or 0
        # the path of a socket has 107 characters at most
        self._folder = Path()
        self._cgroup = ""
        self._first: subprocess.Popen[str] | None = None
        # before a test points DOCKER_HOST to this engine
        self._machines_engine = dict(os.environ)

    @property
    def host(self) -> str:
        """What ``DOCKER_HOST`` is to be."""
        return f"unix://{self._folder}/s"

    @property
    def log(self) -> str:
        """What the engine has logged."""
        path = self._folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def __enter__(self) -> Self:
        if reason := _reason():
            pytest.skip(reason)
        self._folder = Path(tempfile.mkdtemp(prefix="tge-", dir="/tmp"))
        self._cgroup = f"/{self._folder.name}"
        try:
            self._prepare_data()
            self._enter_namespaces()
            self.start()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._remove()

    def start(self) -> None:
        """Start the engine, again with what it had, and wait until it answers."""
        self._tell("start")
        deadline = time.monotonic() + _ANSWER_SECONDS
        while not self._answers():
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"the engine does not answer; its log ends with\n{self.log[-4000:]}"
                )
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop the engine as a shutdown does: it stops its containers and ends."""
        self._tell("TERM")

    def kill(self) -> None:
        """End the engine at once; its containers go on without it."""
        self._tell("KILL")

    def freeze(self) -> None:
        """Let the engine answer nothing until `thaw`, with its socket open."""
        self._tell("STOP")

    def thaw(self) -> None:
        """Let a frozen engine go on."""
        self._tell("CONT")

    def docker(self, *arguments: str, timeout_seconds: float = 600) -> str:
        """Run the client against this engine, and give what it printed."""
        return _run(["docker", "--host", self.host, *arguments], timeout_seconds)

    def load_image(self, name: str) -> None:
        """Copy an image of the machine's engine into this one."""
        with tempfile.TemporaryFile(dir=self._data.parent) as archive:
            subprocess.run(
                ["docker", "save", name],
                env=self._machines_engine,
                stdout=archive,
                check=True,
                timeout=900,
            )
            archive.seek(0)
            subprocess.run(
                ["docker", "--host", self.host, "load", "--quiet"],
                stdin=archive,
                stdout=subprocess.DEVNULL,
                check=True,
                timeout=900,
            )

    def free_bytes(self) -> int:
        """Bytes that are free where the engine keeps its data."""
        first = self._process().pid
        # seen through the first process, which has the file system mounted
        child = Path(f"/proc/{first}/task/{first}/children").read_text().split()[0]
        usage = os.statvfs(f"/proc/{child}/root{self._data}")
        return usage.f_bavail * usage.f_frsize

    def _prepare_data(self) -> None:
        self._data.mkdir(parents=True)
        if self._image is not None:
            with self._image.open("wb") as file:
                file.truncate(self._size_mib * 1024 * 1024)
            _run(["mkfs.ext4", "-q", "-m", "0", str(self._image)])

    def _enter_namespaces(self) -> None:
        namespaces = ["--mount", "--pid", "--net", "--fork", "--mount-proc", "--kill-child"]
        arguments = [str(self._folder), str(self._data), str(self._image or ""), self._cgroup]
        with (self._folder / "first.log").open("w") as said:
            self._first = subprocess.Popen(
                ["unshare", *namespaces, "bash", "-c", _FIRST_PROCESS, "own-engine", *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
                start_new_session=True,  # a Ctrl-C is the test's, not the engine's
            )
        self._read("ready")

    def _process(self) -> subprocess.Popen[str]:
        if self._first is None:
            raise RuntimeError("the engine is used outside of its context")
        return self._first

    def _tell(self, word: str) -> None:
        stdin = self._process().stdin
        assert stdin is not None
        stdin.write(f"{word}\n")
        stdin.flush()
        self._read(word)

    def _read(self, expected: str) -> None:
        stdout = self._process().stdout
        assert stdout is not None
        line = stdout.readline().strip()
        if line != expected:
            said = (self._folder / "first.log").read_text()
            raise RuntimeError(f"expected {expected!r} of the namespace, got {line!r}: {said}")

    def _answers(self) -> bool:
        try:
            self.docker("version", "--format", "{{.Server.Version}}", timeout_seconds=10)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            return False
        return True

    def _remove(self) -> None:
        if self._first is not None:
            first, self._first = self._first, None
            assert first.stdin is not None
            assert first.stdout is not None
            first.stdin.close()  # its end is the namespace's end
            try:
                first.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                first.kill()
                first.wait()
            first.stdout.close()
        self._remove_cgroups()
        for folder in (self._data, self._folder):
            if folder.exists():
                shutil.rmtree(folder)
        if self._image is not None:
            self._image.unlink(missing_ok=True)

    def _remove_cgroups(self) -> None:
        """Remove the empty folders that killed containers leave."""
        for parent in Path("/sys/fs/cgroup").glob(f"*{self._cgroup}"):
            _remove_empty_folders(parent)
        _remove_empty_folders(Path(f"/sys/fs/cgroup{self._cgroup}"))


def _remove_empty_folders(top: Path) -> None:
    for folder, _, _ in os.walk(top, topdown=False):
        deadline = time.monotonic() + _CGROUP_SECONDS
        while True:
            try:
                Path(folder).rmdir()
                break
            except OSError:  # its last process is on its way out
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)


def _run(argv: list[str], timeout_seconds: float = 600) -> str:
    return subprocess.run(
        argv, check=True, capture_output=True, text=True, timeout=timeout_seconds
    ).stdout


@functools.cache
def _reason() -> str:
    """Why there can be no second engine here; empty if there can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "a second container engine needs Linux and root"
    missing = [
        program
        for program in ("dockerd", "docker", "unshare", "mount", "mkfs.ext4", "ip")
        if shutil.which(program) is None
    ]
    if missing:
        return f"a second container engine needs {', '.join(missing)}"
    namespaces = ["--mount", "--pid", "--net", "--fork", "--mount-proc"]
    try:
        _run(["unshare", *namespaces, "true"])
    except subprocess.CalledProcessError as exc:
        return f"a second container engine needs namespaces: {exc.stderr.strip()}"
    return ""
