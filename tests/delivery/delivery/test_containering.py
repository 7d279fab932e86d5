from __future__ import annotations

from pathlib import Path

import pytest

from tg.common._core.errors import ConfigError
from tg.common.delivery.delivery import Containering, Packaging
from tg.common.delivery.delivery.templates import read_template, render
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
    assert text.startswith(f"FROM python:{containering.python_version}-slim\n")
    assert "tea_1-1.tar.gz" in text
    assert 'CMD ["train"]' in text
    assert '"$@"' in text
    monkeypatch.setenv("TG_BASE_IMAGE", "mine:1")
    assert containering.render_dockerfile(PACKAGE).startswith("FROM mine:1\n")
    containering.base_image = "other:2"
    containering.dockerfile_template = "FROM ${base_image}\nRUN echo $$HOME"
    assert containering.render_dockerfile(PACKAGE) == "FROM other:2\nRUN echo $HOME"


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
