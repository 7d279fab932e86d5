"""What pytest does about container tests, by running pytest."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ENGINE_FOLDER = Path(__file__).parent

_INI = """
[pytest]
addopts = -ra --strict-markers --import-mode=importlib -p no:cacheprovider
filterwarnings = error
markers =
    docker: needs a container engine
"""

_TESTS = """
import pytest

@pytest.mark.docker
def test_in_a_container():
    pass

@pytest.mark.docker
class TestSuite:
    def test_inherits_the_mark(self):
        pass

def test_without_one():
    pass
"""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    exit_code: int
    output: str


Run = Callable[..., Outcome]


@pytest.fixture
def run_pytest(tmp_path: Path) -> Run:
    """Run pytest with the plugin over one test file, in a process and folder of its own."""

    def run(text: str, *arguments: str, **environment: str) -> Outcome:
        folder = tmp_path / "tests"
        folder.mkdir(exist_ok=True)
        (folder / "pytest.ini").write_text(_INI)
        (folder / "conftest.py").write_text('pytest_plugins = ["pytest_engine"]\n')
        (folder / "test_it.py").write_text(textwrap.dedent(text))
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("TG_", "PYTEST_"))}
        base = os.environ.get("TG_BASE_IMAGE")
        completed = subprocess.run(
            [sys.executable, "-m", "pytest", *arguments],
            check=False,
            cwd=folder,
            env={
                **kept,
                **({"TG_BASE_IMAGE": base} if base else {}),
                "PYTHONPATH": str(ENGINE_FOLDER),
                **environment,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
        )
        return Outcome(exit_code=completed.returncode, output=completed.stdout)

    return run


@pytest.fixture
def no_docker(tmp_path: Path) -> str:
    """A PATH without any client."""
    folder = tmp_path / "bin"
    folder.mkdir()
    return str(folder)


def test_without_an_engine_container_tests_are_skipped_and_the_summary_says_how_to_run_them(
    run_pytest: Run, no_docker: str
) -> None:
    outcome = run_pytest(_TESTS, PATH=no_docker)
    assert outcome.exit_code == 0
    assert "1 passed, 2 skipped" in outcome.output
    assert (
        "2 container tests were skipped: no container engine answers. "
        'To run them: eval "$(tests/engine/up)", then make test.'
    ) in outcome.output


def test_where_containers_are_required_a_skip_fails_the_session(
    run_pytest: Run, no_docker: str
) -> None:
    outcome = run_pytest(_TESTS, PATH=no_docker, TG_REQUIRE_DOCKER="1")
    assert outcome.exit_code == 1
    assert "1 passed, 2 errors" in outcome.output
    assert (
        "TG_REQUIRE_DOCKER=1, but this was skipped: no container engine answers" in outcome.output
    )


def test_an_engine_that_does_not_answer_is_none(run_pytest: Run, tmp_path: Path) -> None:
    outcome = run_pytest(_TESTS, DOCKER_HOST=f"unix://{tmp_path}/none.sock")
    assert outcome.exit_code == 0
    assert "no container engine answers" in outcome.output


def test_a_session_without_container_tests_asks_no_engine(run_pytest: Run, no_docker: str) -> None:
    client = Path(no_docker) / "docker"
    client.write_text(f"#!/bin/sh\n: > {no_docker}/asked\n")
    client.chmod(0o755)
    path = f"{no_docker}:{os.environ['PATH']}"
    outcome = run_pytest(_TESTS, "-m", "not docker", PATH=path, TG_REQUIRE_DOCKER="1")
    assert outcome.exit_code == 0
    assert "container test" not in outcome.output
    assert not (Path(no_docker) / "asked").exists()


@pytest.mark.docker
def test_any_kind_of_skip_is_a_failure_where_containers_are_required(run_pytest: Run) -> None:
    text = """
        import pytest

        @pytest.fixture
        def gpu():
            pytest.skip("no GPU here")

        @pytest.mark.docker
        def test_fixture(gpu):
            pass

        @pytest.mark.docker
        def test_body():
            pytest.skip("not today")

        @pytest.mark.docker
        @pytest.mark.xfail
        def test_that_did_run():
            raise ValueError

        def test_other():
            pytest.skip("not a container test")
    """
    outcome = run_pytest(text, TG_REQUIRE_DOCKER="1")
    assert outcome.exit_code == 1
    assert "1 failed, 1 skipped, 1 xfailed, 1 error" in outcome.output
    assert "this was skipped: no GPU here" in outcome.output
    assert "this was skipped: not today" in outcome.output
    assert run_pytest(text).exit_code == 0


def test_a_module_that_skips_itself_is_a_failure_too(run_pytest: Run) -> None:
    text = """
        import pytest

        pytest.importorskip("a_library_that_nobody_has")
        pytestmark = pytest.mark.docker

        def test_it():
            pass
    """
    assert run_pytest(text, TG_REQUIRE_DOCKER="1").exit_code != 0
    outcome = run_pytest(text)
    assert "1 container test was skipped" in outcome.output


@pytest.mark.docker
def test_a_missing_base_image_is_told_before_a_build_fails(run_pytest: Run) -> None:
    outcome = run_pytest(_TESTS, TG_BASE_IMAGE="training-grounds-nobody-has-this:1")
    assert outcome.exit_code == 0
    assert "the engine has no training-grounds-nobody-has-this:1" in outcome.output
    assert 'eval "$(tests/engine/up)"' in outcome.output


_LEAK = """
    import os
    import subprocess
    import pytest

    @pytest.mark.docker
    def test_that_leaves_a_container(tmp_path, request):
        folder = os.environ.get("FOLDER")
        if folder is None:
            folder = str(tmp_path)
            # nobody is removing it: it need not be waited for
            request.config.pluginmanager.get_plugin("pytest_engine")._REMOVAL_SECONDS = 1
        subprocess.run(
            ["docker", "run", "--detach", "--network", "none", "--name", os.environ["NAME"],
             "--label", "training-grounds.kind=run",
             "--mount", f"type=bind,source={folder},target=/x", os.environ["TG_BASE_IMAGE"],
             "true"],
            check=True,
        )
"""


@pytest.fixture
def container_name(tmp_path: Path) -> Iterator[str]:
    name = f"tg-leak-{os.getpid()}-{tmp_path.name[-24:]}"
    yield name
    subprocess.run(["docker", "rm", "--force", name], check=False, capture_output=True)


@pytest.mark.docker
def test_a_session_that_leaves_a_container_fails_and_names_it(
    run_pytest: Run, container_name: str
) -> None:
    base = os.environ.get("TG_BASE_IMAGE") or "python:{}.{}-slim".format(*sys.version_info)
    outcome = run_pytest(_LEAK, NAME=container_name, TG_BASE_IMAGE=base)
    assert outcome.exit_code == 1
    assert "left containers in the engine" in outcome.output
    assert container_name in outcome.output
    assert "docker rm --force" in outcome.output


@pytest.mark.docker
def test_containers_of_others_who_use_the_engine_meanwhile_are_only_told(
    run_pytest: Run, container_name: str, tmp_path: Path
) -> None:
    base = os.environ.get("TG_BASE_IMAGE") or "python:{}.{}-slim".format(*sys.version_info)
    outcome = run_pytest(_LEAK, NAME=container_name, TG_BASE_IMAGE=base, FOLDER=str(ENGINE_FOLDER))
    assert outcome.exit_code == 0
    assert f"left in the engine by others meanwhile: {container_name}" in outcome.output
