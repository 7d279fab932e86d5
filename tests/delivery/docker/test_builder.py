"""The best builder that is installed is found, wherever on PATH it is."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tg.common._core.errors import ConfigError, EngineError
from tg.common.delivery.docker import DockerEngine
from tg.common.delivery.docker.builder import Builder, find_builder

CLIENT = """#!/bin/sh
case "$1" in
    --version) echo "Docker version {version}, build 0" ;;
    version) echo {engine} ;;
    buildx) {buildx} ;;
    *) exit 1 ;;
esac
"""
# the old client does not know the word, the newer one lacks the plugin
OLD = CLIENT.format(version="20.10.24+dfsg1", buildx="echo usage; exit 1", engine="28.2.2")
OLDEST = CLIENT.format(version="19.03.5", buildx="exit 1", engine="28.2.2")
WITHOUT = CLIENT.format(version="28.2.2", buildx="echo unknown command; exit 1", engine="28.2.2")
WITH = CLIENT.format(version="28.2.2", buildx="echo buildx v0.1", engine="20.10.24+dfsg1")
WITH_OLD_ENGINE = CLIENT.format(version="28.2.2", buildx="echo buildx v0.1", engine="19.03.5")
WITH_ODD_ENGINE = CLIENT.format(version="28.2.2", buildx="echo buildx v0.1", engine="dev")
BROKEN = "#!/bin/sh\nexit 1\n"


@pytest.fixture
def clients(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Put client programs on PATH, each in a folder of its own."""
    monkeypatch.delenv("TG_BUILDER", raising=False)
    monkeypatch.delenv("TG_DOCKER", raising=False)

    def put(*programs: str) -> list[str]:
        paths = []
        for number, text in enumerate(programs):
            path = tmp_path / str(number) / "docker"
            path.parent.mkdir()
            path.write_text(text)
            path.chmod(0o755)
            paths.append(str(path))
        folders = [str(Path(path).parent) for path in paths]
        monkeypatch.setenv("PATH", os.pathsep.join(folders))
        return paths

    return put


def test_a_client_with_the_plugin_is_taken(clients: Callable[..., list[str]]) -> None:
    clients(WITH, OLD)
    assert find_builder(DockerEngine()) == Builder(kind="buildkit", program="docker")


def test_an_engine_of_a_version_that_is_not_a_number_is_taken_for_a_new_one(
    clients: Callable[..., list[str]],
) -> None:
    clients(WITH_ODD_ENGINE)
    assert find_builder(DockerEngine()).is_buildkit


def test_an_old_client_has_it_built_in(clients: Callable[..., list[str]]) -> None:
    clients(OLD)
    assert find_builder(DockerEngine()).is_buildkit


@pytest.mark.parametrize("others", [(OLD,), (WITH,), (BROKEN, OLDEST, WITHOUT, OLD)])
def test_another_client_is_taken_where_the_first_has_none(
    clients: Callable[..., list[str]], others: tuple[str, ...]
) -> None:
    paths = clients(WITHOUT, *others)
    assert find_builder(DockerEngine()) == Builder(kind="buildkit", program=paths[-1])


@pytest.mark.parametrize("programs", [(WITHOUT,), (OLDEST,), (WITHOUT, BROKEN), (WITH_OLD_ENGINE,)])
def test_the_classic_builder_is_the_last_resort_unless_buildkit_is_asked_for(
    clients: Callable[..., list[str]], programs: tuple[str, ...]
) -> None:
    paths = clients(*programs)
    assert find_builder(DockerEngine()) == Builder(kind="classic", program="docker")
    with pytest.raises(EngineError, match="buildx") as caught:
        find_builder(DockerEngine(), "buildkit")
    assert all(path in str(caught.value) for path in paths[1:])


def test_the_environment_chooses_and_the_argument_wins(
    clients: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    clients(WITH)
    monkeypatch.setenv("TG_BUILDER", "classic")
    assert not find_builder(DockerEngine()).is_buildkit
    assert find_builder(DockerEngine(), "buildkit").is_buildkit
    monkeypatch.setenv("TG_BUILDER", "kaniko")
    with pytest.raises(ConfigError, match="TG_BUILDER") as caught:
        find_builder(DockerEngine())
    assert "kaniko" in str(caught.value)
    with pytest.raises(ConfigError, match="'buildah'"):
        find_builder(DockerEngine(), "buildah")


def test_a_client_that_is_named_is_asked_first(
    clients: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = clients(WITH, OLD)
    monkeypatch.setenv("TG_DOCKER", paths[1])
    assert find_builder(DockerEngine()).program == paths[1]
    assert find_builder(DockerEngine(paths[0])).program == paths[0]


def test_a_link_to_the_same_client_is_not_asked_again(
    clients: Callable[..., list[str]], tmp_path: Path
) -> None:
    paths = clients(WITHOUT, BROKEN)
    Path(paths[1]).unlink()
    Path(paths[1]).symlink_to(paths[0])
    with pytest.raises(EngineError) as caught:
        find_builder(DockerEngine(), "buildkit")
    assert paths[1] not in str(caught.value)
