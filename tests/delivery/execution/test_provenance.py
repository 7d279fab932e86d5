"""A result tells the commit that it comes from."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tg.common.delivery.delivery.commit import Commit
from tg.common.delivery.execution.provenance import RecentProvenance, git_provenance


def git(*args: str) -> str:
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *args]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def commit(project: Path) -> str:
    git("init", "--quiet")
    git("add", "pyproject.toml")
    git("commit", "--quiet", "-m", "Tea")
    return git("rev-parse", "HEAD")


def test_commit_and_uncommitted_edits_are_told(project: Path, commit: str) -> None:
    assert Commit.of(project) == Commit(hash=commit, is_dirty=False)
    (project / "notes.txt").write_text("not tracked")
    assert str(Commit.of(project)) == commit
    (project / "pyproject.toml").write_text("# edited")
    assert str(Commit.of(project)) == f"{commit}-dirty"


def test_a_folder_of_the_repository_has_its_commit(project: Path, commit: str) -> None:
    (project / "deep").mkdir()
    assert Commit.of(project / "deep") == Commit(hash=commit, is_dirty=False)


def test_without_a_commit_nothing_is_told(project: Path) -> None:
    assert Commit.of(project) is None
    git("init", "--quiet")
    assert Commit.of(project) is None
    assert git_provenance() == {}


def test_a_thousand_submissions_ask_git_once_a_second(project: Path, commit: str) -> None:
    now = [100.0]
    recent = RecentProvenance(clock=lambda: now[0])
    assert recent.of(project) == {"git_commit": commit, "git_dirty": False}
    (project / "pyproject.toml").write_text("# edited")
    for _ in range(1000):
        assert recent.of(project)["git_dirty"] is False
        now[0] += 0.000_9
    now[0] += 0.1
    assert recent.of(project)["git_dirty"] is True


def test_another_project_is_asked_for_at_once(project: Path, commit: str, tmp_path: Path) -> None:
    recent = RecentProvenance(clock=lambda: 100.0)
    assert recent.of(project)["git_commit"] == commit
    other = tmp_path / "other"
    other.mkdir()
    assert recent.of(other) == {}
