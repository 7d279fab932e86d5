"""A model named by text is found where the training runs, and is the code that travelled."""

from __future__ import annotations

import importlib
import shutil
import sys
from pathlib import Path

import pytest

import tg
from tg.common._core.errors import ConfigError, MissingDependencyError
from tg.common._core.references import resolve_reference


def test_installed_classes_and_nested_names_are_found():
    from sklearn.linear_model import LogisticRegression

    assert resolve_reference("sklearn.linear_model:LogisticRegression") is LogisticRegression
    assert resolve_reference("collections:OrderedDict.fromkeys")
    assert resolve_reference("os.path:join")
    assert resolve_reference("__main__:__name__") == "__main__"


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("sklearn.linear_model.LogisticRegression", ConfigError, "module:name"),
        ("", ConfigError, "module:name"),
        (":", ConfigError, "module:name"),
        ("a b:c", ConfigError, "module:name"),
        ("sklearn.linear_model:LogisticRegresion", ConfigError, "Did you mean 'LogisticReg"),
        ("sklearn.linear_model:LogisticRegression.ft", ConfigError, "Did you mean 'fit'"),
        ("no_such_library.models:Net", MissingDependencyError, "no_such_library"),
        ("sklearn.no_such_module:Net", MissingDependencyError, "no_such_module"),
    ],
)
def test_a_name_that_is_not_there_says_so(text, error, message):
    with pytest.raises(error, match=message):
        resolve_reference(text)


def test_an_import_error_inside_the_module_is_not_hidden(tmp_path, monkeypatch):
    # "no such module" would send the user looking in the wrong place.
    (tmp_path / "breaks_inside.py").write_text("import a_library_that_is_not_here")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="a_library_that_is_not_here"):
        resolve_reference("breaks_inside:Net")


@pytest.fixture
def renamed_package(tmp_path, monkeypatch):
    """This library and a user's package under one renamed root, as a delivered package has them."""
    root = tmp_path / "Job__7"
    source = Path(tg.__file__).parent
    for part in ("common/_core", "common/__init__.py", "__init__.py"):
        target = root / "tg" / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if (source / part).is_dir():
            # other processes compile this very code, by way of files that are gone at once
            shutil.copytree(source / part, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source / part, target)
    (root / "__init__.py").touch()
    (root / "my_models").mkdir()
    (root / "my_models" / "__init__.py").touch()
    (root / "my_models" / "net.py").write_text("class Net:\n    version = 'travelled'\n")
    elsewhere = tmp_path / "installed"
    (elsewhere / "my_models").mkdir(parents=True)
    (elsewhere / "my_models" / "__init__.py").touch()
    (elsewhere / "my_models" / "net.py").write_text("class Net:\n    version = 'installed'\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.syspath_prepend(elsewhere)
    yield importlib.import_module("Job__7.tg.common._core.references")
    for name in [n for n in sys.modules if n.partition(".")[0] in ("Job__7", "my_models")]:
        del sys.modules[name]


def test_in_a_renamed_package_the_code_that_travelled_comes_first(renamed_package):
    assert renamed_package.resolve_reference("my_models.net:Net").version == "travelled"
    assert resolve_reference("my_models.net:Net").version == "installed"


def test_in_a_renamed_package_libraries_are_found_as_ever(renamed_package):
    from sklearn.linear_model import LogisticRegression

    found = renamed_package.resolve_reference("sklearn.linear_model:LogisticRegression")
    assert found is LogisticRegression
    with pytest.raises(Exception, match=r"no module 'my_models\.other'"):
        renamed_package.resolve_reference("my_models.other:Net")
