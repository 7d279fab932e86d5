from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tg.common.delivery.delivery import Containering, DependencyList, Packaging

_LABEL = "training-grounds-tests.session"
_REMOVAL_SECONDS = 300


def docker(*arguments: str, stdin: str | None = None) -> str:
    """Run the engine's client, the classic builder being its builder."""
    completed = subprocess.run(
        ["docker", *arguments],
        input=stdin,
        env={**os.environ, "DOCKER_BUILDKIT": "0"},
        check=False,
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert completed.returncode == 0, (arguments, completed.stdout, completed.stderr)
    return completed.stdout


class Base:
    """A base image of this session alone: what is built on it can be told from all else.

    Its label goes to whatever is made from it, images without a name and containers included.
    """

    def __init__(self) -> None:
        self.token = secrets.token_hex(6)
        self.name = f"training-grounds-test-{self.token}"
        asked = os.environ.get("TG_BASE_IMAGE") or "python:{}.{}-slim".format(*sys.version_info)
        self.id = self.derive(f"FROM {asked}\nLABEL {_LABEL}={self.token}", self.name)

    def derive(self, dockerfile: str, name: str) -> str:
        """Make an image of a text without a context."""
        docker("build", "--quiet", "--tag", name, "-", stdin=dockerfile)
        return docker("image", "inspect", "--format", "{{.Id}}", name).strip()

    @property
    def filter(self) -> tuple[str, str]:
        return ("--filter", f"label={_LABEL}={self.token}")

    def images(self, *options: str) -> list[str]:
        """The ids of all images that were made from it."""
        args = ["image", "ls", "--quiet", "--no-trunc", *self.filter, *options]
        return list(dict.fromkeys(docker(*args).split()))

    def containers(self) -> list[str]:
        """The ids of all containers of those images."""
        return docker("ps", "--all", "--quiet", "--no-trunc", *self.filter).split()

    def forget(self, *kept: str) -> None:
        """Remove all that was made from it, and itself unless it is kept."""
        deadline = time.monotonic() + _REMOVAL_SECONDS
        while left := [
            *(("container", container) for container in self.containers()),
            *(("image", image) for image in self.images() if image not in kept),
        ]:
            assert time.monotonic() < deadline, left
            for kind, name in left:
                # refused for what the engine is removing already, and for what others stand on
                argv = ["docker", kind, "rm", "--force", name]
                subprocess.run(argv, check=False, capture_output=True)


@pytest.fixture(scope="session")
def base() -> Iterator[Base]:
    made = Base()
    yield made
    made.forget()
    assert made.images("--all") == []


@pytest.fixture
def run_docker() -> Callable[..., str]:
    return docker


@pytest.fixture
def containering_of(base: Base) -> Callable[..., Containering]:
    """Give the containering of a package on this session's base."""

    def make(
        payload: Any = 1,
        name: str = "Tea",
        version: str | None = "1",
        dependencies: tuple[str, ...] = (),
        **attributes: Any,
    ) -> Containering:
        packaging = Packaging(name, version, {"job": payload})
        packaging.silent = True
        if dependencies:
            packaging.dependencies = [DependencyList("image", dependencies)]
        containering = Containering.from_packaging(packaging)
        containering.image_name = f"training-grounds-test-{base.token}-{name.lower()}"
        containering.base_image = base.name
        for key, value in attributes.items():
            assert hasattr(containering, key)
            setattr(containering, key, value)
        return containering

    return make
