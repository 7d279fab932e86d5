"""What is removed of packages: a training that runs, and files of others, must survive it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tg.common._core.errors import StorageError
from tg.common._core.file_lock import FileLock
from tg.common._core.files import atomic_folder
from tg.common._core.loc import Loc
from tg.common._core.retention import Retention
from tg.common.delivery.delivery import Packaging
from tg.common.delivery.execution.package_store import PackageStore
from tg.common.delivery.execution.stored_thing import StoredKind, StoredThing
from tg.common.delivery.runtime.package_archive import unpack_package

NOW = datetime.now(UTC)
KEY = "0123456789abcdef0123"


@pytest.fixture
def store(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PackageStore:
    monkeypatch.setenv("TG_CACHE", str(tmp_path / "cache"))
    return PackageStore()


def pack(name: str, version: str, value: int = 1) -> Path:
    packaging = Packaging(name, version, {"job": value})
    packaging.silent = True
    return packaging.make_package().path


def environment(store: PackageStore, key: str = KEY, *, whole: bool = True) -> Path:
    folder = store.cache / "environments" / f"py311-{key}"
    (folder / "env-1" / "bin").mkdir(parents=True)
    (folder / "env-1" / "bin" / "python").write_bytes(b"x" * 500)
    if whole:
        (folder / "complete.json").write_text('{"protocol": 1, "folder": "env-1"}')
    return folder


def removable(store: PackageStore, *, with_unknown: bool = False, **rules: float) -> set[str]:
    things = store.things()
    retention = Retention(**rules)  # type: ignore[arg-type]
    reasons = store.reasons(things, retention, NOW, with_unknown=with_unknown)
    return {t.path.name for t, reason in zip(things, reasons, strict=True) if not reason}


def reason_of(store: PackageStore, path: Path, now: datetime = NOW) -> str:
    things = store.things()
    reasons = store.reasons(things, Retention(), now)
    return next(r for t, r in zip(things, reasons, strict=True) if t.path == path)


def test_archives_copies_and_environments_are_listed_with_what_they_are(
    store: PackageStore,
) -> None:
    path = pack("Tea", "1")
    unpack_package(path)
    folder = environment(store)
    archive, unpacked, made = store.things()
    assert (archive.kind, archive.name, archive.version) == (StoredKind.ARCHIVE, "Tea", "1")
    assert archive.path == path
    assert archive.size_bytes == path.stat().st_size
    assert archive.content_hash.startswith(path.parent.name)
    assert (unpacked.kind, unpacked.content_hash) == (StoredKind.UNPACKED, archive.content_hash)
    assert unpacked.size_bytes > archive.size_bytes
    assert (made.name, made.version, made.path) == ("py311", KEY, folder)
    assert made.size_bytes >= 500
    assert store.things([StoredKind.UNPACKED]) == [unpacked]


def test_what_may_be_another_programs_goes_only_if_asked_for(store: PackageStore) -> None:
    path = pack("Tea", "1")
    foreign = store.archives / "mine" / "data.tar.gz"
    foreign.parent.mkdir()
    foreign.write_bytes(b"no archive")
    (store.cache / "packages" / "notes").mkdir(parents=True)
    (store.cache / "environments" / "mine").mkdir(parents=True)
    assert removable(store) == {path.name}
    assert removable(store, with_unknown=True) == {path.name, "data.tar.gz", "notes", "mine"}
    faults = {thing.path.name: thing.fault for thing in store.things()}
    assert "data.tar.gz" in faults["data.tar.gz"]
    assert faults["mine"] == "not made by this library"


def test_the_newest_of_each_name_and_young_ones_are_kept(store: PackageStore) -> None:
    paths = [pack("Tea", str(version)) for version in range(3)] + [pack("Cup", "1")]
    for age, path in enumerate(paths):
        old = (NOW - timedelta(days=9 - age)).timestamp()
        os.utime(path, (old, old))
    assert removable(store, keep=1) == {path.name for path in paths[:2]}
    assert removable(store, older_than_days=7.5) == {path.name for path in paths[:2]}
    assert removable(store, keep=2, older_than_days=1) == {paths[0].name}


def test_a_training_keeps_the_package_and_the_environment_it_was_started_with(
    store: PackageStore,
) -> None:
    if not Path("/proc/self").exists():
        pytest.skip("processes tell nothing of themselves here")
    code = unpack_package(pack("Tea", "1"))
    folder = environment(store)
    other = environment(store, "f" * 20)
    child = subprocess.Popen(
        [sys.executable, "-c", "input('r')", str(folder / "env-1" / "bin" / "python")],
        env={**os.environ, "PYTHONPATH": f"/somewhere{os.pathsep}{code}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert child.stdout is not None
        assert child.stdout.read(1) == b"r"  # before that it may not have its variables yet
        users = {thing.path: thing.users for thing in store.things()}
        assert users[folder] == users[code.parent] == (child.pid,)
        assert users[other] == ()
        assert str(child.pid) in reason_of(store, folder)
        assert code.parent.name not in removable(store)
    finally:
        child.communicate(b"\n")
    assert code.parent.name in removable(store)


def test_an_environment_that_is_being_made_is_not_taken_away(store: PackageStore) -> None:
    folder = environment(store, whole=False)
    (thing,) = store.things()
    assert (thing.fault, thing.is_ours) == ("unfinished", True)
    with FileLock(folder.with_suffix(".lock")):
        assert store.remove(thing) == "it is being made"
        assert folder.is_dir()
    assert store.remove(thing) == ""
    assert not folder.exists()


def test_what_is_being_unpacked_is_not_taken_away_but_an_old_leftover_is(
    store: PackageStore,
) -> None:
    with atomic_folder(store.cache / "packages" / ("a" * 32)) as fresh:
        assert reason_of(store, fresh) == "it may be being written"
        assert reason_of(store, fresh, NOW + timedelta(days=1)) == ""


def test_a_removed_package_is_made_and_unpacked_again(store: PackageStore) -> None:
    path = pack("Tea", "1")
    unpack_package(path)
    for thing in store.things():
        assert store.remove(thing) == ""
    assert store.things() == []
    assert not path.parent.exists()
    assert not list((store.cache / "packages").iterdir())
    assert unpack_package(pack("Tea", "1")).is_dir()


def test_two_that_remove_the_same_things_both_succeed(store: PackageStore) -> None:
    for version in range(8):
        unpack_package(pack("Tea", str(version)))
    environment(store)
    things = store.things()
    results: list[str] = []

    def remove(things: list[StoredThing]) -> None:
        results.extend(store.remove(thing) for thing in things)

    threads = [threading.Thread(target=remove, args=(things,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # whoever meets another one at an environment may leave it to that one
    assert set(results) <= {"", "it is being made"}
    assert len(results) == 3 * len(things)
    assert store.things() == []


def test_a_package_of_the_same_version_and_other_content_is_another_thing(
    store: PackageStore,
) -> None:
    first, second = pack("Tea", "1", 1), pack("Tea", "1", 2)
    assert first.name == second.name
    things = {thing.path: thing for thing in store.things()}
    store.remove(things[first])
    assert second.is_file()
    assert not first.exists()


def test_names_choose(store: PackageStore) -> None:
    pack("Tea", "1")
    (thing,) = store.things()
    for pattern in ("Tea", "T*", "Tea__1", "Tea:1", "Tea:*"):
        assert thing.matches([pattern])
    assert thing.matches([])
    assert not thing.matches(["tea", "Te", "Tea:2"])


def test_what_cannot_be_removed_is_an_error_that_names_it(
    store: PackageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = pack("Tea", "1")
    (thing,) = store.things()

    def refuse(self: Path, missing_ok: bool = False) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "unlink", refuse)  # root may remove whatever it wants to
    with pytest.raises(StorageError, match=r"tea_1-1\.tar\.gz cannot be removed: Perm"):
        store.remove(thing)
    assert path.is_file()


def test_no_folders_are_made_by_looking(tmp_path: Path) -> None:
    assert PackageStore(tmp_path / "a", tmp_path / "b").things() == []
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "packages").write_text("a file in the folder's place")
    assert PackageStore(tmp_path / "packages", tmp_path).things() == []
    assert Loc.user_cache_path.is_absolute()
