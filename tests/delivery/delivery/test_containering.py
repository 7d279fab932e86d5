from __future__ import annotations

from pathlib import Path

import pytest

from tg.common._core.errors import ConfigError
from tg.common._core.templates import read_template, render
from tg.common.delivery.delivery import Containering, Packaging
from tg.common.delivery.delivery.base_image import find_base_image
from tg.common.delivery.docker import DockerEngine, ImageStore
from tg.common.delivery.sagemaker import DOCKERFILE_TEMPLATE

PACKAGE = Path("/anywhere/tea_1-1.tar.gz")


@pytest.fixture
def containering() -> Containering:
    return Containering.from_packaging(Packaging("Tea", "1", {"job": 1}))


def test_an_image_is_named_as_its_package(containering: Containering) -> None:
    assert (containering.image_name, containering.image_tag) == ("tea", "1")
    assert containering.run_file_name == "train.py"


def test_the_template_is_filled_in_and_can_be_replaced(
    containering: Containering, monkeypatch: pytest.MonkeyPatch
) -> None:
    containering.dockerfile_template = DOCKERFILE_TEMPLATE
    monkeypatch.delenv("TG_BASE_IMAGE", raising=False)
    text = containering.render_dockerfile(PACKAGE)
    assert f"\nFROM python:{containering.python_version}-slim AS dependencies\n" in text
    assert "TG_PACKAGE_FILE=/opt/tg/tea_1-1.tar.gz" in text
    assert 'CMD ["train"]' in text
    assert ":$PATH" in text
    monkeypatch.setenv("TG_BASE_IMAGE", "mine:1")
    assert "\nFROM mine:1 AS dependencies\n" in containering.render_dockerfile(PACKAGE)
    containering.base_image = "other:2"
    containering.dockerfile_template = (
        "FROM ${base_image} AS dependencies\n${install_dependencies}\n"
        "FROM dependencies\nCOPY ${package_file} /\nRUN echo $$HOME\n"
    )
    text = containering.render_dockerfile(PACKAGE)
    assert text.startswith("FROM other:2 AS dependencies\n")
    assert text.endswith("COPY tea_1-1.tar.gz /\nRUN echo $HOME\n")


@pytest.mark.parametrize(
    "name", ["", "..", "bin/train.py", "/train.py", "bin", "code", "-c", "a\nb", "tea_1-1.tar.gz"]
)
def test_a_run_file_that_is_no_file_name_is_refused(containering: Containering, name: str) -> None:
    containering.run_file_name = name
    with pytest.raises(ConfigError, match="run file"):
        containering.render_dockerfile(PACKAGE)


@pytest.mark.parametrize("version", ["3", "3.11.7", "three", "", 3.11])
def test_a_python_version_that_is_none_is_refused(
    containering: Containering, version: object
) -> None:
    containering.python_version = version  # type: ignore[assignment]
    with pytest.raises(ConfigError, match="minor version"):
        containering.render_dockerfile(PACKAGE)


def test_an_option_is_no_base_image() -> None:
    with pytest.raises(ConfigError, match="no image is called '--help'"):
        find_base_image(ImageStore(DockerEngine("/nowhere/docker")), "--help", None)


def test_build_steps_are_a_list(containering: Containering) -> None:
    containering.build_steps = "RUN true"
    with pytest.raises(ConfigError, match="RUN true"):
        containering.render_dockerfile(PACKAGE)


def test_an_image_needs_a_package() -> None:
    with pytest.raises(ConfigError, match="from_packaging"):
        Containering("tea", "1").make_container()


def test_the_run_file_starts_the_packages_own_runtime(containering: Containering) -> None:
    text = containering.render_run_file("Tea__1")
    compile(text, "train.py", "exec")
    assert "from Tea__1.tg.common.delivery.runtime.main import main" in text


@pytest.mark.parametrize(
    ("template", "named"), [("FROM ${bass_image}", "bass_image"), ("RUN echo $(pwd)", "dollar")]
)
def test_a_wrong_placeholder_is_named(
    containering: Containering, template: str, named: str
) -> None:
    containering.dockerfile_template = template
    with pytest.raises(ConfigError, match=named):
        containering.render_dockerfile(PACKAGE)


def test_an_absent_template_is_named() -> None:
    with pytest.raises(ConfigError, match="nothing/here"):
        read_template("nothing/here")
    assert render("no placeholder", {}, name="plain") == "no placeholder"
