"""What a user would lose: a half-written package, a result mixed from two runs, a stuck lock."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tg.common._core.errors import ConfigError, TgError
from tg.common._core.file_lock import FileLock
from tg.common._core.files import atomic_folder, atomic_write, unique_folder

ROOT = Path(__file__).parents[2]


def child(code: str, *arguments: object) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def make_old(path: Path) -> None:
    os.utime(path, (1_000_000_000, 1_000_000_000))


def test_bytes_and_a_writing_function_give_a_file_in_a_new_folder(tmp_path):
    atomic_write(tmp_path / "new" / "a", b"bytes")
    atomic_write(tmp_path / "new" / "b", lambda stream: stream.write(b"function"), sync=False)
    assert (tmp_path / "new" / "a").read_bytes() == b"bytes"
    assert (tmp_path / "new" / "b").read_bytes() == b"function"
    assert names(tmp_path / "new") == ["a", "b"]


def test_a_failing_writer_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "package.tar.gz"
    atomic_write(path, b"old")

    def fail(stream):
        stream.write(b"half")
        raise RuntimeError("unpicklable")

    with pytest.raises(RuntimeError, match="unpicklable"):
        atomic_write(path, fail)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["package.tar.gz"]


def test_colleagues_can_read_what_the_umask_lets_them_read(tmp_path):
    before = os.umask(0o027)
    try:
        atomic_write(tmp_path / "shared", b"")
    finally:
        os.umask(before)
    assert (tmp_path / "shared").stat().st_mode & 0o777 == 0o640


def test_the_longest_names_work(tmp_path):
    for name in ("n" * 255, "ü" * 127):
        atomic_write(tmp_path / name, b"x")
        assert (tmp_path / name).read_bytes() == b"x"


def test_a_file_that_the_writer_cannot_read_is_not_blamed_on_the_target(tmp_path):
    with pytest.raises(FileNotFoundError, match="dataset"):
        atomic_write(tmp_path / "a", lambda _: (tmp_path / "dataset").read_bytes())

    def offline(stream):
        raise TimeoutError("no network")

    with pytest.raises(TimeoutError):
        atomic_write(tmp_path / "a", offline)
    assert names(tmp_path) == []


@pytest.mark.parametrize("what", ["atomic_write", "atomic_folder"])
def test_a_full_disk_is_a_typed_error_and_the_old_data_stay(tmp_path, what):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_bytes(b"old")
    code = """
import resource, signal, sys
from pathlib import Path
from tg.common._core.files import atomic_folder, atomic_write
from tg.common._core.errors import TgError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
what, folder = sys.argv[1], Path(sys.argv[2])
try:
    if what == "atomic_write":
        atomic_write(folder / "kept" / "file", lambda s: [s.write(b"x" * 50_000) for _ in range(9)])
    else:
        with atomic_folder(folder / "fresh") as fresh:
            (fresh / "small").write_bytes(b"x")
            (fresh / "large").write_bytes(b"x" * 500_000)
except TgError as error:
    print(type(error.__cause__).__name__, error)
"""
    process = child(code, what, tmp_path)
    output, errors = process.communicate(timeout=600)
    assert not errors
    assert output.startswith("OSError")
    assert str(tmp_path) in output
    assert "File too large" in output
    assert (tmp_path / "kept" / "file").read_bytes() == b"old"
    assert names(tmp_path) == ["kept"]
    assert names(tmp_path / "kept") == ["file"]


def test_a_file_where_a_folder_should_be_is_a_typed_error(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for write in (
        lambda: atomic_write(tmp_path / "file" / "a", b""),
        lambda: atomic_folder(tmp_path / "file" / "a").__enter__(),
        lambda: unique_folder(tmp_path / "file", "a"),
    ):
        with pytest.raises(TgError, match="cannot be written") as caught:
            write()
        assert isinstance(caught.value.__cause__, OSError)


def test_kill_9_while_writing_leaves_the_old_file_and_the_next_writer_cleans_up(tmp_path):
    path = tmp_path / "package.tar.gz"
    atomic_write(path, b"old")
    code = """
import sys
from tg.common._core.files import atomic_write
def slow(stream):
    stream.write(b"half")
    stream.flush()
    print("writing", flush=True)
    sys.stdin.read()
atomic_write(sys.argv[1], slow)
"""
    killed, alive = child(code, path), child(code, path)
    for process in (killed, alive):
        assert process.stdout.readline() == "writing\n"
    killed.kill()
    killed.communicate()
    assert path.read_bytes() == b"old"
    leftovers = [tmp_path / name for name in names(tmp_path) if name.endswith(".tmp")]
    assert len(leftovers) == 2
    for leftover in leftovers:
        make_old(leftover)
    atomic_write(path, b"new")
    assert path.read_bytes() == b"new"
    assert len(names(tmp_path)) == 2, "the living writer's file must stay, the dead one's go"
    _, errors = alive.communicate(timeout=120)
    assert not errors
    assert path.read_bytes() == b"half"
    assert names(tmp_path) == ["package.tar.gz"]


def test_many_processes_that_write_one_file_never_show_a_part(tmp_path):
    path = tmp_path / "file"
    atomic_write(path, b"0" * 200_000)
    code = """
