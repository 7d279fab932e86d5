"""A client that answers otherwise than Docker's is told as such, not as a bug of this library."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from tg.common._core.errors import FormatError
from tg.common.delivery.docker import Containers, DockerEngine, ImageStore
from tg.common.delivery.docker.caches import BuildCaches
from tg.common.delivery.docker.inspection import inspect, parse_time


@pytest.mark.parametrize("answer", ["{", "{}", '{"id": 1', '{"Id": 1, "Size": {}, "state": []}'])
@pytest.mark.parametrize(
    "ask",
    [
        lambda engine: ImageStore(engine).find("tea"),
        lambda engine: Containers(engine).inspect("tea"),
    ],
)
def test_a_foreign_answer_is_told(
    answer: str, ask: Callable[[DockerEngine], object], tmp_path: Path
) -> None:
    with pytest.raises(FormatError, match="not known") as caught:
        ask(_client(tmp_path, answer))
    assert "another program" in caught.value.hint


def test_a_foreign_answer_about_the_disk_is_told(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="use of the disk"):
        BuildCaches(_client(tmp_path, '{"volume": "training-grounds-uv"}')).find()


@pytest.mark.parametrize(
    "said", ["No such image: cup", "Error response from daemon: layer does not exist"]
)
def test_what_others_remove_at_the_same_moment_is_left_out(said: str, tmp_path: Path) -> None:
    """Whoever lists images while another process removes some would see an error instead."""
    engine = _client(tmp_path, '{"Id": "sha256:1"}', said)
    assert inspect(engine, "image", ["tea", "cup"]) == [{"Id": "sha256:1"}]


@pytest.mark.parametrize(
    "said",
    [
        "a disk usage operation is already running",
        "layer sha256:0 was not found (corruption?)",  # of an image that is being removed
    ],
)
def test_an_engine_that_is_at_work_is_asked_about_its_disk_again(said: str, tmp_path: Path) -> None:
    """Whoever lists images while others build some would see an error of the engine's own."""
    paused: list[float] = []
    failing = _client(tmp_path, "", f"Error response from daemon: {said}")

    def mend(seconds: float) -> None:
        paused.append(seconds)
        _client(tmp_path, '{"volume": "training-grounds-uv", "size": "1.5kB"}')

    (cache,) = BuildCaches(failing, sleep=mend).find()
    assert (cache.kind, cache.size_bytes) == ("volume", 1500)
    assert len(paused) == 1


@pytest.mark.parametrize("text", ["", "yesterday", "2026-11-21T09:43:05"])
def test_a_time_without_zone_is_none(text: str) -> None:
    with pytest.raises(FormatError, match="a time"):
        parse_time(text)


def _client(folder: Path, answer: str, complaint: str = "") -> DockerEngine:
    program = folder / "docker"
    ending = f"echo {shlex.quote(complaint)} >&2; exit 1" if complaint else ""
    program.write_text(f"#!/bin/sh\necho {shlex.quote(answer)}\n{ending}\n", encoding="utf-8")
    program.chmod(0o755)
    return DockerEngine(str(program))
