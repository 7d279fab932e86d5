from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import tarfile
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tg
from tg.common._core.errors import (
    ArchiveError,
    DependencyError,
    NamingError,
    PackagingError,
    ProtocolError,
    PythonVersionError,
    ResultError,
    SourceError,
    UnpicklableError,
)
from tg.common.delivery.delivery import DependencyList, Packaging, load_package

Write = Callable[[dict[str, str]], None]

SHOP = {
    "shop/__init__.py": "",
    "shop/job.py": """
        import shop.prices
        from shop.prices import double

        class Job:
            def run(self):
                return double(shop.prices.TEA)
    """,
    "shop/prices.py": "TEA = 4\n\ndef double(x):\n    return 2 * x\n",
}


def job_of_the_shop() -> Any:
    import shop.job

    return shop.job.Job()


def names_in(path: Path) -> list[str]:
    with tarfile.open(path) as archive:
        return [name.partition("/")[2] for name in archive.getnames()]


@pytest.fixture
def shop(write_files: Write) -> None:
    write_files(SHOP)


@pytest.mark.usefixtures("shop")
def test_a_package_runs_renamed_and_beside_todays_code(write_files: Write) -> None:
    package = Packaging("Tea", "1", {"job": job_of_the_shop()}).make_package()
    write_files({"shop/prices.py": SHOP["shop/prices.py"].replace("4", "5")})
    loaded = load_package(package.path)
    assert loaded.module_name == "Tea__1"
    assert loaded.load_resource("job").run() == 8
    assert job_of_the_shop().run() == 10
    assert loaded.properties["tg_import_path"] == "Tea__1.tg"
    with pytest.raises(ResultError, match="'jobs'"):
        loaded.load_resource("jobs")


@pytest.mark.usefixtures("shop")
def test_two_versions_of_one_class_answer_differently_in_one_process(write_files: Write) -> None:
    paths = []
    for price in ("4", "5"):
        write_files({"shop/prices.py": SHOP["shop/prices.py"].replace("4", price)})
        paths.append(Packaging("Tea", None, {"job": job_of_the_shop()}).make_package().path)
    jobs = [load_package(path).load_resource("job") for path in (*paths, *paths)]
    assert [job.run() for job in jobs] == [8, 10, 8, 10]
    assert type(jobs[0]) is type(jobs[2])
    assert type(jobs[0]) is not type(jobs[1])


@pytest.mark.usefixtures("shop")
def test_one_explicit_version_with_other_content_gets_a_root_of_its_own(write_files: Write) -> None:
    first = load_package(Packaging("Coffee", "0", {"job": job_of_the_shop()}).make_package().path)
    write_files({"shop/prices.py": SHOP["shop/prices.py"].replace("4", "7")})
    second = load_package(Packaging("Coffee", "0", {"job": job_of_the_shop()}).make_package().path)
    assert first.load_resource().run() == 8
    assert second.load_resource().run() == 14
    assert first.module_name == "Coffee__0"
    assert second.module_name.startswith("Coffee__0__")


@pytest.mark.usefixtures("shop")
def test_the_same_code_is_the_same_file_and_an_edit_is_another_version(write_files: Write) -> None:
    def make() -> tuple[str, bytes]:
        package = Packaging("Tea", None, {"job": job_of_the_shop()}).make_package()
        return package.manifest.version, package.path.read_bytes()

    version, data = make()
    write_files(SHOP)  # other times, same content
    assert make() == (version, data)
    write_files({"shop/prices.py": SHOP["shop/prices.py"].replace("4", "5")})
    assert make()[0] != version


