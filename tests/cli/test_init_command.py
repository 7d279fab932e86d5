"""`tg init`: a project that runs as it stands, and nothing of the user's is replaced."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tg_program import document_of, text_of


def files_of(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_every_file_is_named_and_carries_the_name_of_the_project(tmp_path: Path) -> None:
    folder = tmp_path / "Green_Tea"
    written = document_of("init", str(folder))
    assert sorted(written["files"]) == [str(folder / name) for name in files_of(folder)]
    assert 'project_name="green-tea"' in (folder / "routines.py").read_text()
    assert not [p for p in folder.rglob("*") if p.is_file() and "${" in p.read_text()]


def test_what_the_readme_says_works(tmp_path: Path) -> None:
    text_of("init", str(tmp_path / "tea"))
    project = tmp_path / "tea"
    subprocess.run([sys.executable, "make_dataset.py"], cwd=project, check=True)
    listed = ["run", "routines:ridge", "--place", "attached", "--set", "alpha:float=0.1"]
    done = document_of(*listed, cwd=project)
    assert done["state"] == "Completed"
    assert done["metrics"]["r2_test"] == pytest.approx(0.37, abs=0.05)
    (row,) = document_of("runs", cwd=project)["runs"]
    assert (row["run"], row["project"]) == (done["run"], "tea")


def test_its_trainings_need_no_library_that_only_starts_them(tmp_path: Path) -> None:
    # else every image and every environment has the client of AWS in it
    text_of("init", str(tmp_path / "tea"))
    project = tmp_path / "tea"
    subprocess.run([sys.executable, "make_dataset.py"], cwd=project, check=True)
    listed = ["run", "routines:ridge", "--place", "attached"]
    run = document_of(*listed, cwd=project)["run"]
    text_of("result", "get", run, "manifest.json", cwd=project)
    manifest = (project / "manifest.json").read_text()
    assert "scikit-learn" in manifest
    assert "boto3" not in manifest


def test_its_sweep_runs(tmp_path: Path) -> None:
    text_of("init", str(tmp_path / "tea"))
    project = tmp_path / "tea"
    subprocess.run([sys.executable, "make_dataset.py"], cwd=project, check=True)
    done = document_of("sweep", "run", "routines:ridge_alphas", cwd=project)
    assert done["counts"] == {"completed": 4}


def test_a_file_of_the_user_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("mine")
    assert "already: pyproject.toml" in text_of("init", str(tmp_path), "--name", "tea", code=1)
    assert files_of(tmp_path) == ["pyproject.toml"]
    assert (tmp_path / "pyproject.toml").read_text() == "mine"


def test_what_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "trainings").write_text("a file where a folder should be")
    assert "cannot be made" in text_of("init", str(tmp_path), "--name", "tea", code=1)
    assert files_of(tmp_path) == ["trainings"]


@pytest.mark.parametrize("name", ["Tea", "../tea", "tea-", "t" * 65, ""])
def test_a_name_that_no_project_can_have_is_refused(tmp_path: Path, name: str) -> None:
    text = text_of("init", str(tmp_path / "x y!"), "--name", name, code=1)
    assert "no project can be called" in text
    assert files_of(tmp_path) == []
