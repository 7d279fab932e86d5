from __future__ import annotations

from pathlib import Path

import pytest

from tg.common import Loc


@pytest.mark.parametrize("marker", ["pyproject.toml", "environment.env", ".git", "setup.py"])
def test_the_root_is_the_users_project_from_any_folder_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, marker: str
) -> None:
    (tmp_path / marker).write_text("")
    deep = tmp_path / "notebooks" / "deep"
    deep.mkdir(parents=True)
    monkeypatch.delenv("TG_ROOT", raising=False)
    monkeypatch.chdir(deep)
    assert Loc.root_path == tmp_path
    assert Loc.temp_path == tmp_path / "temp"
    assert Loc.data_cache_path == tmp_path / "data-cache"
    assert not Loc.temp_path.exists()


def test_tg_root_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TG_ROOT", str(tmp_path))
    assert Loc.root_path == tmp_path.resolve()


def test_the_users_cache_follows_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TG_CACHE", str(tmp_path / "a"))
    assert Loc.user_cache_path == tmp_path / "a"
    monkeypatch.delenv("TG_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "b"))
    assert Loc.user_cache_path == tmp_path / "b" / "training-grounds"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Loc.user_cache_path == tmp_path / ".cache" / "training-grounds"
