"""A dataset of many gigabytes is read once, and never taken for what it was before a change."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tg.common._core.file_hashes import FileHashes


def later() -> int:
    """The time when a file of this test is old."""
    return time.time_ns() + 10_000_000_000


def at_once(path: Path) -> Callable[[], int]:
    """The time when a file was just written, however slowly the test goes on."""
    return lambda: path.stat().st_ctime_ns


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "leaves.bin"
    path.write_bytes(b"green")
    return path


def test_a_file_is_read_once(data: Path, opened: list[str]) -> None:
    hashes = FileHashes(clock_ns=later)
    for _ in range(1000):
        assert hashes.sha256(data, data.stat()) == sha256(b"green")
    assert opened.count(str(data)) == 1


def test_a_file_that_was_just_written_is_read_again(data: Path, opened: list[str]) -> None:
    hashes = FileHashes(clock_ns=at_once(data))
    hashes.sha256(data, data.stat())
    hashes.sha256(data, data.stat())
    assert opened.count(str(data)) == 2


def _write(path: Path) -> None:
    path.write_bytes(b"black")


def _write_and_set_the_time_back(path: Path) -> None:
    status = path.stat()
    path.write_bytes(b"black")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def _replace(path: Path) -> None:
    status = path.stat()
    other = path.with_name("other")
    other.write_bytes(b"black")
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(path)


@pytest.mark.parametrize("change", [_write, _write_and_set_the_time_back, _replace])
def test_a_change_of_the_same_size_is_noticed(data: Path, change: Callable[[Path], None]) -> None:
    hashes = FileHashes(clock_ns=later)
    assert hashes.sha256(data, data.stat()) == sha256(b"green")
    time.sleep(0.02)  # more than a step of the file system's clock
    change(data)
    assert hashes.sha256(data, data.stat()) == sha256(b"black")


def test_a_relative_name_is_another_file_in_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes = FileHashes(clock_ns=later)
    found = []
    for name in ("green", "black"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "leaves.bin").write_text(name)
        monkeypatch.chdir(folder)
        path = Path("leaves.bin")
        found.append(hashes.sha256(path, path.stat()))
    assert found == [sha256(b"green"), sha256(b"black")]


def test_a_hash_is_that_of_what_is_read_also_by_threads(tmp_path: Path) -> None:
    paths = [tmp_path / str(number) for number in range(50)]
    for path in paths:
        path.write_text(path.name)
    hashes = FileHashes(most=20, clock_ns=later)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda path: hashes.sha256(path, path.stat()), paths * 20))
    assert found == [sha256(path.name.encode()) for path in paths] * 20


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3)), max_size=12))
def test_whatever_is_written_and_asked_the_hash_is_right(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    folder = tmp_path_factory.mktemp("files")
    hashes = FileHashes(most=2)
    for name, content in steps:
        path = folder / name
        path.write_text(str(content))
        assert hashes.sha256(path, path.stat()) == sha256(str(content).encode())