@pytest.mark.usefixtures("shop")
def test_an_unchanged_package_is_found_and_a_changed_one_is_made(
    project: Path, write_files: Write
) -> None:
    # whoever imports one of our modules first makes this, which is a change of its folder
    for module in Path(str(tg.__file__)).parent.rglob("*.py"):
        (module.parent / "__pycache__").mkdir(exist_ok=True)
    packaging = Packaging("Tea", None, {"job": job_of_the_shop()})
    first = packaging.make_package()
    written = first.path.stat().st_mtime_ns
    assert packaging.make_package() is first
    assert first.path.stat().st_mtime_ns == written
    (project / "shop" / "new.py").write_text("")  # a new file in a folder that was looked into
    second = packaging.make_package()
    assert second.manifest.version != first.manifest.version
    # the same size at the same time as before: only the content tells
    prices = project / "shop" / "prices.py"
    prices.write_text(prices.read_text().replace("4", "6"))
    third = packaging.make_package()
    assert third.manifest.version != second.manifest.version
    third.path.unlink()
    assert packaging.make_package().path.is_file()


def test_tgraph_is_never_taken_for_tg(write_files: Write) -> None:
    write_files(
        {
            "tgraph.py": "def name():\n    return __name__\n",
            "user.py": """
                import tgraph
                import tg.common.contract.run_state as states

                class Job:
                    def run(self):
                        return tgraph.name(), states.__name__
            """,
        }
    )
    import user

    loaded = load_package(Packaging("Graph", "1", {"job": user.Job()}).make_package().path)
    assert loaded.load_resource().run() == (
        "Graph__1.tgraph",
        "Graph__1.tg.common.contract.run_state",
    )


def test_modules_come_along_however_they_are_reached(write_files: Write) -> None:
    write_files(
        {
            "app/__init__.py": "",
            "app/main.py": """
                import importlib

                from . import lazy

                plugin = importlib.import_module("by" + "_name")

                class Job:
                    model = "models:Model"

                    def run(self):
                        late = importlib.import_module("literal.deep")
                        return plugin.X + late.X + lazy.load()
            """,
            "app/lazy.py": "def load():\n    import inner\n    return inner.X\n",
            "by_name.py": "X = 1",
            "literal/__init__.py": "",
            "literal/deep.py": "X = 10",
            "inner.py": "X = 100",
            "models.py": "class Model: pass",
            "unrelated.py": "",
        }
    )
    import app.main

    package = Packaging("Reach", "1", {"job": (app.main.Job(), "models:Model")}).make_package()
    assert package.manifest.travellers == ("app", "by_name", "inner", "literal", "models", "tg")


def test_what_a_package_takes_on_first_use_is_reached(write_files: Write) -> None:
    write_files(
        {
            "lazy/__init__.py": """
                from typing import TYPE_CHECKING

                if TYPE_CHECKING:
                    from .inner import Thing as Thing

                def __getattr__(name):
                    from importlib import import_module
                    return getattr(import_module(".inner", __name__), name)
            """,
            "lazy/inner.py": "import sklearn.svm\nclass Thing: pass\n",
            "user.py": """
                from lazy import Thing
                from tg.common.delivery.sagemaker import SagemakerRoutine

                class Job:
                    def run(self):
                        return SagemakerRoutine.__name__, Thing.__name__
            """,
        }
    )
    import user

    package = Packaging("Lazy", "1", {"job": user.Job()}).make_package()
    names = {pin.partition("==")[0] for pin in package.manifest.requirements}
    # a module that also submits trainings takes along what that needs
    assert {"scikit-learn", "packaging", "pathspec"} <= names
    assert load_package(package.path).load_resource().run() == ("SagemakerRoutine", "Thing")


def test_dependencies_are_inferred_and_pinned(write_files: Write) -> None:
    write_files(
        {
            "user.py": """
                import json
                import sklearn.linear_model

                try:
                    import yaml_that_is_not_here
                except ImportError:
                    pass

                class Job:
                    pass
            """
        }
    )
    import user

    package = Packaging("Deps", "1", {"job": user.Job()}).make_package()
    names = [pin.partition("==")[0] for pin in package.manifest.requirements]
    assert names == ["cloudpickle", "jsonpickle", "scikit-learn"]
    assert all("==" in pin for pin in package.manifest.lock)
    assert {"numpy", "scipy"} <= {pin.partition("==")[0] for pin in package.manifest.lock}
    assert package.report.missing == ("yaml_that_is_not_here",)


