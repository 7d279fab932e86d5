from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tg.common.delivery.runtime.renaming import ModuleRenaming, TravellerAliasFinder

names = st.from_regex(r"[a-z]{1,3}", fullmatch=True)
dotted = st.lists(names, min_size=1, max_size=4).map(".".join)


def test_a_name_that_only_begins_like_ours_is_not_renamed() -> None:
    renaming = ModuleRenaming({"tg": "Task__1.tg"})
    assert renaming("tg") == "Task__1.tg"
    assert renaming("tg.common") == "Task__1.tg.common"
    assert renaming("tgraph") == "tgraph"
    assert renaming("my.tg") == "my.tg"


@given(dotted, st.sets(names, min_size=1, max_size=3))
def test_there_and_back_is_the_same_name(module: str, tops: set[str]) -> None:
    there = ModuleRenaming({top: f"Root__1.{top}" for top in tops})
    back = ModuleRenaming({"Root__1": ""})
    assert back(there(module)) == module
    assert (there(module) != module) == (module.split(".", maxsplit=1)[0] in tops)


def test_the_longest_prefix_wins() -> None:
    renaming = ModuleRenaming({"a": "x", "a.b": "y"})
    assert [renaming(name) for name in ("a.c", "a.b", "a.b.c", "a.bc")] == [
        "x.c",
        "y",
        "y.c",
        "x.bc",
    ]


@pytest.fixture
def renamed_package(write_files: Callable[..., None]) -> None:
    write_files(
        {
            "root__1/__init__.py": "",
            "root__1/travelling/__init__.py": "from . import part",
            "root__1/travelling/part.py": "WHO = __name__",
        }
    )


@pytest.mark.usefixtures("renamed_package")
def test_imports_in_functions_that_travelled_by_value_find_renamed_modules() -> None:
    renaming = ModuleRenaming({"travelling": "root__1.travelling"})
    scope = {"__builtins__": renaming.builtins}
    exec("import travelling.part\nfrom travelling import part as again\nimport json.decoder", scope)
    assert scope["travelling"].__name__ == "root__1.travelling"
    assert scope["again"].WHO == "root__1.travelling.part"
    assert scope["json"].__name__ == "json"
    assert "travelling" not in sys.modules


@pytest.mark.usefixtures("renamed_package")
def test_a_dynamic_import_of_the_old_name_gives_the_very_same_module(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    finder = TravellerAliasFinder("root__1", ["travelling", "json"])
    monkeypatch.setattr(sys, "meta_path", [finder, *sys.meta_path])
    import importlib

    part = importlib.import_module("travelling.part")
    assert part.WHO == "root__1.travelling.part"
    assert part is sys.modules["root__1.travelling.part"]
    assert part.__spec__ is not None
    assert part.__spec__.name == "root__1.travelling.part"
    with pytest.raises(ModuleNotFoundError, match="nothing"):
        importlib.import_module("travelling.nothing")


def test_an_installed_module_wins_over_a_traveller(project: Path) -> None:
    finder = TravellerAliasFinder("root__1", ["json"])
    assert finder.find_spec("json") is None


@pytest.mark.usefixtures("renamed_package")
def test_a_finder_that_a_library_has_left_from_python_2_is_in_nobodys_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    finder = TravellerAliasFinder("root__1", ["travelling"])
    monkeypatch.setattr(sys, "meta_path", [finder, *sys.meta_path, object()])
    assert finder.find_spec("travelling.part") is not None
