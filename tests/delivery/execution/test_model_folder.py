"""A result holds what the training wrote, and nothing of the machine that it was made on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tg.common._core.archive_reader import ArchiveReader
from tg.common._core.archive_writer import write_tar_gz
from tg.common._core.errors import ArchiveError
from tg.common.delivery.execution.model_folder import ModelFolder

PLACE = "/opt/ml/model"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text("of this machine")
    root = tmp_path / "model"
    (root / "steps" / "2").mkdir(parents=True)
    (root / "steps" / "2" / "weights").write_text("new")
    return root


@pytest.mark.parametrize("target", ["steps/2", f"{PLACE}/steps/2", f"{PLACE}/chain", "chain"])
def test_a_link_in_the_folder_is_what_it_leads_to(root: Path, tmp_path: Path, target: str) -> None:
    (root / "chain").symlink_to(f"{PLACE}/steps/2")
    (root / "latest").symlink_to(target)
    (root / "weights").symlink_to(f"{PLACE}/latest/weights")
    write_tar_gz(tmp_path / "a.tar.gz", ModelFolder(root, PLACE).members())
    archive = ArchiveReader(tmp_path / "a.tar.gz")
    assert archive.read("latest/weights") == archive.read("steps/2/weights") == b"new"


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("../secret", "out of"),
        ("/etc/passwd", "out of"),
        ("steps/../../secret", "out of"),
        (f"{PLACE}/../../secret", "out of"),
        (f"{PLACE}s", "out of"),
        ("detour", "out of"),
        ("nothing", "nowhere"),
        (".", "circle"),
        ("steps", "circle"),
        ("first", "circle"),
    ],
)
@pytest.mark.parametrize("place", [PLACE, None])
def test_a_link_to_anything_else_is_refused(
    root: Path, place: str | None, target: str, why: str
) -> None:
    (root / "steps" / "detour").symlink_to("/etc/passwd")
    if target == "detour":
        target = "steps/detour"
    else:
        (root / "steps" / "detour").unlink()
    (root / "first").symlink_to(target)
    if why == "circle":
        (root / "steps" / "again").symlink_to("..")
    with pytest.raises(ArchiveError, match=why):
        list(ModelFolder(root, place).members())
