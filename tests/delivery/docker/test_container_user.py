"""What a container writes is its user's to read and remove, however the engine is set up."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tg.common._core.process import Completed
from tg.common.delivery.docker.container_user import user_options
from tg.common.delivery.docker.engine import DockerEngine

OWN = ("--user", f"{os.getuid()}:{os.getgid()}")


@pytest.mark.parametrize(
    ("security", "expected"),
    [
        ('["name=seccomp,profile=default"]', OWN),
        ('["name=rootless"]', ()),
        ('["name=userns"]', (*OWN, "--userns", "host")),
    ],
)
def test_files_belong_to_whoever_runs_the_container(
    security: str, expected: tuple[str, ...]
) -> None:
    def answer(argv: Any, **_: Any) -> Completed:
        return Completed(argv=tuple(argv), exit_code=0, output=security)

    assert user_options(DockerEngine(runner=answer)) == expected
