"""Images are found by what they are, and removing one of ours takes nobody else's."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tg.common._core.errors import EngineError, ImageBuildError
from tg.common.delivery.docker import DockerEngine, ImageStore
from tg.common.delivery.docker.build import ImageBuild
from tg.common.delivery.docker.builder import Builder, find_builder
from tg.common.delivery.docker.labels import Kind, Label

pytestmark = pytest.mark.docker

BASE = os.environ.get("TG_BASE_IMAGE") or "python:{}.{}-slim".format(*sys.version_info)


@pytest.fixture
def name() -> Iterator[str]:
    name = f"training-grounds-test-{secrets.token_hex(6)}"
    yield name
    store = ImageStore(DockerEngine())
    for record in store.ours():
        if record.labels.get(Label.NAME) == name:
            for reference in record.tags or (record.id,):
                store.remove(reference)


def build(
    folder: Path,
    name: str,
    tag: str,
    builder: str = "classic",
    step: str = "",
    reference: str | None = None,
) -> str:
    engine = DockerEngine()
    return ImageBuild(
        dockerfile=f"FROM {BASE}\n{step}",
        context=folder,
        tag=f"{name}:{tag}",
        labels={
            Label.KIND: Kind.IMAGE,
            Label.NAME: name,
            Label.CONTENT_HASH: f"{name}-{step}",
            "odd": 'a "b" $HOME \\ é',
            **({Label.REFERENCE: reference} if reference else {}),
        },
    ).run(engine, find_builder(engine, builder))


@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_an_image_is_found_by_name_id_and_label(tmp_path: Path, name: str, builder: str) -> None:
    image = build(tmp_path, name, "1", builder)
    store = ImageStore(DockerEngine())
    found = store.find(f"{name}:1")
    assert found is not None
    assert found.id == image
    assert found.tags == (f"{name}:1",)
    assert found.labels["odd"] == 'a "b" $HOME \\ é'
    assert found.platform.startswith("linux/")
    assert found.size_bytes > 1_000_000
    assert store.find(image) == found
    assert store.find_content(f"{name}-") == image
    assert store.find(f"{name}:2") is None
    assert store.find_content(f"{name}-none") is None


def test_what_users_make_of_an_image_is_not_taken_for_it(tmp_path: Path, name: str) -> None:
    """It has the same labels; another training would run in it."""
    engine = DockerEngine()
    store = ImageStore(engine)
    image = build(tmp_path, name, "1", reference=f"{name}:1")
    for step, tag in (("ENV MINE=1", f"{name}:mine"), ("ENV MINE=2", None)):
        derived = ImageBuild(dockerfile=f"FROM {image}\n{step}", context=tmp_path, tag=tag)
        assert derived.run(engine, find_builder(engine, "classic")) != image
    try:
        run_labels = ["--label", f"{Label.KIND}={Kind.RUN}"]
        # as a run has one: other sessions see by it that this container is not of theirs
        mount = ["--mount", f"type=bind,source={tmp_path},target=/x"]
        engine.call(["run", "--name", name, *run_labels, *mount, image, "true"])
        engine.call(["commit", name, f"{name}:kept"])
    finally:
        engine.call(["rm", name])
    build(tmp_path, name, "1", step="ENV A=1")  # takes the name
    assert store.find_content(f"{name}-") == image


def test_a_name_that_goes_to_another_image_leaves_the_first_one(tmp_path: Path, name: str) -> None:
    first = build(tmp_path, name, "1")
    second = build(tmp_path, name, "1", step="ENV A=1")
    store = ImageStore(DockerEngine())
    kept = store.find(first)
    assert kept is not None
    assert kept.tags == ()
    assert store.find_content(f"{name}-") == first
    store.tag(first, f"{name}:1")
    found = store.find(f"{name}:1")
    assert found is not None
    assert found.id == first
    assert {r.id for r in store.ours() if r.labels.get(Label.NAME) == name} == {first, second}


def test_an_image_goes_with_its_last_name_and_its_base_stays(tmp_path: Path, name: str) -> None:
    image = build(tmp_path, name, "1")
    store = ImageStore(DockerEngine())
    store.tag(image, f"{name}:2")
    record = store.find(image)
    assert record is not None
    assert set(record.tags) == {f"{name}:1", f"{name}:2"}
    store.remove(f"{name}:1")
    assert store.find_recent(image) is None  # a name of what was remembered is gone
    assert store.find(image) is not None
    store.remove(f"{name}:2")
    assert store.find(image) is None
    assert store.find(BASE) is not None


def test_an_image_in_use_is_not_removed(tmp_path: Path, name: str) -> None:
    engine, store = DockerEngine(), ImageStore(DockerEngine())
    record = store.find(build(tmp_path, name, "1"))
    assert record is not None
    engine.call(["create", "--name", name, record.id, "true"])
    try:
        with pytest.raises(EngineError, match="container"):
            store.remove(record.id)
    finally:
        engine.call(["rm", name])


@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_a_build_that_fails_leaves_no_image_with_a_label(
    tmp_path: Path, name: str, builder: str
) -> None:
    with pytest.raises(ImageBuildError):
        build(tmp_path, name, "1", builder, step=f"RUN echo {name}\nRUN false")
    store = ImageStore(DockerEngine())
    assert store.find(f"{name}:1") is None
    assert not [r for r in store.ours() if r.labels.get(Label.NAME) == name]


def test_a_builder_that_is_not_there_is_not_the_fault_of_a_step(tmp_path: Path, name: str) -> None:
    spec = ImageBuild(dockerfile=f"FROM {BASE}", context=tmp_path, tag=f"{name}:1")
    with pytest.raises(ImageBuildError, match="/nowhere/docker"):
        spec.run(DockerEngine(), Builder(kind="classic", program="/nowhere/docker"))
