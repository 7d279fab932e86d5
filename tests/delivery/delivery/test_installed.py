"""What a user would lose: a container without a library, or with one that is not what runs here."""

import json
import os
import subprocess
import sys
import types
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tg.common._core.errors import DependencyError
from tg.common.delivery.delivery.distribution import InstalledDistribution
from tg.common.delivery.delivery.distribution_index import DistributionIndex
from tg.common.delivery.delivery.installed import infer, lock_hash, lock_of, unmet
from tg.common.delivery.delivery.module_origin import (
    OriginKind,
    is_site_packages,
    is_standard_library,
    origin,
)


class Site:
    """A folder of installed libraries."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, name, version="1.0", *, files=(), requires=(), extra_files=None, record=True):
        info = self.folder / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        lines = [f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {r}" for r in requires)]
        text = "\n".join(["Metadata-Version: 2.1", *lines, "", "Version: 9 in the description"])
        (info / "METADATA").write_text(text)
        for file in files:
            path = self.folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("")
        if record:
            (info / "RECORD").write_text("".join(f"{file},,\n" for file in files))
        for file, content in (extra_files or {}).items():
            (info / file).write_text(content if isinstance(content, str) else json.dumps(content))
        return info


@pytest.fixture
def site(tmp_path, monkeypatch):
    made = Site(tmp_path / "env" / "site-packages")
    monkeypatch.syspath_prepend(made.folder)
    return made


def make_old(folder):
    """Let the next change of a folder be another moment to a clock that ticks in milliseconds."""
    os.utime(folder, (1, 1))


def infer_here(*names):
    return infer(names, DistributionIndex())


def test_names_that_differ_from_their_distributions_are_found_in_this_environment():
    inference = infer_here("sklearn", "yaml", "PIL", "dateutil.parser", "pandas", "json", "sys")
    assert dict(inference.providers) == {
        "PIL": ("pillow",),
        "dateutil.parser": ("python-dateutil",),
        "pandas": ("pandas",),
        "sklearn": ("scikit-learn",),
        "yaml": ("pyyaml",),
    }
    import pandas

    assert f"pandas=={pandas.__version__}" in inference.requirements
    assert (inference.local, inference.missing, inference.unclaimed) == ((), (), ())


def test_the_standard_library_agrees_on_every_module_that_is_installed_here():
    theirs = {
        name: {owner.lower().replace("_", "-").replace(".", "-") for owner in owners}
        for name, owners in packages_distributions().items()
        if name.isidentifier() and origin(name).kind is OriginKind.INSTALLED
    }
    ours = infer_here(*theirs).providers
    assert len(theirs) > 50
    differing = {
        name: (set(ours.get(name, ())), owners)
        for name, owners in theirs.items()
        if not ours.get(name) or not set(ours[name]) <= owners
    }
    # data folders of jupyter and empty namespaces have no module file of one owner
    assert not differing


def test_ten_names_are_found_faster_than_by_the_standard_library():
    code = """