@pytest.mark.usefixtures("shop")
def test_a_dependency_list_counts_and_the_runtimes_needs_are_added() -> None:
    packaging = Packaging("Tea", "1", {"job": job_of_the_shop()})
    packaging.dependencies = [DependencyList("training", ["packaging"])]
    requirements = packaging.make_package().manifest.requirements
    assert [text.partition("==")[0] for text in requirements] == [
        "cloudpickle",
        "jsonpickle",
        "packaging",
    ]
    assert packaging.make_package().manifest.lock_is_complete
    with pytest.raises(DependencyError, match="training"):
        DependencyList("training", ["no such requirement!"])
    packaging.dependencies = [DependencyList("training", ["not-installed-here==1"])]
    manifest = packaging.make_package().manifest
    assert "not-installed-here==1" in manifest.lock
    assert not manifest.lock_is_complete


def test_secrets_stay_and_the_report_says_so(
    write_files: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    write_files({**SHOP, "shop/.env": "KEY=hush", "shop/data/prices.csv": "tea,4"})
    package = Packaging("Tea", "1", {"job": job_of_the_shop()}).make_package()
    assert "Tea__1/shop/data/prices.csv" in names_in(package.path)
    assert not any(name.endswith(".env") for name in names_in(package.path))
    printed = capsys.readouterr().out
    assert "left out: shop/.env (looks like a secret)" in printed
    assert "shop: 4 files" in printed
    assert printed == f"{package.report}\n"


def test_a_needed_module_that_stays_at_home_is_an_error_before_it_hurts(
    project: Path, write_files: Write
) -> None:
    (project / ".git").mkdir()
    write_files({**SHOP, ".gitignore": "prices.py\n"})
    packaging = Packaging("Tea", "1", {"job": job_of_the_shop()})
    with pytest.raises(SourceError, match=r"shop/prices\.py is needed.*gitignore"):
        packaging.make_package()
    packaging.include = ["shop/prices.py"]
    assert load_package(packaging.make_package().path).load_resource().run() == 8


def test_a_relative_import_out_of_its_package_is_named(write_files: Write) -> None:
    write_files({**SHOP, "shop/bad.py": "\nfrom ..other import x\n"})
    with pytest.raises(SourceError, match=r"bad\.py:2"):
        Packaging("Tea", "1", {"job": job_of_the_shop()}).make_package()


def test_a_broken_file_matters_only_if_it_is_reached(write_files: Write) -> None:
    write_files({**SHOP, "shop/python2.py": "print 'old'\nimport os; import shop\n"})
    Packaging("Tea", "1", {"job": job_of_the_shop()}).make_package()


def test_a_class_whose_source_is_out_of_reach_is_named() -> None:
    import types

    module = types.ModuleType("made_by_hand")
    exec("class Job:\n    pass", module.__dict__)
    sys.modules["made_by_hand"] = module
    try:
        with pytest.raises(SourceError, match="made_by_hand"):
            Packaging("Tea", "1", {"job": module.Job()}).make_package()
    finally:
        del sys.modules["made_by_hand"]


def test_an_unpicklable_payload_names_the_attribute_and_writes_nothing(project: Path) -> None:
    with pytest.raises(UnpicklableError, match=r"job\.lock"):
        Packaging("Tea", "1", {"job": {"lock": threading.Lock()}}).make_package()
    assert not (project / "temp").exists()


@pytest.mark.parametrize(("name", "version"), [("a-b", "1"), ("Tea", "1/0"), ("", None)])
def test_illegal_names_are_refused_at_once(name: str, version: str | None) -> None:
    with pytest.raises(NamingError):
        Packaging(name, version, {"job": 1})


def tampered(package: Path, target: Path, **changes: Any) -> Path:
    """Write a package again with another manifest."""
    with tarfile.open(package) as old, tarfile.open(target, "w:gz") as new:
        for member in old:
            stream = old.extractfile(member)
            if member.name.endswith("/resources/manifest.json") and stream:
                data = json.dumps({**json.load(stream), **changes}).encode()
                member.size = len(data)
                import io

                stream = io.BytesIO(data)
            new.addfile(member, stream)
    return target


@pytest.mark.usefixtures("shop")
def test_packages_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    path = Packaging("Tea", "9", {"job": job_of_the_shop()}).make_package().path
    with pytest.raises(ProtocolError, match="99"):
        load_package(tampered(path, tmp_path / "a.tar.gz", protocol=99))
    other = tampered(path, tmp_path / "b.tar.gz", python="3.99")
    with pytest.raises(PythonVersionError, match=r"3\.99"):
        load_package(other)
    assert load_package(other, any_python=True).load_resource().run() == 8
    cut = tmp_path / "c.tar.gz"
    cut.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ArchiveError):
        load_package(cut)
    with pytest.raises(ArchiveError, match="nowhere"):
        load_package(tmp_path / "nowhere.tar.gz")
    empty = tmp_path / "d.tar.gz"
    with tarfile.open(empty, "w:gz"):
        pass
    with pytest.raises(ArchiveError, match="no package"):
        load_package(empty)


