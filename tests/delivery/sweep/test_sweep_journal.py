"""Journals on bad disks, of other versions, and of other sweeps."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from folder_place import FolderExecutor, run_files, tasks

from tg.common._core.errors import (
    FormatError,
    NamingError,
    ProtocolError,
    StorageError,
    SweepError,
    SweepNotFoundError,
)
from tg.common.delivery.sweep import Pace, Sweep, TaskState
from tg.common.delivery.sweep.journal import Journal
from tg.common.delivery.sweep.journal_file import journal_path
from tg.common.delivery.sweep.scheduler import Scheduler
from tg.common.delivery.sweep.settings import SweepSettings

HERE = Path(__file__).parent


def finished(place: Path, name: str = "s", count: int = 30) -> Path:
    Sweep(tasks(count), FolderExecutor(place), name=name).run()
    return journal_path(name)


def assert_found_again(place: Path, path: Path, count: int = 30) -> None:
    """Without its journal a sweep finds its runs by their ids."""
    shutil.rmtree(path.parent)
    before = run_files(place)
    status = Sweep(tasks(count), FolderExecutor(place), name="s").run()
    assert status["completed"] == count
    assert run_files(place) == before


@pytest.mark.parametrize("part", [0.9, 0.5, 0.2, 0.01])
def test_a_truncated_journal_is_told_and_its_runs_are_found_again(place: Path, part: float) -> None:
    path = finished(place)
    size = path.stat().st_size
    os.truncate(path, int(size * part))
    with pytest.raises(FormatError, match="Move its folder away"):
        Sweep.open("s").run()
    assert path.stat().st_size == int(size * part)  # evidence is not destroyed
    assert_found_again(place, path)


def test_an_empty_journal_is_no_sweep_and_the_same_tasks_make_it_again(place: Path) -> None:
    path = finished(place)
    os.truncate(path, 0)
    with pytest.raises(SweepNotFoundError):
        Sweep.open("s")
    assert Sweep(tasks(30), FolderExecutor(place), name="s").run()["completed"] == 30
    assert len(run_files(place)) == 30


def test_a_damaged_journal_is_told(place: Path) -> None:
    path = finished(place)
    content = bytearray(path.read_bytes())
    for start in range(4096, len(content), 4096):
        content[start : start + 2000] = os.urandom(2000)
    path.write_bytes(content)
    for act in (Sweep.open, lambda _: Sweep(tasks(30), FolderExecutor(place), name="s").run()):
        with pytest.raises(FormatError, match="damaged"):
            act("s")
    assert_found_again(place, path)


def test_to_watch_a_sweep_is_not_to_read_all_of_its_journal(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # else a look each second at a sweep of 10,000 tasks keeps a processor busy
    finished(place)
    sweep = Sweep.open("s")
    said: list[str] = []
    really = sqlite3.connect

    def traced(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        connection = really(*args, **kwargs)
        connection.set_trace_callback(said.append)
        return connection

    monkeypatch.setattr(sqlite3, "connect", traced)
    assert sweep.status()["completed"] == 30
    assert len(sweep.rows()) == 30
    assert said
    assert not [line for line in said if "_check" in line]
    Sweep.open("s").run()
    assert [line for line in said if "_check" in line]  # who writes looks whether it is whole


def with_an_unreadable_task(path: Path, number: int) -> None:
    connection = sqlite3.connect(path)
    connection.execute("UPDATE tasks SET state = 'unheard of' WHERE number = ?", (number,))
    connection.commit()
    connection.close()


def test_one_run_is_found_without_reading_the_other_tasks(place: Path) -> None:
    # of 10,000 that took a quarter of a second each time
    with_an_unreadable_task(finished(place), 3)
    sweep = Sweep.open("s")
    assert sweep.run_of("t00007").id == run_files(place)[7]
    with pytest.raises(SweepError, match=r"no task 't0007'.*Did you mean"):
        sweep.run_of("t0007")
    for read in (sweep.rows, lambda: sweep.run_of("t00003")):
        with pytest.raises(FormatError, match="a task that cannot be read"):
            read()


def test_only_the_same_tasks_of_earlier_sweeps_are_read(place: Path) -> None:
    # each round of a search asks all sweeps of the project
    with_an_unreadable_task(finished(place), 3)
    status = Sweep(tasks(3), FolderExecutor(place), name="fewer").run()
    assert (status["completed"], status.reused) == (3, 3)


@pytest.mark.parametrize("count", [2, 100])
def test_few_and_many_earlier_tasks_are_found_alike(place: Path, count: int) -> None:
    path = finished(place, count=120)
    with Journal(path) as journal:
        rows = journal.rows()
        wanted = {row.fingerprint for row in rows[5 : 6 + count]}
        assert journal.rows_of(wanted) == rows[5 : 6 + count]
        assert journal.rows_of({"nothing"}) == []
        assert journal.names() == [row.name for row in rows]


@pytest.mark.parametrize("content", [b"hello", b"x" * 10_000])
def test_a_file_that_is_no_journal_is_told(project: Path, content: bytes) -> None:
    path = journal_path("s")
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(FormatError):
        Sweep.open("s")


def test_a_database_of_something_else_is_told(project: Path) -> None:
    path = journal_path("s")
    path.parent.mkdir(parents=True)
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE about (key, value)")
    connection.commit()
    connection.close()
    with pytest.raises(FormatError, match="no journal"):
        Sweep.open("s")


@pytest.mark.parametrize("protocol", ["1", "99"])
def test_another_protocol_is_told_and_left_alone(place: Path, protocol: str) -> None:
    path = finished(place)
    connection = sqlite3.connect(path)
    connection.execute("UPDATE about SET value = ? WHERE key = 'protocol'", (protocol,))
    connection.commit()
    connection.close()
    for act in (Sweep.open, lambda _: Sweep(tasks(30), FolderExecutor(place), name="s").run()):
        with pytest.raises(ProtocolError, match=f"protocol {protocol}.*this version reads"):
            act("s")


def test_two_sweeps_with_one_name_are_told_apart(place: Path) -> None:
    # else the second would mix its results with those of the first
    finished(place)
    changed = tasks(30)
    changed[3].seconds = 0.001
    with pytest.raises(SweepError, match=r"of its tasks 1 is changed, such as t00003"):
        Sweep(changed, FolderExecutor(place), name="s").run()
    with pytest.raises(SweepError, match=r"20 are gone, such as"):
        Sweep(tasks(10), FolderExecutor(place), name="s").run()
    with pytest.raises(SweepError, match=r"5 are new, such as t00030"):
        Sweep(tasks(35), FolderExecutor(place), name="s").run()


def test_an_unknown_sweep_is_told_with_the_nearest(place: Path) -> None:
    finished(place, "titanic")
    with pytest.raises(SweepNotFoundError, match="'titanic'"):
        Sweep.open("titanik")


@pytest.mark.parametrize("name", ["", "a/b", "../x", ".", "x" * 101, "a b"])
def test_a_name_that_is_no_folder_is_refused_at_once(place: Path, name: str) -> None:
    with pytest.raises(NamingError):
        Sweep(tasks(1), FolderExecutor(place), name=name)


@contextmanager
def mounted(folder: Path, options: str):
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(command, check=False).returncode:
        pytest.skip("needs the right to mount a disk")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_stops_the_driver_and_loses_nothing(project: Path, place: Path) -> None:
    folder = project / "data-cache"
    with mounted(folder, "size=8m"):
        executor = FolderExecutor(place)

        def fill(name: str, attempt: int, at: int) -> None:
            if name == "t00010":
                with (folder / "filler").open("wb", buffering=0) as stream, suppress(OSError):
                    while True:
                        stream.write(b"x" * 4096)

        executor.change = lambda batch: setattr(batch, "before_start", fill)
        pace = Pace(start_threads=2)
        sweep = Sweep(tasks(200), executor, name="full", pace=pace)
        with pytest.raises(StorageError, match="Free some space"):
            sweep.run()
        started = len(run_files(place))
        assert started < 200
        (folder / "filler").unlink()
        assert Sweep.open("full").run()["completed"] == 200
        assert len(run_files(place)) == 200
        assert {row.attempt for row in sweep.rows()} == {1}


def test_a_file_size_limit_stops_the_driver_and_loses_nothing(project: Path, place: Path) -> None:
    # what a quota of the file system looks like; needs no right to mount
    program = f"""
        import resource, signal, sys
        sys.path.insert(0, {str(HERE)!r})
        from pathlib import Path
        from folder_place import FolderExecutor, tasks
        from tg.common._core.errors import StorageError
        from tg.common.delivery.sweep import Pace, Sweep
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
        sweep = Sweep(tasks(300), FolderExecutor(Path({str(place)!r})), name="limit")
        try:
            sweep.run()
        except StorageError as error:
            sys.exit(7)
    """
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        check=False,
        env={**os.environ, "TG_ROOT": str(project)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert ended.returncode == 7, ended.stderr
    assert Sweep.open("limit").run()["completed"] == 300
    assert len(run_files(place)) == 300


def test_a_read_only_place_can_be_watched_and_not_driven(project: Path, place: Path) -> None:
    path = finished(place)
    folder = path.parent
    kept = project / "kept"
    shutil.copytree(folder, kept)
    with mounted(folder, "size=4m"):
        shutil.copytree(kept, folder, dirs_exist_ok=True)
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        sweep = Sweep.open("s")
        assert sweep.status()["completed"] == 30
        assert len(sweep.rows()) == 30
        with pytest.raises(StorageError):
            sweep.run()
        with pytest.raises(StorageError):
            sweep.cancel()


@pytest.mark.parametrize("is_driven", [True, False])
def test_somebody_elses_journal_is_read_with_what_was_written_last(
    place: Path, monkeypatch: pytest.MonkeyPatch, is_driven: bool
) -> None:
    path = finished(place)
    with Journal(path, "write") as journal:
        row = journal.rows()[3].but(state=TaskState.FAILED, reason="written last")
        journal.write([row])
        if not is_driven:
            journal.close()
        # as in a folder that only another user may write
        monkeypatch.setattr(os, "access", lambda *_: False)
        with Journal(path) as seen:
            assert seen.rows()[3].reason == "written last"
            assert seen.status()[TaskState.FAILED] == 1


def test_a_clock_that_steps_back_changes_no_order(place: Path) -> None:
    # else the state of a task could be an older one after the clock of a laptop was set
    executor = FolderExecutor(place)
    times = iter(range(10**6))

    def back() -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) - timedelta(hours=next(times))

    path = journal_path("s")
    batch = executor.batch({task.info["name"]: task for task in tasks(3)})
    Sweep(tasks(3), executor, name="s").run()
    journal = Journal(path, "write", now=back)
    journal.write([row.again() for row in journal.rows()])
    with journal:
        Scheduler(journal, {0: batch}, SweepSettings(), now=back).drive()
    sweep = Sweep.open("s")
    assert sweep.status()["completed"] == 3
    transitions = sweep.transitions()
    assert [one.sequence for one in transitions] == list(range(1, len(transitions) + 1))
    assert transitions[-1].state is TaskState.COMPLETED
    assert transitions[-1].utc < transitions[0].utc


def test_a_sweep_whose_maker_died_before_its_journal_was_whole_is_made_again(place: Path) -> None:
    path = journal_path("s")
    path.parent.mkdir(parents=True)
    program = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from tg.common.delivery.sweep.journal_file import connect\n"
        "connect(Path(sys.argv[1]), 'create')\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(path)], check=False)
    assert ended.returncode == -signal.SIGKILL
    with pytest.raises(SweepNotFoundError, match="There are no sweeps"):
        Sweep.open("s")
    assert Sweep(tasks(3), FolderExecutor(place), name="s").run()["completed"] == 3


def test_ten_thousand_tasks_are_opened_at_once(place: Path) -> None:
    import time

    from tg.common.delivery.sweep.task_row import TaskRow

    rows = [
        TaskRow(number=number, name=f"t{number}", parameters={"rate": number / 7, "layers": [1, 2]})
        for number in range(10_000)
    ]
    about = {"settings": SweepSettings().to_json()}
    Journal.create(journal_path("big"), about=about, batches={}, rows=rows).close()
    began = time.thread_time()  # what other processes take meanwhile is no matter
    sweep = Sweep.open("big")
    status = sweep.status()
    seconds = time.thread_time() - began
    assert status["waiting"] == 10_000
    assert seconds < 1
