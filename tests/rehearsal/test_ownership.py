"""What a killed rehearsal left is removed, and nothing that somebody else names."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tg.common.delivery.docker.engine import DockerEngine
from tg.common.delivery.execution.process_identity import process_identity
from tg.rehearsal.ownership import FOLDER_PREFIX, owner, remove_abandoned


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> DockerEngine:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return DockerEngine("docker")


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


def left_by_a_killed_one(tmp_path: Path, pid: int, **changes: Any) -> Path:
    folder = tmp_path / f"{FOLDER_PREFIX}x"
    folder.mkdir()
    machine = owner().partition("/")[0]
    note = {
        "protocol": 2,
        "owner": f"{machine}/{2**22 + 1}/gone",
        "processes": [{"pid": pid, "identity": process_identity(pid)}],
        "registry_host": "",
    }
    (folder / "owner.json").write_text(json.dumps({**note, **changes}))
    return folder


def test_what_a_killed_rehearsal_left_goes(
    engine: DockerEngine, tmp_path: Path, bystander: subprocess.Popen[bytes]
) -> None:
    folder = left_by_a_killed_one(tmp_path, bystander.pid)
    remove_abandoned(engine)
    assert bystander.wait(60) == -9
    assert not folder.exists()


@pytest.mark.skipif(os.getuid() != 0, reason="needs the right to give files to others")
def test_another_user_cannot_have_our_processes_killed(
    engine: DockerEngine, tmp_path: Path, bystander: subprocess.Popen[bytes]
) -> None:
    folder = left_by_a_killed_one(tmp_path, bystander.pid)
    os.chown(folder, 65534, 65534)
    remove_abandoned(engine)
    assert bystander.poll() is None
    assert folder.exists()


@pytest.mark.parametrize("text", ["[]", "1", "{}", "", '{"protocol": 1}'])
def test_a_note_of_another_form_is_in_no_rehearsals_way(
    engine: DockerEngine, tmp_path: Path, text: str
) -> None:
    folder = left_by_a_killed_one(tmp_path, os.getpid())
    (folder / "owner.json").write_text(text)
    remove_abandoned(engine)
    assert folder.exists()