import sys
from tg.common._core.files import atomic_write
for _ in range(30): atomic_write(sys.argv[1], sys.argv[2].encode() * 200_000, sync=False)
"""
    writers = [child(code, path, digit) for digit in "123"]
    while any(writer.poll() is None for writer in writers):
        content = path.read_bytes()
        assert len(content) == 200_000
        assert len(set(content)) == 1
    assert [writer.communicate()[1] for writer in writers] == ["", "", ""]
    assert names(tmp_path) == ["file"]


def test_a_folder_appears_when_it_is_complete(tmp_path):
    with atomic_folder(tmp_path / "deep" / "result") as fresh:
        (fresh / "a").write_text("1")
        assert not (tmp_path / "deep" / "result").exists()
    assert (tmp_path / "deep" / "result" / "a").read_text() == "1"
    assert names(tmp_path / "deep") == ["result"]


def test_a_failing_body_leaves_no_folder(tmp_path):
    def fill():
        with atomic_folder(tmp_path / "result") as fresh:
            (fresh / "a").write_text("1")
            raise ValueError("bad")

    with pytest.raises(ValueError, match="bad"):
        fill()
    assert names(tmp_path) == []


def test_the_loser_of_a_race_finds_the_winners_folder(tmp_path):
    with atomic_folder(tmp_path / "result") as loser:
        (loser / "who").write_text("loser")
        with atomic_folder(tmp_path / "result") as winner:
            (winner / "who").write_text("winner")
    assert (tmp_path / "result" / "who").read_text() == "winner"
    assert names(tmp_path) == ["result"]


def test_kill_9_while_filling_a_folder_is_cleaned_up_by_the_next(tmp_path):
    code = """
import sys
from tg.common._core.files import atomic_folder
with atomic_folder(sys.argv[1]) as fresh:
    (fresh / "a").write_text("half")
    print("filling", flush=True)
    sys.stdin.read()
"""
    process = child(code, tmp_path / "result")
    assert process.stdout.readline() == "filling\n"
    process.kill()
    process.communicate()
    (leftover,) = tmp_path.iterdir()
    make_old(leftover)
    with atomic_folder(tmp_path / "result") as fresh:
        (fresh / "a").write_text("whole")
    assert names(tmp_path) == ["result"]
    assert (tmp_path / "result" / "a").read_text() == "whole"


def test_unique_folders_are_unique(tmp_path):
    made = {unique_folder(tmp_path / "runs", "run-") for _ in range(100)}
    assert len(made) == 100
    assert all(path.is_dir() and path.name.startswith("run-") for path in made)
    for prefix in ("a/b", "../a", "a\0b"):
        with pytest.raises(ConfigError):
            unique_folder(tmp_path, prefix)


HOLDER = """
import sys
from tg.common._core.file_lock import FileLock
with FileLock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_lock_held_elsewhere_names_its_holder_after_the_timeout(tmp_path):
    holder = child(HOLDER, tmp_path / "lock")
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(TgError, match=rf"process {holder.pid}"):
        FileLock(tmp_path / "lock", timeout_seconds=0.05).__enter__()
    holder.communicate()
    with FileLock(tmp_path / "lock", timeout_seconds=0):
        pass


def test_kill_9_frees_a_lock(tmp_path):
    holder = child(HOLDER, tmp_path / "lock")
    assert holder.stdout.readline() == "held\n"
    holder.send_signal(signal.SIGKILL)
    with FileLock(tmp_path / "lock", timeout_seconds=120):
        pass
    holder.communicate()


def test_processes_take_turns(tmp_path):
    (tmp_path / "count").write_text("0")
    code = """
import sys
from pathlib import Path
from tg.common._core.file_lock import FileLock
count = Path(sys.argv[1]) / "count"
for _ in range(50):
    with FileLock(Path(sys.argv[1]) / "lock"):
        count.write_text(str(int(count.read_text()) + 1))
"""
    workers = [child(code, tmp_path) for _ in range(3)]
    assert [worker.communicate(timeout=600)[1] for worker in workers] == ["", "", ""]
    assert (tmp_path / "count").read_text() == "150"


def test_threads_take_turns(tmp_path):
    inside: list[int] = []
    most: list[int] = []

    def work():
        for _ in range(10):
            with FileLock(tmp_path / "lock"):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(most) == {1}


def test_a_lock_taken_twice_by_one_object_says_so_instead_of_hanging(tmp_path):
    lock = FileLock(tmp_path / "lock")
    with lock, pytest.raises(TgError, match="held already"):
        lock.__enter__()
    with lock:
        pass


def test_no_handle_is_left_open(tmp_path):
    def still_open() -> list[str]:
        # those of other tests may be closed, or collected, at any time
        handles = [handle.resolve() for handle in Path("/proc/self/fd").iterdir()]
        return [path.name for path in handles if path.is_relative_to(tmp_path.resolve())]

    with (tmp_path / "open").open("wb"):
        assert still_open() == ["open"]
    for _ in range(20):
        atomic_write(tmp_path / "a", b"x")
        with atomic_folder(tmp_path / "b"), FileLock(tmp_path / "c"):
            pass
    assert still_open() == []
