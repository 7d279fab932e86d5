"""`tg packages`: what it prints of packages, and that it asks before it removes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tg.common.delivery.delivery import Packaging
from tg.common.delivery.runtime.package_archive import unpack_package


@pytest.fixture
def archive(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TG_CACHE", str(tmp_path / "cache"))
    packaging = Packaging("Tea", "1", {"job": 1})
    packaging.silent = True
    return packaging.make_package().path


def run(*args: str, code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "tg.cli.main", "packages", *args],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stdout + done.stderr


def document(*args: str) -> dict[str, Any]:
    return json.loads(run(*args, "--json"))  # type: ignore[no-any-return]


def test_packages_are_listed(archive: Path) -> None:
    unpack_package(archive)
    listed = document()
    assert [row["kind"] for row in listed["packages"]] == ["archive", "unpacked"]
    assert listed["packages"][0]["path"] == str(archive)
    assert listed["folders"]["archives"] == str(archive.parents[1])
    text = run("list", "T*", "--kind", "archive")
    assert str(archive) in text
    assert "unpacked" not in text
    assert document("list", "Nobody")["packages"] == []
    assert "There are none" in run("list", "Nobody")


def test_a_package_tells_what_is_in_it(archive: Path) -> None:
    shown = document("show", str(archive))
    manifest = shown["manifest"]
    assert (manifest["name"], manifest["version"]) == ("Tea", "1")
    assert manifest["python"] == f"{sys.version_info.major}.{sys.version_info.minor}"
    assert "tg" in manifest["travellers"]
    assert any(line.startswith("cloudpickle==") for line in manifest["lock"])
    assert any(file["name"].endswith("/resources/payload.pkl") for file in shown["files"])
    text = run("show", str(archive))
    assert "name: Tea" in text
    assert "resources/payload.pkl" in text


def test_what_is_no_package_is_an_error_that_says_so(archive: Path, tmp_path: Path) -> None:
    assert "nothing.tar.gz" in run("show", str(tmp_path / "nothing.tar.gz"), code=1)
    damaged = tmp_path / "damaged.tar.gz"
    damaged.write_bytes(archive.read_bytes()[:-500])
    text = run("show", str(damaged), code=1)
    assert "damaged.tar.gz" in text
    assert "Traceback" not in text


def test_packages_go_when_somebody_says_yes(archive: Path) -> None:
    unpack_package(archive)
    assert document("prune", "--dry-run")["dry_run"] is True
    assert "--yes" in run("prune", code=2)
    assert archive.is_file()
    assert document("prune", "--older-than", "1", "--yes")["removed"] == []
    gone = document("prune", "--kind", "unpacked", "--yes")
    assert [row["kind"] for row in gone["removed"]] == ["unpacked"]
    assert gone["freed_bytes"] == gone["removed"][0]["size_bytes"] > 0
    assert archive.is_file()
    assert "Removed 1" in run("prune", "Tea", "--yes")
    assert not archive.exists()
    assert "Nothing to remove" in run("prune")


def test_other_files_in_the_folder_stay(archive: Path) -> None:
    other = archive.parent / "notes.tar.gz"
    other.write_bytes(b"of the user")
    kept = document("prune", "--yes")["kept"]
    assert [row["path"] for row in kept] == [str(other)]
    assert other.is_file()
    assert not archive.exists()
    document("prune", "--all", "--yes")
    assert not os.path.lexists(other)
