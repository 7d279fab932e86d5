"""`tg packages`: what it prints of packages, and that it asks before it removes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from tg_program import document_of, text_of

from tg.common.delivery.delivery import Packaging
from tg.common.delivery.runtime.package_archive import unpack_package


@pytest.fixture
def archive(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TG_CACHE", str(tmp_path / "cache"))
    packaging = Packaging("Tea", "1", {"job": 1})
    packaging.silent = True
    return packaging.make_package().path


def test_packages_are_listed(archive: Path) -> None:
    unpack_package(archive)
    listed = document_of("packages")
    assert [row["kind"] for row in listed["packages"]] == ["archive", "unpacked"]
    assert listed["packages"][0]["path"] == str(archive)
    assert listed["folders"]["archives"] == str(archive.parents[1])
    text = text_of("packages", "list", "T*", "--kind", "archive")
    assert str(archive) in text
    assert "unpacked" not in text
    assert document_of("packages", "list", "Nobody")["packages"] == []
    assert "There are none" in text_of("packages", "list", "Nobody")


def test_a_package_tells_what_is_in_it(archive: Path) -> None:
    shown = document_of("packages", "show", str(archive))
    manifest = shown["manifest"]
    assert (manifest["name"], manifest["version"]) == ("Tea", "1")
    assert manifest["python"] == f"{sys.version_info.major}.{sys.version_info.minor}"
    assert "tg" in manifest["travellers"]
    assert any(line.startswith("cloudpickle==") for line in manifest["lock"])
    assert any(file["name"].endswith("/resources/payload.pkl") for file in shown["files"])
    text = text_of("packages", "show", str(archive))
    assert "name: Tea" in text
    assert "resources/payload.pkl" in text


def test_what_is_no_package_is_an_error_that_says_so(archive: Path, tmp_path: Path) -> None:
    assert "nothing.tar.gz" in text_of("packages", "show", str(tmp_path / "nothing.tar.gz"), code=1)
    damaged = tmp_path / "damaged.tar.gz"
    damaged.write_bytes(archive.read_bytes()[:-500])
    text = text_of("packages", "show", str(damaged), code=1)
    assert "damaged.tar.gz" in text
    assert "Traceback" not in text


def test_packages_go_when_somebody_says_yes(archive: Path) -> None:
    unpack_package(archive)
    assert document_of("packages", "prune", "--dry-run")["dry_run"] is True
    assert "--yes" in text_of("packages", "prune", code=2)
    assert archive.is_file()
    assert document_of("packages", "prune", "--older-than", "1", "--yes")["removed"] == []
    gone = document_of("packages", "prune", "--kind", "unpacked", "--yes")
    assert [row["kind"] for row in gone["removed"]] == ["unpacked"]
    assert gone["freed_bytes"] == gone["removed"][0]["size_bytes"] > 0
    assert archive.is_file()
    assert "Removed 1" in text_of("packages", "prune", "Tea", "--yes")
    assert not archive.exists()
    assert "Nothing to remove" in text_of("packages", "prune")


def test_other_files_in_the_folder_stay(archive: Path) -> None:
    other = archive.parent / "notes.tar.gz"
    other.write_bytes(b"of the user")
    kept = document_of("packages", "prune", "--yes")["kept"]
    assert [row["path"] for row in kept] == [str(other)]
    assert other.is_file()
    assert not archive.exists()
    document_of("packages", "prune", "--all", "--yes")
    assert not os.path.lexists(other)
