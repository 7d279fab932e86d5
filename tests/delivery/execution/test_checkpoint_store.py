"""What a user would lose: hours of training, or one training's checkpoints to another's."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pytest

from tg.common._core.errors import StorageError
from tg.common.delivery.execution.checkpoint_store import CheckpointStore


def claim(root: Path, run_id: str, running: Collection[str] = ()) -> Path:
    return CheckpointStore(root).claim("tea", run_id, lambda other: other in running)


def test_the_next_run_goes_on_with_what_an_ended_one_left(tmp_path: Path) -> None:
    first = claim(tmp_path, "a")
    (first / "step").write_text("1")
    assert (claim(tmp_path, "b") / "step").read_text() == "1"


def test_a_run_that_goes_on_keeps_its_checkpoints_to_itself(tmp_path: Path) -> None:
    (claim(tmp_path, "a") / "step").write_text("1")
    second = claim(tmp_path, "b", running={"a", "b"})
    assert not list(second.iterdir())
    assert claim(tmp_path, "a", running={"a", "b"}) != second  # that begins again is its own


@pytest.mark.parametrize("left", ["", "a-run-that-ne"])
def test_what_a_killed_writer_left_of_a_name_is_in_nobodys_way(tmp_path: Path, left: str) -> None:
    (claim(tmp_path, "a-run-that-never-was") / "step").write_text("1")
    (tmp_path / "tea.owner").write_text(left)
    assert (claim(tmp_path, "b") / "step").exists()
    assert not list(claim(tmp_path, "c", running={"b"}).iterdir())  # now it has an owner


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "tea.owner").mkdir()
    with pytest.raises(StorageError, match=r"tea\.owner cannot be written"):
        claim(tmp_path, "a")


def test_what_a_completed_run_has_needed_is_removed(tmp_path: Path) -> None:
    folder = claim(tmp_path, "a")
    (folder / "step").write_text("1")
    CheckpointStore(tmp_path).discard(folder)
    assert not folder.exists()
    assert claim(tmp_path, "b") == folder
