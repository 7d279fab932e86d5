"""Secrets that a build is given for a moment do not stay on the disk."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tg.common.delivery.docker.scratch_folder import scratch_folder

HOLDS = """
from tg.common.delivery.docker.scratch_folder import scratch_folder
with scratch_folder() as folder:
    (folder / "token").write_text("secret")
    print(folder, flush=True)
    input()
"""


@pytest.fixture(autouse=True)
def _own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)


def test_only_its_user_may_look_into_it() -> None:
    with scratch_folder() as folder:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_what_a_killed_process_left_is_removed_by_the_next_and_what_is_used_stays(
    tmp_path: Path,
) -> None:
    def old(folder: Path) -> None:
        os.utime(folder, (1, 1))

    argv = [sys.executable, "-c", HOLDS]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        folder = Path(holder.stdout.readline().strip())
        old(folder)
        with scratch_folder() as other:
            assert sorted(tmp_path.iterdir()) == sorted([folder, other])
        assert (folder / "token").exists()
        holder.send_signal(signal.SIGKILL)
    assert (folder / "token").exists()
    with scratch_folder() as fresh:
        assert list(tmp_path.iterdir()) == [fresh]


def test_a_link_of_its_name_leads_to_nothing_that_is_removed(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    os.utime(mine, (1, 1))
    (tmp_path / "tg-scratch-x").symlink_to(mine)
    with scratch_folder():
        assert mine.is_dir()
