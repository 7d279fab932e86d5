"""The template may be replaced: what is kept of it, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tg.common._core.errors import ConfigError
from tg.common._core.templates import read_template
from tg.common.delivery.delivery import Containering
from tg.common.delivery.delivery.dockerfile import Dockerfile, system_packages

TEMPLATE = read_template("sagemaker/Dockerfile")
VALUES = {
    "base_image": "python:3.11-slim",
    "system_packages": "",
    "build_steps": "",
    "package_file": "tea-1.tar.gz",
}
RICH = """\
# syntax=docker/dockerfile:1
# from here AS dependencies: a comment is no stage
ARG FLAVOUR=green
from ${base_image} as leaves
RUN echo leaves > /leaves && \\
  from=1 && echo $$from
FROM ${base_image} as Dependencies
USER root
arg EARLY=said
${system_packages}
${install_dependencies}
${build_steps}
COPY --from=leaves /leaves /opt/leaves
RUN echo "$$EARLY" > /opt/early

from dependencies
ENV PATH=/opt/tg/bin:/opt/venv/bin:$$PATH PYTHONPATH=/opt/tg/code \\
    TG_PACKAGE_FILE=/opt/tg/${package_file}
COPY image/ /opt/tg/
RUN echo own > /opt/own
CMD ["train"]
"""


def test_the_stage_of_the_dependencies_stands_for_itself_in_each_text() -> None:
    cut = Dockerfile.of(TEMPLATE, VALUES)
    assert str(cut).count("FROM ") == 2
    whole = cut.dependencies("RUN install")
    assert whole.rstrip().endswith("RUN install")
    assert "COPY image/" not in whole
    assert cut.before_installation.rstrip().endswith("USER root")
    after = cut.after_installation("sha256:0", "ADD venv.tar /opt/")
    assert "FROM sha256:0 AS dependencies\nADD venv.tar /opt/" in after
    image = cut.image("localhost/training-grounds/dependencies:0")
    assert "FROM localhost/training-grounds/dependencies:0 AS dependencies" in image
    assert "python:3.11-slim" not in image
    assert 'CMD ["train"]' in image


def test_a_rich_template_is_cut_where_its_stages_are() -> None:
    cut = Dockerfile.of(RICH, VALUES)
    assert cut.head.startswith("FROM python:3.11-slim as Dependencies\n")
    assert cut.prologue.startswith("# syntax=")  # it counts in the first line only
    assert "RUN echo leaves" in cut.prologue
    for text in (cut.dependencies("RUN x"), cut.after_installation("i", "ADD x"), cut.image("d")):
        assert text.startswith("# syntax=docker/dockerfile:1\n")
        assert "ARG FLAVOUR=green" in text
    assert "arg EARLY=said" in cut.after_installation("i", "ADD x")
    assert cut.final.startswith("from dependencies\n")


def test_lines_may_end_as_on_windows() -> None:
    cut = Dockerfile.of(TEMPLATE.replace("\n", "\r\n"), VALUES)
    assert "COPY image/" in cut.final
    assert "COPY image/" not in cut.head


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("AS dependencies", "AS libraries"),
        (" AS dependencies", ""),
        ("\nFROM dependencies", "\n"),
        ("${install_dependencies}\n", ""),
    ],
)
def test_a_template_without_the_stage_or_the_installation_is_refused(old: str, new: str) -> None:
    assert old in TEMPLATE
    with pytest.raises(ConfigError, match="dependencies"):
        Dockerfile.of(TEMPLATE.replace(old, new), VALUES)


def test_an_installation_in_the_last_stage_is_refused() -> None:
    moved = TEMPLATE.replace("${install_dependencies}\n", "")
    with pytest.raises(ConfigError, match="installs the dependencies"):
        Dockerfile.of(f"{moved}${{install_dependencies}}\n", VALUES)


def test_a_setting_that_the_template_has_no_place_for_is_not_lost_silently() -> None:
    template = TEMPLATE.replace("${system_packages}\n", "")
    Dockerfile.of(template, VALUES)
    with pytest.raises(ConfigError, match="system_packages"):
        Dockerfile.of(template, {**VALUES, "system_packages": system_packages(["git"])})


@pytest.mark.parametrize("name", ["libgomp1", "git=1:2.39.5-0+deb12u2", "libc6:arm64", "g++"])
def test_packages_are_named_as_debian_does(name: str) -> None:
    assert f" {name} " in system_packages([name])


@pytest.mark.parametrize("names", [["git; rm -rf /"], ["Git"], [""], ["-y"], ["git curl"], "git"])
def test_what_is_no_package_reaches_no_shell(names: Any) -> None:
    with pytest.raises(ConfigError):
        system_packages(names)


@pytest.mark.docker
@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("builder", ["buildkit", "classic"])
def test_a_replaced_template_is_built_as_it_stands(
    containering_of: Callable[..., Containering],
    run_docker: Callable[..., str],
    builder: str,
) -> None:
    # what stands in the first line would be fetched; the rest is the same
    template = RICH.partition("\n")[2]
    made = [
        containering_of(payload, dockerfile_template=template, builder=builder).make_container()
        for payload in (builder, f"{builder} again")
    ]
    assert made[0].dependencies == made[1].dependencies
    shown = "cat /opt/leaves /opt/early /opt/own; python -c 'import cloudpickle'"
    assert run_docker("run", "--rm", made[1].id, "sh", "-c", shown).split() == [
        "leaves",
        "said",
        "own",
    ]
