from __future__ import annotations

import pickle
import subprocess
import sys
import textwrap
from collections.abc import Callable

import cloudpickle
import pytest

from tg.common._core.errors import ResultError, UnpicklableError
from tg.common.delivery.delivery.payload import pickle_payload
from tg.common.delivery.runtime.renaming import ModuleRenaming
from tg.common.delivery.runtime.unpickling import unpickle


def notebook(code: str, **env: str) -> str:
    """Run code as ``__main__`` of a fresh interpreter, as the cells of a notebook."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        env={"PATH": "", "PYTHONPATH": ":".join(sys.path), **env},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


CELL = """
    import enum
    from tg.common.delivery.delivery.payload import pickle_payload
    from tg.common.delivery.runtime.unpickling import unpickle
    from tg.common.delivery.runtime.renaming import ModuleRenaming

    class Colour(enum.Enum):
        RED = "red"

    class Base:
        kinds = {"a", "bb", "ccc", "dddd"}

    class Task(Base):
        def __init__(self):
            self.colour = Colour.RED
            self.tags = frozenset({"x", "y", ("z", 1)})
            self.rule = lambda value: value in {"p", "q", "r"}

        def work(self):
            from json import dumps
            return dumps(sorted(super().kinds))
"""


def test_the_same_objects_are_the_same_bytes_in_every_process() -> None:
    code = (
        CELL
        + """
    import hashlib
    print(hashlib.sha256(pickle_payload({"job": Task()}).data).hexdigest())
    """
    )
    assert len({notebook(code, PYTHONHASHSEED=seed) for seed in ("1", "2", "3")}) == 1


def test_another_body_of_a_notebook_class_is_another_payload() -> None:
    code = (
        CELL
        + """
    import hashlib
    print(hashlib.sha256(pickle_payload({"job": Task()}).data).hexdigest())
    """
    )
    assert notebook(code) != notebook(code.replace('"ccc"', '"ccd"'))


def test_what_comes_back_to_the_notebook_is_of_the_notebooks_class() -> None:
    code = (
        CELL
        + """
    data = pickle_payload(Task()).data
    back = unpickle(data, live=True)
    assert type(back) is Task and back.colour is Colour.RED
    apart = unpickle(data)
    assert type(apart) is not Task and apart.work() == back.work()
    old = Task
    class Task(Base):
        def work(self):
            return "edited"
    assert unpickle(data, live=True).work() == "edited"
    assert old().work() != "edited"
    print("ok")
    """
    )
    assert notebook(code) == "ok"


def test_two_versions_of_a_notebook_class_live_side_by_side() -> None:
    code = (
        CELL
        + """
    import pickle, sys
    def version(answer):
        class Answer:
            def give(self):
                return answer
        Answer.__qualname__ = "Answer"
        return pickle_payload(Answer()).data
    one, two = version(1), version(2)
    print(unpickle(one).give(), unpickle(two).give(), unpickle(one).give())
    """
    )
    assert notebook(code) == "1 2 1"


def test_functions_by_value_import_the_renamed_modules(write_files: Callable[..., None]) -> None:
    write_files(
        {
            "root__1/__init__.py": "",
            "root__1/old/__init__.py": "",
            "root__1/old/tool.py": "NAME = 'renamed'",
            "old/__init__.py": "",
            "old/tool.py": "NAME = 'today'",
        }
    )
    code = """
    import cloudpickle, old.tool
    def held():
        return old.tool.NAME
    def late():
        from old.tool import NAME
        def inner():
            import old.tool as tool
            return tool.NAME
        return NAME, inner()
    print(cloudpickle.dumps((held, late)).hex())
    """
    data = bytes.fromhex(notebook(code))
    held, late = unpickle(data, ModuleRenaming({"old": "root__1.old"}))
    assert held() == "renamed"
    assert late() == ("renamed", "renamed")
    held, late = unpickle(data)
    assert (held(), late()) == ("today", ("today", "today"))


def test_a_class_that_is_not_here_is_named_and_the_way_out_is_told() -> None:
    data = pickle.dumps(ResultError("x")).replace(b"tg.common", b"tq.common")
    with pytest.raises(ResultError, match="tq") as caught:
        unpickle(data)
    assert 'code="package"' in caught.value.hint


def test_an_unpicklable_value_is_named_by_its_path() -> None:
    import threading

    class Constructor:
        callback = None

    class Provider:
        constructor = Constructor()

    class Task:
        def __init__(self) -> None:
            self.model_provider = Provider()
            self.model_provider.constructor = Constructor()
            self.model_provider.constructor.callback = threading.Lock()

    with pytest.raises(UnpicklableError) as caught:
        pickle_payload({"task": Task()})
    assert caught.value.path == "task.model_provider.constructor.callback"
    assert "task.model_provider.constructor.callback" in str(caught.value)


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ([1, {"k": (i for i in ())}], "[1].k"),
        ({"a b": [open]}, None),
        ({"a b": {1: (j for j in ())}}, "['a b'][1]"),
    ],
)
def test_the_path_leads_through_containers(value: object, path: str | None) -> None:
    if path is None:
        assert unpickle(pickle_payload(value).data) == value
    else:
        with pytest.raises(UnpicklableError) as caught:
            pickle_payload(value)
        assert caught.value.path == path


def test_a_captured_variable_of_a_lambda_is_named() -> None:
    stream = (i for i in ())
    with pytest.raises(UnpicklableError) as caught:
        pickle_payload({"job": lambda: stream})
    assert caught.value.path == "job.stream"


def test_references_in_text_and_in_functions_are_found() -> None:
    def train() -> None:
        import sklearn.svm  # noqa: F401 - what the search is to find

    payload = pickle_payload({"job": (train, "sklearn.linear_model:Ridge", "time: 12:30")})
    assert {"sklearn.svm", "sklearn.linear_model"} <= payload.modules
    assert payload.by_value
    assert not pickle_payload({"job": 1}).by_value


def test_every_kind_of_reference_names_its_module() -> None:
    import json.decoder
    import logging.handlers

    import numpy as np
    from sklearn.metrics import roc_auc_score
    from sklearn.svm import SVC

    kinds = [roc_auc_score, SVC, SVC(), np.log, json.decoder, logging.handlers.DatagramHandler.emit]
    modules = pickle_payload(kinds).modules
    assert {"json.decoder", "logging.handlers", "numpy"} <= modules
    assert {"sklearn.metrics._ranking", "sklearn.svm._classes"} <= modules


def test_what_cloudpickle_writes_can_be_read_with_it_too() -> None:
    data = pickle_payload({"f": lambda x: x + 1, "s": {3, 1, 2}, "z": frozenset("ab")}).data
    value = cloudpickle.loads(data)
    assert value["f"](1) == 2
    assert value["s"] == {1, 2, 3}
    assert value["z"] == frozenset("ab")