@pytest.mark.usefixtures("shop")
def test_two_builds_at_once_do_not_meet(project: Path) -> None:
    code = """
        import shop.job
        from tg.common.delivery.delivery import Packaging
        for _ in range(5):
            packaging = Packaging("Tea", "0", {"job": shop.job.Job()})
            packaging.silent = True
            print(packaging.make_package().path)
    """
    start = [sys.executable, "-c", textwrap.dedent(code)]
    env = {**os.environ, "PYTHONPATH": str(project)}
    both = [
        subprocess.Popen(start, cwd=project, env=env, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    paths = {line for child in both for line in child.communicate()[0].split()}
    assert [child.returncode for child in both] == [0, 0]
    assert len(paths) == 1
    assert load_package(paths.pop()).load_resource().run() == 8
    assert len(list((project / "temp" / "packages").iterdir())) == 1


@pytest.mark.usefixtures("shop")
def test_a_full_disk_leaves_the_old_package_whole(project: Path) -> None:
    package = Packaging("Tea", "0", {"job": job_of_the_shop()}).make_package()
    before = hashlib.sha256(package.path.read_bytes()).hexdigest()
    code = """
        import resource
        import shop.job
        from tg.common._core.errors import PackagingError
        from tg.common.delivery.delivery import Packaging
        import signal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        try:
            Packaging("Tea", "0", {"job": shop.job.Job(), "more": 1}).make_package()
        except PackagingError as exc:
            print(exc)
    """
    env = {**os.environ, "PYTHONPATH": str(project), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=project,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "cannot be written" in done.stdout, done.stderr
    assert hashlib.sha256(package.path.read_bytes()).hexdigest() == before
    assert [path.name for path in package.path.parent.iterdir()] == [package.path.name]


@pytest.mark.usefixtures("shop")
def test_kill_9_while_packaging_leaves_the_old_package_whole(project: Path) -> None:
    package = Packaging("Tea", "0", {"job": job_of_the_shop()}).make_package()
    before = package.path.read_bytes()
    code = """
        import shop.job
        from tg.common.delivery.delivery import Packaging
        print("ready", flush=True)
        number = 0
        while True:
            number += 1
            packaging = Packaging("Tea", "0", {"job": shop.job.Job(), "number": number})
            packaging.silent = True
            packaging.make_package()
    """
    env = {**os.environ, "PYTHONPATH": str(project)}
    for delay in (0.05, 0.11, 0.17, 0.23):
        child = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code)],
            cwd=project,
            env=env,
            stdout=subprocess.PIPE,
        )
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(delay)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        assert load_package(package.path).load_resource().run() == 8
    package.path.unlink()
    again = Packaging("Tea", "0", {"job": job_of_the_shop()}).make_package()
    assert again.path.read_bytes() == before


@pytest.mark.usefixtures("shop")
def test_a_users_file_cannot_replace_the_payload(write_files: Write) -> None:
    write_files({"resources/__init__.py": "X = 1", "resources/payload.pkl": "mine"})
    import resources

    class Job:
        def run(self) -> Any:
            return resources.X

    with pytest.raises(PackagingError, match="payload"):
        Packaging("Tea", "1", {"job": Job()}).make_package()