import time, sys, packaging.requirements
from tg.common.delivery.delivery.installed import infer
import importlib.metadata, csv, email.parser
names = "sklearn pandas yaml numpy PIL dateutil dotenv tqdm cloudpickle jsonpickle".split()
a = time.process_time(); infer(names); b = time.process_time()  # without that of others
importlib.metadata.packages_distributions(); c = time.process_time()
print((c - b) / (b - a))
"""
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert float(output) > 2


def test_a_namespace_package_is_told_apart_by_the_dotted_name(site):
    site.add("planet-cloud-storage", "2.0", files=["planet/cloud/storage/__init__.py"])
    site.add("planet-cloud-bigquery", "3.0", files=["planet/cloud/bigquery/__init__.py"])
    site.add("planetbuf", "4.0", files=["planet/planetbuf/__init__.py", "planet/planetbuf/any.py"])
    assert infer_here("planet.cloud.storage.blob").requirements == ("planet-cloud-storage==2.0",)
    assert infer_here("planet.planetbuf.any").requirements == ("planetbuf==4.0",)
    assert infer_here("planet").requirements == (
        "planet-cloud-bigquery==3.0",
        "planet-cloud-storage==2.0",
        "planetbuf==4.0",
    )


def test_old_layouts_and_stripped_records_are_understood(site):
    for name in ("one.py", "two.py", "three.py"):
        (site.folder / name).write_text("")
    egg = site.folder / "Number_One-1.0-py3.11.egg-info"
    egg.mkdir()
    (egg / "PKG-INFO").write_text("Name: Number-One\nVersion: 1.0\n")
    (egg / "installed-files.txt").write_text("../one.py\nPKG-INFO\n")
    (egg / "requires.txt").write_text("three\n\n[fast]\ntwo-lib\n")
    site.add("two-lib", record=False, extra_files={"top_level.txt": "two\n"})
    (site.folder / "three-3.0.egg-info").write_text("Name: three\nVersion: 3.0\n")
    found = infer_here("one", "two", "three")
    assert found.requirements == ("number-one==1.0", "three==3.0", "two-lib==1.0")
    index = DistributionIndex()
    assert lock_of(["number-one"], index=index) == ("number-one==1.0", "three==3.0")
    assert lock_of(["number-one[fast]"], index=index) == (
        "number-one==1.0",
        "three==3.0",
        "two-lib==1.0",
    )


def test_what_is_not_here_is_reported_and_not_raised(site):
    (site.folder / "copied_by_hand.py").write_text("")
    found = infer_here("no_such_module.x", "copied_by_hand", "numpy")
    assert found.missing == ("no_such_module",)
    assert found.unclaimed == ("copied_by_hand",)


def test_an_installation_after_the_first_question_is_noticed(site):
    make_old(site.folder)
    index = DistributionIndex()
    assert infer(["late_module"], index).missing == ("late_module",)
    site.add("late-library", "1.5", files=["late_module.py"])
    assert infer(["late_module"], index).requirements == ("late-library==1.5",)


def test_a_local_version_is_kept_as_it_is(site):
    site.add("torchlike", "2.13.0+cpu", files=["torchlike/__init__.py"])
    assert infer_here("torchlike").requirements == ("torchlike==2.13.0+cpu",)
    index = DistributionIndex()
    assert lock_of(["torchlike"], index=index) == ("torchlike==2.13.0+cpu",)
    assert lock_of(["torchlike==2.13.0"], index=index) == ("torchlike==2.13.0",)


VCS = {
    "url": "https://me:s3cret@example.org/mine.git",
    "vcs_info": {"vcs": "git", "commit_id": "abc123"},
    "subdirectory": "python",
}
ARCHIVE = {
    "url": "https://s3cret@example.org/mine-1.0.whl",
    "archive_info": {"hashes": {"sha256": "00ff"}},
}


@pytest.mark.parametrize(
    ("direct_url", "requirement"),
    [
        (VCS, "mine @ git+https://example.org/mine.git@abc123#subdirectory=python"),
        (ARCHIVE, "mine @ https://example.org/mine-1.0.whl#sha256=00ff"),
        (
            {"url": "ssh://git@example.org/mine.git", "vcs_info": {"vcs": "git", "commit_id": "a"}},
            "mine @ git+ssh://git@example.org/mine.git@a",
        ),
    ],
)
def test_what_came_from_a_url_is_installed_from_it_again_without_credentials(
    site, direct_url, requirement
):
    site.add("mine", files=["mine.py"], extra_files={"direct_url.json": direct_url})
    assert infer_here("mine").requirements == (requirement,)
    assert lock_of(["mine"], index=DistributionIndex()) == (requirement,)
    assert lock_of([requirement], index=DistributionIndex()) == (requirement,)


@pytest.mark.parametrize(
    ("direct_url", "what"),
    [
        ({"url": "file:///home/me/mine-1.0.whl", "archive_info": {}}, "pip install -e"),
        ({"url": "file:///home/me/mine", "dir_info": {}}, "pip install -e"),
        ({"url": "https://example.org/m.whl?sig=s3cret", "archive_info": {}}, "credentials"),
        ("{", "direct_url.json is no JSON"),
    ],
)
def test_what_no_other_machine_can_get_is_an_error_with_a_way_out(site, direct_url, what):
    site.add("mine", files=["mine.py"], extra_files={"direct_url.json": direct_url})
    with pytest.raises(DependencyError, match=what) as caught:
        infer_here("mine")
    assert "s3cret" not in str(caught.value)


def test_a_dependency_list_overrides_what_no_other_machine_can_get(site):
    site.add("mine", extra_files={"direct_url.json": {"url": "file:///home/me", "dir_info": {}}})
    site.add("user", requires=["mine"])
    index = DistributionIndex()
    with pytest.raises(DependencyError, match="file:///home/me"):
        lock_of(["user"], index=index)
    assert lock_of(["user", "mine==1.0"], index=index) == ("mine==1.0", "user==1.0")


def test_what_conda_built_is_pinned_and_not_looked_for_on_the_builders_machine(site):
    direct_url = {"url": "file:///croot/mine_1/work", "dir_info": {}}
    site.add(
        "mine",
        files=["mine.py"],
        extra_files={"direct_url.json": direct_url, "INSTALLER": "conda\n"},
    )
    assert infer_here("mine").requirements == ("mine==1.0",)


def test_an_editable_install_travels_and_its_requirements_are_locked(site):
    direct_url = {"url": "file:///home/me/mine", "dir_info": {"editable": True}}
    site.add("mine", requires=["six-like>=1"], extra_files={"direct_url.json": direct_url})
    site.add("six-like", "1.2")
    assert lock_of(["mine"], index=DistributionIndex()) == ("six-like==1.2",)


@pytest.mark.parametrize("missing", ["Name", "Version"])
def test_broken_metadata_name_the_library_and_the_repair(site, missing):
    info = site.add("mine", files=["mine.py"])
    text = (info / "METADATA").read_text()
    (info / "METADATA").write_text(text.replace(f"\n{missing}: ", f"\nX-{missing}: ", 1))
    with pytest.raises(
        DependencyError, match=rf"'mine' is broken: .* no {missing}.*force-reinstall"
    ):
        infer_here("mine")


def test_an_installation_without_metadata_is_a_typed_error(site):
    info = site.add("mine", files=["mine.py"])
    (info / "METADATA").unlink()
    with pytest.raises(DependencyError, match="METADATA cannot be read"):
        infer_here("mine")


def test_two_versions_in_one_folder_are_a_typed_error(site):
    site.add("mine", "1.0")
    site.add("mine", "2.0")
    with pytest.raises(DependencyError, match="installed twice"):
        lock_of(["mine"], index=DistributionIndex())


def test_what_pip_was_removing_when_it_was_killed_is_not_there(site):
    (site.folder / "~ine-1.0.dist-info").mkdir()
    site.add("mine", files=["mine.py"])
    assert infer_here("mine").requirements == ("mine==1.0",)


def test_the_lock_holds_all_that_is_needed_here_and_nothing_else(site):
    site.add(
        "top-lib",
        requires=[
            "middle>=1",
            'windows-only; sys_platform == "win32"',
            'for-extra; extra == "speed"',
            "for-extra-here; (python_version >= '3') and extra == 'speed'",
            'either; python_version >= "3" or extra == "speed"',
            "not-installed-here",
        ],
    )
    site.add("middle", "1.5", requires=["Bottom.Lib", "top_lib"])
    for name in ("bottom-lib", "windows-only", "for-extra", "for-extra-here", "either", "alien"):
        site.add(name)
    index = DistributionIndex()
    plain = ("bottom-lib==1.0", "either==1.0", "middle==1.5", "top-lib==1.0")
    assert lock_of(["top-lib"], index=index) == plain
    assert lock_of(["Top_Lib[speed]", "alien; sys_platform == 'win32'"], index=index) == tuple(
        sorted([*plain, "for-extra==1.0", "for-extra-here==1.0"])
    )
    assert lock_of(["top-lib"], travelling=["Top-Lib"], index=index) == plain[:3]


def test_the_lock_of_a_real_library_is_complete():
    lock = lock_of(["pandas", "scikit-learn"])
    names = {pin.partition("==")[0] for pin in lock}
    assert {"pandas", "scikit-learn", "numpy", "scipy", "joblib", "threadpoolctl"} <= names
    assert list(lock) == sorted(lock)
    assert "pytest" not in names


def test_a_requirement_that_is_not_met_here_is_an_error_unless_asked_for(site):
    site.add("mine", "1.0", requires=["below"])
    site.add("below")
    index = DistributionIndex()
    asked = ["mine==2.0", "absent-library>=3"]
    assert unmet([*asked, "below"], index) == tuple(asked)
    with pytest.raises(DependencyError, match=r"'mine==2\.0' is asked for, but 1\.0 is installed"):
        lock_of(asked, index=index)
    assert lock_of(asked, strict=False, index=index) == ("absent-library>=3", "mine==2.0")


def test_the_hash_of_a_lock_tells_locks_apart():
    assert lock_hash(["a==1", "b==2"]) == lock_hash(["b==2", "a==1"])
    assert lock_hash(["a==1"]) != lock_hash(["a==1", "b==2"])
    assert len(lock_hash([])) == 64


def test_the_first_of_two_folders_wins_as_it_does_for_imports(tmp_path):
    first, second = Site(tmp_path / "a" / "site-packages"), Site(tmp_path / "b" / "site-packages")
    second.add("mine", "2.0")
    make_old(first.folder)
    index = DistributionIndex([str(first.folder), str(second.folder), str(tmp_path / "absent")])
    assert index.find("mine").version == "2.0"
    first.add("mine", "1.0")
    assert index.find("mine").version == "1.0"


def test_a_header_of_several_lines_is_read_whole(tmp_path):
    info = tmp_path / "mine-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_bytes(
        b"Name: mine\r\nVersion: 1.0\r\nRequires-Dist: six;\r\n  python_version > '3'\r\n\r\nText"
    )
    assert InstalledDistribution.read(info).requires[0].startswith("six;")


def test_every_kind_of_module_is_told_apart(site, tmp_path, monkeypatch):
    project = tmp_path / "project"
    (project / "my_package").mkdir(parents=True)
    (project / "my_package" / "__init__.py").write_text("")
    (project / "my_module.py").write_text("raise SystemExit('imported!')")
    (project / "my_namespace" / "inner").mkdir(parents=True)
    monkeypatch.syspath_prepend(project)
    site.add("lib", files=["lib_package/__init__.py", "lib_space/x.py"])
    monkeypatch.setitem(sys.modules, "made_here", types.ModuleType("made_here"))
    kinds = {
        "sys": OriginKind.BUILTIN,
        "json.decoder": OriginKind.STDLIB,
        "os": OriginKind.STDLIB,
        "test": OriginKind.STDLIB,
        "numpy": OriginKind.INSTALLED,
        "lib_package": OriginKind.INSTALLED,
        "lib_space": OriginKind.INSTALLED,
        "my_package.deep.name": OriginKind.LOCAL,
        "my_module": OriginKind.LOCAL,
        "my_namespace": OriginKind.LOCAL,
        "tg": OriginKind.LOCAL,
        "made_here": OriginKind.RUNTIME,
        "no_such_module": OriginKind.MISSING,
    }
    assert {name: origin(name).kind for name in kinds} == kinds
    assert origin("my_package").paths == (project / "my_package",)
    assert origin("my_module").path == project / "my_module.py"
    assert origin("my_namespace").is_namespace
    assert origin("made_here").path is None


def test_an_editable_install_is_local_although_an_import_hook_finds_it():
    assert origin("tg").kind is OriginKind.LOCAL
    assert origin("tg").path == Path(__file__).parents[3] / "tg"


def test_a_module_of_the_users_that_hides_the_standard_library_is_local(tmp_path):
    (tmp_path / "colorsys.py").write_text("")
    code = (
        f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(Path(__file__).parents[3])!r}]\n"
        "from tg.common.delivery.delivery.module_origin import origin\n"
        "print(origin('colorsys').kind, origin('__main__').kind)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["local", "runtime"]


def test_a_namespace_that_is_local_in_part_gives_the_local_folders(site, tmp_path, monkeypatch):
    (tmp_path / "project" / "shared_space" / "mine").mkdir(parents=True)
    monkeypatch.syspath_prepend(tmp_path / "project")
    site.add("their-part", "3.0", files=["shared_space/theirs/__init__.py"])
    found = origin("shared_space")
    assert (found.kind, found.paths) == (
        OriginKind.LOCAL,
        (tmp_path / "project" / "shared_space",),
    )
    inference = infer_here("shared_space.theirs", "shared_space.mine")
    assert inference.requirements == ("their-part==3.0",)
    assert inference.local == ("shared_space",)


def test_a_folder_of_pip_install_target_is_no_source_but_a_project_with_records_is(
    tmp_path, monkeypatch
):
    target = Site(tmp_path / "vendored")
    target.add("lib", "4.0", files=["lib_there.py"])
    (target.folder / "my_own.py").write_text("")
    monkeypatch.syspath_prepend(target.folder)
    assert origin("lib_there").kind is OriginKind.INSTALLED
    assert infer_here("lib_there").requirements == ("lib==4.0",)
    assert origin("my_own").kind is OriginKind.LOCAL


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/home/me/.venv/lib/python3.11/site-packages/numpy/__init__.py", True),
        ("/usr/lib/python3/dist-packages/yaml", True),
        ("/home/me/.local/lib/python3.11/site-packages/six.py", True),
        ("C:/Python/Lib/site-packages/six.py", True),
        ("/home/me/project/site_packages/six.py", False),
        ("/home/me/project/mine.py", False),
    ],
)
def test_folders_of_installers_are_known(path, expected):
    assert is_site_packages(path) is expected


def test_names_of_the_standard_library():
    assert is_standard_library("xml.etree")
    assert not is_standard_library("sklearn")
