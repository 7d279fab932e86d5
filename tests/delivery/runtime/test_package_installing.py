from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tg.common._core.errors import ArchiveError, CommandError
from tg.common.delivery.delivery import Packaging, install_package_and_get_loader

Write = Callable[[dict[str, str]], None]


@pytest.fixture
def make(write_files: Write) -> Callable[[str, int], Path]:
    def build(version: str, answer: int) -> Path:
        write_files({"answers.py": f"class Job:\n    def run(self):\n        return {answer}\n"})
        import answers

        return Packaging("Answer", version, {"job": answers.Job()}).make_package().path

    return build


@pytest.mark.slow
def test_versions_are_installed_side_by_side_by_pip(
    make: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "installed"
    first, second = make("1", 41), make("2", 42)
    capsys.readouterr()
    loaders = [install_package_and_get_loader(first, target=target)]
    assert "Successfully installed" in capsys.readouterr().out
    loaders.append(install_package_and_get_loader(second, silent=True, target=target))
    assert capsys.readouterr().out == ""
    assert [loader.load_resource("job").run() for loader in loaders] == [41, 42]
    assert [loader.module_name for loader in loaders] == ["Answer__1", "Answer__2"]
    assert (target / "answer_1-1.dist-info").is_dir()
    assert (target / "answer_2-2.dist-info").is_dir()


@pytest.mark.slow
def test_the_sdist_is_installed_by_uv_and_old_versions_go_when_asked(
    make: Any, tmp_path: Path
) -> None:
    first, second = make("1", 41), make("2.rc", 42)
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "--quiet", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    install = [*uv, "pip", "install", "--quiet", "--python", python]
    subprocess.run([*install, "pip", first], check=True)
    code = f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parents[3])!r})
        from importlib.metadata import version
        from tg.common.delivery.delivery import install_package_and_get_loader
        loader = install_package_and_get_loader({str(second)!r}, silent=True)
        print(loader.load_resource("job").run(), version("answer-1"))
        loader = install_package_and_get_loader(
            {str(second)!r}, try_uninstall_existing=True, silent=True
        )
        try:
            version("answer-1")
        except ImportError:
            print(loader.load_resource("job").run(), "alone")
    """
    subprocess.run([*install, "packaging", "pathspec", "isal"], check=True)
    done = subprocess.run(
        [python, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": ""},
        check=False,
    )
    assert done.stdout.splitlines() == ["42 1", "42 alone"], done.stderr


def test_what_is_no_package_is_refused_before_pip_sees_it(tmp_path: Path) -> None:
    path = tmp_path / "x.tar.gz"
    path.write_bytes(b"not an archive")
    with pytest.raises(ArchiveError, match=r"x\.tar\.gz"):
        install_package_and_get_loader(path)


@pytest.mark.slow
def test_a_failure_of_pip_is_an_error_with_its_output(make: Any, tmp_path: Path) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("")
    with pytest.raises(CommandError) as caught:
        install_package_and_get_loader(make("3", 1), silent=True, target=blocked / "below")
    assert caught.value.exit_code not in (0, None)
    assert caught.value.output
