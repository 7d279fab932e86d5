from __future__ import annotations

import importlib
import os
import shutil
import signal
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from tiny_images import TinyImages

from tg.common import Loc

pytest.register_assert_rewrite("executor_suite")

# what is done about tests marked `docker`: tests/engine/pytest_engine.py
pytest_plugins = ["pytest_engine"]

# how long an example takes says how busy the machine is, and nothing of the code
settings.register_profile("unhurried", settings(), deadline=None)
settings.load_profile("unhurried")


def pytest_configure() -> None:
    """Let Ctrl-C be what it is to a user also where tests run side by side, which ignores it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what takes minutes, unless it is asked for by ``-m``."""
    if "soak" in config.option.markexpr:
        return
    left_out = [item for item in items if item.get_closest_marker("soak")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("soak")]


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[TinyImages]:
    """Make images of a few bytes, for tests marked ``docker``."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    with TinyImages(folder) as images:
        yield images


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep environments and unpacked packages of a test session out of the user's cache."""
    before = os.environ.get("TG_CACHE")
    os.environ["TG_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    yield
    if before is None:
        del os.environ["TG_CACHE"]
    else:
        os.environ["TG_CACHE"] = before


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A user's project: its root is the working directory and stands in ``sys.path``."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "pyproject.toml").write_text("")
    monkeypatch.delenv("TG_ROOT", raising=False)
    monkeypatch.chdir(root)
    monkeypatch.syspath_prepend(root)
    known = set(sys.modules)
    yield root
    for name in set(sys.modules) - known:
        module_file = getattr(sys.modules[name], "__file__", None) or ""
        if module_file.startswith((str(root), str(Loc.user_cache_path))):
            del sys.modules[name]


@pytest.fixture
def write_files(project: Path) -> Callable[[Mapping[str, str]], None]:
    """Write source files of the user's project; modules that were imported are forgotten."""

    def write(files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = project / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text), encoding="utf-8")
            # compiled code of the same second and size would be taken for that of the new file
            shutil.rmtree(path.parent / "__pycache__", ignore_errors=True)
        tops = {name.split("/")[0].removesuffix(".py") for name in files}
        for module in [m for m in sys.modules if m.partition(".")[0] in tops]:
            del sys.modules[module]
        importlib.invalidate_caches()

    return write


@pytest.fixture
def opened() -> Iterator[list[str]]:
    """The files that are opened, as the interpreter's own audit tells them."""
    names: list[str] = []
    is_over: list[bool] = []

    def note(event: str, args: tuple[Any, ...]) -> None:
        if event == "open" and not is_over:
            names.append(str(args[0]))

    sys.addaudithook(note)  # cannot be removed
    yield names
    is_over.append(True)
