"""What stands in the way of an image is named, by both builders in the same way."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from own_engine import OwnEngine

from tg.common._core.errors import EngineError, EngineUnavailableError, ImageBuildError
from tg.common.delivery.delivery import Containering
from tg.common.delivery.docker import DockerEngine, ImageStore
from tg.common.delivery.docker.labels import Label

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("project")]

Make = Callable[..., Containering]
Docker = Callable[..., str]
BUILDERS = pytest.mark.parametrize("builder", ["buildkit", "classic"])


@BUILDERS
def test_a_step_that_fails_is_named_with_what_it_printed(
    containering_of: Make, builder: str, capfd: pytest.CaptureFixture[str]
) -> None:
    step = "RUN echo first; echo 'the kettle is cold' >&2; exit 5"
    containering = containering_of(build_steps=["RUN echo fine", step], builder=builder)
    containering.silent = False
    with pytest.raises(ImageBuildError, match="kettle is cold") as caught:
        containering.make_container()
    assert caught.value.step.endswith(step.removeprefix("RUN "))
    lines = caught.value.output.splitlines()
    assert sorted(lines[:2]) == ["first", "the kettle is cold"]
    assert lines.count("the kettle is cold") == 1
    assert "fine" not in caught.value.output
    assert "exit 5" in str(caught.value)
    assert "  the kettle is cold\n" in capfd.readouterr().out


@BUILDERS
def test_an_index_that_does_not_answer_is_not_taken_for_the_engine(
    containering_of: Make, builder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    containering = containering_of(dependencies=("tea-leaves==1.0",), builder=builder)
    with pytest.raises(ImageBuildError, match=r"127\.0\.0\.1:9/simple") as caught:
        containering.make_container()
    assert "install.sh" in caught.value.step


@BUILDERS
@pytest.mark.parametrize(
    ("base_step", "asked", "said"),
    [
        ("RUN rm -f $(command -v python3 python) /bin/python*", {}, "has no python3"),
        ("RUN true", {"python_version": "3.9"}, "the package needs 3.9"),
    ],
)
def test_a_base_without_the_right_python_says_so(
    containering_of: Make,
    base: Any,
    builder: str,
    base_step: str,
    asked: dict[str, str],
    said: str,
) -> None:
    name = f"{base.name}-{hashlib.sha256(base_step.encode()).hexdigest()[:8]}"
    base.derive(f"FROM {base.name}\n{base_step}", name)
    with pytest.raises(ImageBuildError, match=said) as caught:
        containering_of(base_image=name, builder=builder, **asked).make_container()
    assert name in caught.value.output
    assert "install.sh" in caught.value.step


def test_a_base_that_is_not_there_is_named_with_the_ways_to_name_another(
    containering_of: Make,
) -> None:
    name = "training-grounds-test.invalid/no/such:image"
    with pytest.raises(EngineError, match="TG_BASE_IMAGE") as caught:
        containering_of(base_image=name).make_container()
    assert not isinstance(caught.value, EngineUnavailableError)
    assert name in str(caught.value)


def test_a_base_for_another_platform_is_refused(containering_of: Make, run_docker: Docker) -> None:
    own = run_docker("version", "--format", "{{.Server.Arch}}").strip()
    other = "linux/amd64" if own != "amd64" else "linux/arm64"
    with pytest.raises(EngineError, match=other):
        containering_of(platform=other).make_container()
    image = containering_of(platform=f"linux/{own}").make_container()
    assert run_docker("image", "inspect", "--format", "{{.Architecture}}", image.id).strip() == own


@pytest.fixture
def debian(base: Any, tmp_path: Path, run_docker: Docker) -> str:
    """A base image whose apt has one package, in a folder: no mirror is needed."""
    package = tmp_path / "package"
    (package / "DEBIAN").mkdir(parents=True)
    (package / "usr" / "share" / "teapot").mkdir(parents=True)
    (package / "usr" / "share" / "teapot" / "note").write_text("short and stout\n")
    control = (
        "Package: teapot\nVersion: 2.0-1\nArchitecture: all\n"
        "Maintainer: A <a@example.org>\nDescription: pours\n"
    )
    (package / "DEBIAN" / "control").write_text(control)
    context = tmp_path / "context"
    context.mkdir()
    with tarfile.open(context / "package.tar", "w") as archive:
        archive.add(package, "package")
    index = (
        "(cat package/DEBIAN/control; echo Filename: ./teapot.deb;"
        " stat -c 'Size: %s' teapot.deb; echo SHA256: $(sha256sum teapot.deb | cut -c1-64))"
        " > Packages"
    )
    (context / "Dockerfile").write_text(
        f"FROM {base.name}\n"
        "ADD package.tar /repository/\n"
        "RUN cd /repository && dpkg-deb --build package teapot.deb && "
        f"{index} && rm -rf /etc/apt/sources.list* && "
        "echo 'deb [trusted=yes] file:/repository ./' > /etc/apt/sources.list\n"
    )
    name = f"{base.name}-debian"
    run_docker("build", "--quiet", "--tag", name, str(context))
    return name


@BUILDERS
def test_system_packages_and_steps_belong_to_the_dependencies(
    containering_of: Make, debian: str, builder: str, base: Any, run_docker: Docker
) -> None:
    made = []
    for payload in (1, 2):
        containering = containering_of(payload, base_image=debian, builder=builder)
        containering.apt_packages = ["teapot=2.0-1"]
        containering.build_steps = ["RUN cp /usr/share/teapot/note /opt/note"]
        made.append(containering.make_container())
    assert made[0].dependencies == made[1].dependencies
    assert made[0].id != made[1].id
    assert run_docker("run", "--rm", made[1].id, "cat", "/opt/note") == "short and stout\n"
    assert run_docker("run", "--rm", made[1].id, "ls", "-A", "/var/lib/apt/lists") == ""
    containering = containering_of(base_image=debian, builder=builder)
    containering.apt_packages = ["kettle"]
    with pytest.raises(ImageBuildError, match="kettle") as caught:
        containering.make_container()
    assert "apt-get install" in caught.value.step


@BUILDERS
def test_a_full_disk_is_named_and_nothing_half_made_is_found_later(
    containering_of: Make,
    base: Any,
    tmp_path: Path,
    builder: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = containering_of(1, name="Full").make_container()  # its lock, where there is an index
    with OwnEngine(tmp_path, data_root_size_mib=700) as own:
        for name in (base.name, made.dependencies):
            own.load_image(name)
        monkeypatch.setenv("DOCKER_HOST", own.host)
        containering = containering_of(2, name="Full", builder=builder)
        template = containering.dockerfile_template
        fills = "RUN head -c 900M /dev/urandom > /opt/filled && rm /opt/filled\n"

        containering.dockerfile_template = template + fills
        with pytest.raises(ImageBuildError, match="disk is full") as caught:
            containering.make_container()
        assert "No space left" in caught.value.output

        containering.dockerfile_template = template.replace("USER root\n", f"USER root\n{fills}")
        with pytest.raises(ImageBuildError, match="disk is full"):
            containering.make_container()

        containering.dockerfile_template = template
        image = containering.make_container()
        assert image.was_built
        store = ImageStore(DockerEngine())
        kept = [r for r in store.ours() if Label.CONTENT_HASH in r.labels]
        assert [record.id for record in kept] == [image.id]
        own.docker("run", "--rm", image.id, "python", "-c", "import cloudpickle")


@pytest.mark.parametrize("name", ["python3", "python"])
def test_a_base_that_has_python_under_one_name_only_will_do(
    containering_of: Make, base: Any, run_docker: Docker, name: str
) -> None:
    image = f"{base.name}-only-{name}"
    moved = (
        "RUN p=$(readlink -f $(command -v python3)) && rm -f $(command -v python pip pip3) && "
        f"rm $(command -v python3) && ln -s $p /usr/local/bin/{name}"
    )
    base.derive(f"FROM {base.name}\n{moved}", image)
    made = containering_of(base_image=image).make_container()
    code = "import cloudpickle, sys; print(sys.prefix)"
    assert run_docker("run", "--rm", made.id, "python", "-c", code).strip() == "/opt/venv"
