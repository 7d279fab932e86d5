"""The image of a job, while others tidy up the same engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tiny_images import TinyImages

from tg.common._core.errors import EngineError
from tg.common._core.process import Completed
from tg.common.delivery.docker.engine import DockerEngine
from tg.rehearsal import job_images
from tg.rehearsal.job_images import JobImages
from tg.rehearsal.registry import ImageRegistry

pytestmark = [pytest.mark.docker, pytest.mark.rehearsal]


class TidiedEngine(DockerEngine):
    """Somebody removes an image's tag as soon as it has been pulled: its digest goes along."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.pulls = 0
        self._times = times

    def call(self, args: Any, **options: Any) -> Completed:
        output = super().call(args, **options)
        if args[0] == "pull":
            self.pulls += 1
            if self.pulls <= self._times:
                other_name = f"{args[-1].partition('@')[0]}:other"
                super().call(["tag", args[-1], other_name])
                super().call(["image", "rm", other_name])
        return output


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[ImageRegistry]:
    folder = tmp_path / "registry"
    folder.mkdir()
    registry = ImageRegistry(folder)
    yield registry
    registry.stop()


@pytest.fixture
def pushed(tiny: TinyImages, registry: ImageRegistry) -> str:
    """The name of an image that is in the registry alone."""
    name, reference = f"{tiny.prefix}-tea:1", f"{registry.host}/{tiny.prefix}:1"
    tiny.foreign("tea")
    environment = {"DOCKER_CONFIG": str(registry.client_configuration())}
    tiny.engine.call(["tag", name, reference])
    tiny.engine.call(["push", reference], env=environment)
    [digest] = tiny.engine.lines(["image", "inspect", "--format", "{{index .RepoDigests 0}}", name])
    tiny.engine.call(["image", "rm", name, reference])
    return digest


def test_an_image_that_somebody_removes_under_another_name_is_pulled_again(
    tiny: TinyImages, registry: ImageRegistry, pushed: str
) -> None:
    engine = TidiedEngine(times=1)
    image_id = JobImages(engine, registry).id_of(pushed)
    assert tiny.engine.lines(["image", "inspect", "--format", "{{.Id}}", pushed]) == [image_id]
    assert engine.pulls == 2


def test_an_image_that_is_removed_each_time_is_not_there(
    registry: ImageRegistry, pushed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_images, "_PAUSE_SECONDS", 0.0)
    engine = TidiedEngine(times=99)
    with pytest.raises(EngineError, match="there is no image"):
        JobImages(engine, registry).id_of(pushed)
