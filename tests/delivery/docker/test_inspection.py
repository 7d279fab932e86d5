"""A client that answers otherwise than Docker's is told as such, not as a bug of this library."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from tg.common._core.errors import FormatError
from tg.common.delivery.docker import Containers, DockerEngine, ImageStore
from tg.common.delivery.docker.caches import BuildCaches
from tg.common.delivery.docker.inspection import parse_time


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


@pytest.mark.parametrize("text", ["", "yesterday", "2026-11-21T09:43:05"])
def test_a_time_without_zone_is_none(text: str) -> None:
    with pytest.raises(FormatError, match="a time"):
        parse_time(text)


def _client(folder: Path, answer: str) -> DockerEngine:
    program = folder / "docker"
    program.write_text(f"#!/bin/sh\necho {shlex.quote(answer)}\n", encoding="utf-8")
    program.chmod(0o755)
    return DockerEngine(str(program))
