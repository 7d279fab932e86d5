"""Nothing of a training that has ended takes room for ever."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tg.common.delivery.execution.folder_removal import remove_folder


def test_what_may_not_be_written_to_is_removed_and_links_are_not_followed(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir(mode=0o500)
    folder = tmp_path / "work"
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "b" / "file").write_text("1")
    (folder / "a" / "link").symlink_to(kept, target_is_directory=True)
    (folder / "a" / "b").chmod(0o500)
    (folder / "a").chmod(0)
    folder.chmod(0)
    for path in tmp_path.parents[:-2]:
        path.chmod(path.stat().st_mode | 0o011)
    child = os.fork()
    if child == 0:
        if os.getuid() == 0:
            for root, folders, files in os.walk(tmp_path):
                for name in (".", *folders, *files):
                    os.chown(Path(root, name), 65534, -1, follow_symlinks=False)
            os.setuid(65534)  # root may do everything
        remove_folder(folder)
        os._exit(folder.exists() or kept.stat().st_mode & 0o777 != 0o500)
    assert os.waitpid(child, 0)[1] == 0


def test_one_that_is_not_there_is_left_as_it_is(tmp_path: Path) -> None:
    remove_folder(tmp_path / "none")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("depth", [1, 400])
def test_nested_folders_go(tmp_path: Path, depth: int) -> None:
    tmp_path.joinpath(*["d"] * depth).mkdir(parents=True)
    remove_folder(tmp_path / "d")
    assert list(tmp_path.iterdir()) == []
