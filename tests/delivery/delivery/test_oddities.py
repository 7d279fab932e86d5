"""Odd projects and odd values that users have."""

from __future__ import annotations

import functools
import io
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tg.common import Loc, errors
from tg.common.delivery.delivery import Packaging, load_package
from tg.common.delivery.delivery.payload import pickle_payload
from tg.common.delivery.runtime.unpickling import unpickle

Write = Callable[[dict[str, str]], None]


def make(name: str, payload: Any) -> Any:
    packaging = Packaging(name, "1", {"job": payload})
    packaging.silent = True
    return packaging.make_package()


def test_a_project_that_is_a_package_does_not_swallow_its_own_results(
    project: Path, write_files: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files({"__init__.py": "", "work.py": "class Job: pass\n", "env/pyvenv.cfg": ""})
    write_files({"env/lib/huge.py": ""})
    monkeypatch.syspath_prepend(project.parent)
    for folder in (Loc.temp_path, Loc.data_cache_path):
        folder.mkdir()
        (folder / "big.bin").write_bytes(b"x" * 1000)
    import importlib

    job = importlib.import_module(f"{project.name}.work").Job()
    files = make("Whole", job).report.files
    assert f"{project.name}/work.py" in files
    assert not [name for name in files if "big.bin" in name or "huge" in name]
    del sys.modules[project.name]


def test_a_module_that_is_not_below_its_package_is_named(write_files: Write) -> None:
    write_files(
        {
            "core/__init__.py": "__path__.append(__path__[0] + '/../extra')",
            "core/job.py": "import core.far\nclass Job: pass\n",
            "extra/far.py": "",
        }
    )
    import core.job

    with pytest.raises(errors.SourceError, match=r"core\.far.*out of reach"):
        make("Far", core.job.Job())


def test_a_path_in_sys_path_and_a_proxy_that_is_not_bound_do_no_harm(
    write_files: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(
        {
            "web.py": """
                class Proxy:
                    def __call__(self): pass
                    def __getattribute__(self, name):
                        raise RuntimeError("outside of a request")

                request = Proxy()

                class Job: pass
            """
        }
    )
    monkeypatch.setattr(sys, "path", [*sys.path, tmp_path])
    import web

    make("Web", web.Job())


def test_an_open_file_does_not_travel(tmp_path: Path) -> None:
    (tmp_path / "server.pem").write_text("hush")
    with (tmp_path / "server.pem").open() as file:
        for value in (file, io.BytesIO(b"hush")):
            with pytest.raises(errors.UnpicklableError) as caught:
                pickle_payload({"job": {"key": value}})
            assert caught.value.path == "job.key"


class Node:
    def __init__(self, parent: Node | None = None) -> None:
        self.parent = parent
        self.children: set[Node] = set()
        if parent:
            parent.children.add(self)


def test_sets_that_lead_back_and_deep_values_travel() -> None:
    root = Node()
    for _ in range(3):
        Node(Node(root))
    back = unpickle(pickle_payload(root).data)
    assert len(back.children) == 3
    assert all(child.parent is back for child in back.children)
    nested: Any = frozenset()
    deep: Any = []
    for _ in range(40):
        nested = frozenset({nested, "x"})
    for _ in range(1000):
        deep = [deep]
    assert unpickle(pickle_payload(nested).data) == nested
    assert unpickle(pickle_payload(deep).data) is not None


SCRIPT = """
    import functools
    from tg.common.delivery.delivery.payload import pickle_payload
    from tg.common.delivery.runtime.unpickling import unpickle

    @functools.lru_cache(maxsize=7)
    def double(x):
        return 2 * x

    class Config:
        kind = "top"

    class Model:
        class Config:
            kind = "nested"

        @functools.cached_property
        def slow(self):
            return double(4)

    def local():
        class Config:
            kind = "local"
        return Config()

    value = [double, Model(), Model.Config(), Config(), local()]
    for live in (True, False):
        double2, model, nested, top, inner = unpickle(pickle_payload(value).data, live=live)
        print(double2(3), double2.cache_parameters()["maxsize"], model.slow,
              nested.kind, top.kind, inner.kind)
"""


def test_what_hides_a_function_of_the_notebook_travels_by_value(project: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SCRIPT)], capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == ["6 7 8 nested top local"] * 2, done.stderr


def test_relative_imports_in_a_module_that_runs_as_a_script_travel(
    project: Path, write_files: Write
) -> None:
    write_files(
        {
            "shop/__init__.py": "",
            "shop/helper.py": "ANSWER = 42",
            "shop/train.py": """
                from tg.common.delivery.delivery import Packaging, load_package

                class Job:
                    def run(self):
                        from .helper import ANSWER
                        return ANSWER

                packaging = Packaging("Script", "1", {"job": Job()})
                packaging.silent = True
                package = packaging.make_package()
                print(package.manifest.travellers)
                print(load_package(package.path).load_resource("job").run())
            """,
        }
    )
    done = subprocess.run(
        [sys.executable, "-m", "shop.train"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines() == ["('shop', 'tg')", "42"], done.stderr


def test_byte_code_of_another_python_is_refused_before_it_runs() -> None:
    payload = pickle_payload({"f": lambda x: x, "n": functools.partial(int, "3")}).data
    with pytest.raises(errors.PythonVersionError, match=r"3\.99"):
        unpickle(payload, python="3.99.1")
    by_name = pickle_payload({"n": functools.partial(int, "3")}).data
    assert unpickle(by_name, python="3.99.1")["n"]() == 3


def test_a_damaged_pickle_is_told() -> None:
    data = pickle_payload({"a": [1, 2, 3]}).data
    for damaged in (data[:-3], b"", b"\x80\x05garbage"):
        with pytest.raises(errors.ResultError, match="cannot be opened"):
            unpickle(damaged)


def test_a_package_whose_module_is_not_in_it_is_refused(write_files: Write, tmp_path: Path) -> None:
    import tarfile

    write_files({"one.py": "class Job: pass\n"})
    import one

    package = make("Here", one.Job())
    target = tmp_path / "other.tar.gz"
    with tarfile.open(package.path) as old, tarfile.open(target, "w:gz") as new:
        for member in old:
            stream = old.extractfile(member)
            member.name = member.name.replace("Here__1/", "There__1/")
            new.addfile(member, stream)
    with pytest.raises(errors.FormatError):
        load_package(target)
