from __future__ import annotations

import inspect
import pickle
import re

import pytest

from tg.common._core import errors
from tg.common._core.errors import TgError

CLASSES = [
    value
    for value in vars(errors).values()
    if inspect.isclass(value) and issubclass(value, Exception)
]


def test_the_tree_in_the_docstring_is_the_tree_of_classes() -> None:
    drawn = {}
    branch: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"\s{4}([│ ]*)(?:[├└]── )?(\w+Error)\b", line)
        if match:
            depth = len(match[1]) // 4 + ("── " in line)
            branch[depth:] = [match[2]]
            drawn[match[2]] = branch[depth - 1] if depth else "Exception"
    assert drawn == {cls.__name__: cls.__bases__[0].__name__ for cls in CLASSES}
    assert sorted(drawn) == sorted(errors.__all__)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_errors_survive_pickling_with_all_that_they_say(cls: type[TgError]) -> None:
    error = cls("the value 3 is too large", hint="Use 2.")
    error.extra = "kept"
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is cls
    assert str(back) == str(error) == "the value 3 is too large. Use 2."
    assert vars(back) == vars(error)


def test_bad_arguments_and_missing_libraries_are_what_python_calls_them() -> None:
    assert issubclass(errors.ConfigError, ValueError)
    assert issubclass(errors.MissingDependencyError, ImportError)
