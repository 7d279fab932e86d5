"""What a container cannot be given is said before anything is built."""

from __future__ import annotations

from typing import Any

import pytest

from tg.common._core.errors import ConfigError
from tg.common.delivery.execution import ContainerOptions


@pytest.mark.parametrize(
    "options",
    [
        {"memory_gib": 0},
        {"memory_gib": 1e300},
        {"memory_gib": True},
        {"cpus": -1},
        {"shm_gib": float("nan")},
        {"timeout_seconds": float("inf")},
        {"environment": {"A=B": "x"}},
        {"environment": {"": "x"}},
        {"environment": {"A\nB": "x"}},
        {"environment": {"A": "x\0y"}},
        {"environment": {"A": 1}},
        {"environment": ["NO_SUCH_VARIABLE_HERE"]},
        {"environment": "HOME"},
        {"docker_options": "--read-only"},
        {"docker_options": [1]},
        {"docker_options": ["oops"]},
        {"docker_options": ["--name", "mine"]},
        {"docker_options": ["--read-only", "--name=mine"]},
        {"docker_options": ["--rm"]},
        {"docker_options": ["--detach=false"]},
        {"docker_options": ["--restart", "always"]},
    ],
)
def test_what_no_container_can_be_given_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        ContainerOptions(**options)


def test_values_may_have_several_lines_and_options_any_words() -> None:
    options = ContainerOptions(
        environment={"KEY": "one\ntwo"}, docker_options=["--label", "oops", "--tmpfs=/x"]
    )
    assert options.variables == {"KEY": "one\ntwo"}
    assert options.arguments == ("--label", "oops", "--tmpfs=/x")
