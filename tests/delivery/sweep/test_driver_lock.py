"""Who drives a sweep can be seen by anybody who watches it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from folder_place import FolderExecutor, tasks

from tg.common._core.errors import SweepBusyError
from tg.common._core.file_lock import try_lock
from tg.common.delivery.sweep import Sweep
from tg.common.delivery.sweep.driver_lock import driving, is_driven, lock_path


@pytest.fixture
def sweep(place: Path) -> Sweep:
    sweep = Sweep(tasks(1), FolderExecutor(place), name="one")
    sweep.run()
    return sweep


def test_a_watcher_is_not_taken_for_a_driver_by_another(sweep: Sweep) -> None:
    # else `tg sweep status --follow` in two terminals shows a sweep that nobody drives as driven
    handle = os.open(sweep.lock_path, os.O_RDONLY)
    try:
        assert try_lock(handle, shared=True)
        assert not sweep.status().is_driven
    finally:
        os.close(handle)
    with driving(sweep.journal_path):
        assert sweep.status().is_driven
    assert not sweep.status().is_driven


def test_the_driver_is_seen_by_whoever_may_only_read(
    sweep: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = os.open

    def reading_only(path: Any, flags: int, *rest: Any, **more: Any) -> int:
        if flags & (os.O_RDWR | os.O_WRONLY | os.O_CREAT):
            raise PermissionError(13, "Permission denied")
        return really(path, flags, *rest, **more)

    with driving(sweep.journal_path), monkeypatch.context() as patch:
        patch.setattr(os, "open", reading_only)
        assert sweep.status().is_driven


def test_where_nobody_ever_drove_there_is_no_driver(tmp_path: Path) -> None:
    assert not is_driven(tmp_path / "journal.db")
    assert not lock_path(tmp_path / "journal.db").exists()  # to look leaves no trace


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
def test_what_a_driver_has_forked_does_not_drive_when_it_is_dead(sweep: Sweep) -> None:
    # else nobody can go on with a sweep while a worker of a data loader lives on
    program = (
        "import os, sys, time\n"
        "from pathlib import Path\n"
        "from tg.common.delivery.sweep.driver_lock import driving\n"
        "with driving(Path(sys.argv[1])):\n"
        "    if os.fork():\n"
        "        os._exit(0)\n"
        "    print(os.getpid(), flush=True)\n"
        "    time.sleep(600)\n"
    )
    command = [sys.executable, "-c", program, str(sweep.journal_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as driver:
        assert driver.stdout is not None
        child = int(driver.stdout.readline())
        try:
            driver.wait(120)
            assert not sweep.status().is_driven
            with driving(sweep.journal_path):
                assert sweep.status().is_driven
        finally:
            os.kill(child, signal.SIGKILL)


def test_only_one_drives(sweep: Sweep) -> None:
    with (
        driving(sweep.journal_path),
        pytest.raises(SweepBusyError, match=r"driven by another process: .*open\('one'\)"),
        driving(sweep.journal_path),
    ):
        pass
