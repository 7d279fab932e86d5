"""A Ray cluster of this machine alone, for a session of tests."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

_ATTEMPTS = 3
_START_SECONDS = 180.0


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A cluster that was started."""

    address: str
    folder: Path


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """One node with four places, which ends with the tests."""
    pytest.importorskip("ray")
    for _ in range(_ATTEMPTS):
        with ExitStack() as stack:
            found = _started(stack)
            if isinstance(found, Cluster):
                yield found
                return
    pytest.fail(found)


def _started(stack: ExitStack) -> Cluster | str:
    """Start one, or give what it said: a port that was free may have been taken meanwhile."""
    # sockets have paths, which may not be long
    folder = Path(tempfile.mkdtemp(prefix="ray-"))
    dashboard, client, agent = _free_ports(3)
    argv = [sys.executable, "-c", "from ray.scripts.scripts import main; main()", "start"]
    argv += ["--head", "--block", "--disable-usage-stats", "--num-cpus=4", "--port=0"]
    argv += ["--dashboard-host=127.0.0.1", f"--dashboard-port={dashboard}"]
    argv += [f"--ray-client-server-port={client}", f"--dashboard-agent-listen-port={agent}"]
    argv += ["--min-worker-port=0", "--max-worker-port=0", f"--temp-dir={folder}"]
    argv += ["--object-store-memory=100000000"]
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    log = stack.enter_context((folder / "start.log").open("wb"))
    head = subprocess.Popen(
        argv,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        env={**os.environ, "RAY_USAGE_STATS_ENABLED": "0"},
    )
    stack.callback(_end, head)
    address = f"http://127.0.0.1:{dashboard}"
    deadline = time.monotonic() + _START_SECONDS
    while not _answers(address):
        if head.poll() is not None or time.monotonic() > deadline:
            return (folder / "start.log").read_text()[-3000:]
        time.sleep(0.2)
    return Cluster(address=address, folder=folder)


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _answers(address: str) -> bool:
    """Whether it takes jobs: on a busy machine it answers long before."""
    job = urllib.request.Request(
        f"{address}/api/jobs/",
        data=json.dumps({"entrypoint": "true"}).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(job, timeout=60) as answer:
            return answer.status == 200
    except OSError:
        return False


def _end(head: subprocess.Popen[bytes]) -> None:
    head.terminate()  # it takes the node's other processes with it
    try:
        head.wait(30)
    except subprocess.TimeoutExpired:
        os.killpg(head.pid, signal.SIGKILL)
        head.wait()
