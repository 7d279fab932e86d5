"""What is remembered of an image saves a process, and is not believed where it may be wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tg.common._core.process import Completed
from tg.common.delivery.docker import DockerEngine
from tg.common.delivery.docker.build import ImageBuild
from tg.common.delivery.docker.builder import CLASSIC, Builder
from tg.common.delivery.docker.images import ImageStore
from tg.common.delivery.docker.recent_images import RECENT_IMAGES, RecentImages


class Client:
    """Answers as the engine's client does, of one image that others may change."""

    def __init__(self) -> None:
        self.image = 1
        self.asked: list[str] = []

    def __call__(self, argv: Sequence[str], **options: Any) -> Completed:
        self.asked.append(argv[1])
        if argv[1] == "build":
            self.image += 1
            Path(argv[argv.index("--iidfile") + 1]).write_text(f"sha256:{self.image}")
        if list(argv[1:3]) == ["image", "inspect"]:
            values = {"Id": f"sha256:{self.image}", "RepoTags": ["base:1"], "Size": 1}
            values |= {"Created": "2026-01-31T16:37:38Z", "Os": "linux", "Architecture": "amd64"}
            options["on_line"](json.dumps(values))
        return Completed(argv=tuple(argv), exit_code=0, output="")


@pytest.fixture(autouse=True)
def _forgets() -> Iterator[None]:
    yield
    RECENT_IMAGES.clear()


def of(images: ImageStore) -> str | None:
    found = images.find_recent("base:1")
    return found and found.id


def test_what_was_found_is_known_without_a_process() -> None:
    client = Client()
    engine = DockerEngine(runner=client)
    images = ImageStore(engine)
    assert of(images) is None
    images.find("base:1")
    assert of(images) == of(ImageStore(engine)) == "sha256:1"
    assert client.asked == ["image"]
    assert images.find_recent("base:2") is None


def test_another_engine_is_another_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    images = ImageStore(DockerEngine(runner=Client()))
    images.find("base:1")
    assert of(ImageStore(DockerEngine(runner=Client()))) is None
    for variable in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "TG_DOCKER"):
        with monkeypatch.context() as patch:
            patch.setenv(variable, "elsewhere")
            assert of(images) is None
    assert of(images) == "sha256:1"


def test_what_others_do_is_noticed_after_a_minute() -> None:
    now = [100.0]
    memory = RecentImages(clock=lambda: now[0])
    client = Client()
    engine = DockerEngine(runner=client)
    image = ImageStore(engine).find("base:1")
    assert image is not None
    memory.put(engine, "base:1", image)
    now[0] += 60
    assert memory.get(engine, "base:1") == image
    now[0] += 1
    assert memory.get(engine, "base:1") is None


def _build(engine: DockerEngine, folder: Path) -> None:
    build = ImageBuild(dockerfile="FROM scratch", context=folder, tag="base:1")
    build.run(engine, Builder(kind=CLASSIC, program="docker"))


@pytest.mark.parametrize(
    "change",
    [
        _build,
        lambda engine, _: ImageStore(engine).pull("base:1", platform=None, on_line=None),
        lambda engine, _: ImageStore(engine).tag("sha256:9", "base:1"),
        lambda engine, _: ImageStore(engine).remove(ImageStore(engine).find("base:1")),
    ],
)
def test_what_this_process_does_is_noticed_at_once(
    tmp_path: Path, change: Callable[[DockerEngine, Path], None]
) -> None:
    images = ImageStore(DockerEngine(runner=Client()))
    images.find("base:1")
    # another handle on the engine, as another routine has one
    change(DockerEngine(runner=Client()), tmp_path)
    assert of(images) is None


def test_an_engine_that_is_no_more_is_not_kept() -> None:
    engine = DockerEngine(runner=Client())
    ImageStore(engine).find("base:1")
    count = len(RECENT_IMAGES._known)
    del engine
    assert len(RECENT_IMAGES._known) < count
