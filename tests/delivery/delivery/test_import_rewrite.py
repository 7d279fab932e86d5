"""What the rewritten text looks like; that it runs is the matter of test_import_execution."""

from __future__ import annotations

import codecs
import re

import pytest

from tg.common._core.errors import SourceError
from tg.common.delivery.delivery.import_rewrite import rewrite_imports

TRAVELLERS = frozenset({"a", "tg", "helpers"})


def rewritten(
    source: str, module: str = "a.sub.mod", *, is_package: bool = False, path: str = "<source>"
) -> str:
    return rewrite_imports(
        source.encode(), module=module, is_package=is_package, travellers=TRAVELLERS, path=path
    ).decode()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("from a.b import x", "from ...a.b import x"),
        ("from a import b as c, d", "from ...a import b as c, d"),
        ("from a import *", "from ...a import *"),
        ("from a import(x)", "from ...a import(x)"),
        (
            "from a import (  # one\n    b,\n    c,\n)",
            "from ...a import (  # one\n    b,\n    c,\n)",
        ),
        ("from\ta . b import x", "from\t...a . b import x"),
        ("from \\\n  a import x", "from \\\n  ...a import x"),
        ("import a", "from ... import a"),
        ("import a as c", "from ... import a as c"),
        ("import a.b", "a = __import__('a.b', globals(), level=3)"),
        ("import a.b as c", "__import__('a.b', globals(), level=3); from ...a import b as c"),
        ("import os, a, json as j", "import os; from ... import a; import json as j"),
        ("if x: import a; y = 1", "if x: from ... import a; y = 1"),
        ("import os, \\\n   a  # why", "import os; from ... import \\\n a  # why"),
        ("import os, \\\n  a.b", "import os; a = __import__('a.b', globals(), level=3\n)"),
        ("if TYPE_CHECKING:\n    from a import b", "if TYPE_CHECKING:\n    from ...a import b"),
    ],
)
def test_every_statement_becomes_relative(before: str, after: str) -> None:
    assert rewritten(before) == after
    windows = rewritten(before.replace("\n", "\r\n"))
    assert windows == after.replace("\n", "\r\n")


ROOT = "__package__.rsplit('.', 2)[0] + "


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("m.import_module('a.b')", f"m.import_module({ROOT}'.a.b')"),
        ("m.import_module(name='a')", f"m.import_module(name={ROOT}'.a')"),
        ("m.import_module('a' '.b', None)", f"m.import_module({ROOT}'.a.b', None)"),
        ("m.import_module('a'\n'.b')", f"m.import_module(({ROOT}'.a.b'\n))"),
        ("m.import_module('.x', 'a')", f"m.import_module('.x', {ROOT}'.a')"),
        ("m.util.find_spec('a')", f"m.util.find_spec({ROOT}'.a')"),
        ("__import__('a.b')", "__import__('a.b', globals=globals(), level=3)"),
        ("__import__('a', None, None, ['b'], 0)", "__import__('a', globals(), None, ['b'], 3)"),
        (
            "__import__('a', fromlist=('b',),)",
            "__import__('a', fromlist=('b',), globals=globals(), level=3,)",
        ),
    ],
)
def test_every_literal_call_finds_the_root(before: str, after: str) -> None:
    head = "import importlib as m\n"
    assert rewritten(head + before) == head + after


def test_files_next_to_the_root_need_one_dot() -> None:
    assert rewritten("from a import b", "helpers") == "from .a import b"
    assert rewritten("import a.b", "helpers") == "a = __import__('a.b', globals(), level=1)"
    call = "import importlib\nimportlib.import_module('a')"
    assert rewritten(call, "helpers").endswith("importlib.import_module(__package__ + '.a')")
    assert rewritten("from a import b", "a", is_package=True) == "from ..a import b"


@pytest.mark.parametrize(
    "source",
    [
        b"",
        b"import tgraph, ab.c\nfrom tgraph.a import b\nfrom a_b import c\n",
        b"from . import a\nfrom .a import b\nfrom ..a import c\n",
        b"'''\nimport a\n'''\n# import a\nx = 'from a import b'",
        b"from __future__ import annotations\r\nimport os\r",
        b"# coding: latin-1\nx = '\xe9'; import os",
        b"import importlib as m\nm.import_module('tgraph')\nm.import_module('.a', __package__)",
        codecs.BOM_UTF8 + b"import os; import sys",
    ],
)
def test_a_file_with_nothing_to_rewrite_is_the_same_object(source: bytes) -> None:
    travellers = frozenset({"a", "tg"})
    place = {"module": "a.sub.mod", "is_package": False}
    assert rewrite_imports(source, travellers=travellers, **place) is source


@pytest.mark.parametrize("encoding", ["latin-1", "shift_jis", "utf-8-sig"])
@pytest.mark.parametrize("form", ["import a", "x = 1; import a"])
def test_all_other_bytes_stay(encoding: str, form: str) -> None:
    cookie = "" if encoding == "utf-8-sig" else f"# coding: {encoding}\n"
    text = "é" if encoding == "latin-1" else "表"
    source = f"{cookie}y = '{text}'\n{form}  # {text}\n"
    result = rewrite_imports(
        source.encode(encoding), module="a.b", is_package=False, travellers=TRAVELLERS
    )
    assert result == source.replace("import a", "from .. import a").encode(encoding)


def test_renaming_what_is_renamed_changes_nothing() -> None:
    source = "import a.b, a.b as c\nfrom a import d\n__import__('a.b')\nimport a\n"
    once = rewritten(source)
    again = rewrite_imports(
        once.encode(),
        module="Job__0.a.sub.mod",
        is_package=False,
        travellers=frozenset({"Job__0"}),
    )
    assert again.decode() == once


# --- relative imports that leave their package ----------------------------------------------


@pytest.mark.parametrize(
    ("source", "module", "is_package", "message"),
    [
        ("x = 1\nfrom .. import x", "a.mod", False, "f.py:2: 'from .. import x' climbs out of"),
        ("from ..b import x", "a", True, "climbs out of the package 'a'. Import 'b.x'"),
        ("from .x import *", "helpers", False, "'helpers', which is in no package. Import 'x' by"),
        ("def f():\n  from . import (y,\n z)", "helpers", False, "f.py:2: 'from . import (y, z)'"),
        ("try:\n  from . import y\nexcept KeyError: 0", "helpers", False, "full name"),
        ("try: 0\nexcept ImportError:\n  from . import y", "helpers", False, "full name"),
    ],
)
def test_an_import_out_of_its_package_is_named(
    source: str, module: str, is_package: bool, message: str
) -> None:
    with pytest.raises(SourceError, match=re.escape(message)):
        rewritten(source, module, is_package=is_package, path="f.py")


@pytest.mark.parametrize(
    "source",
    [
        "try:\n    from .a import y\nexcept ImportError:\n    from a import y",
        "try:\n    from .a import y\nexcept (KeyError, builtins.ImportError):\n    pass",
        "if __package__:\n    from .a import y\nelse:\n    from a import y",
        "if __package__ in (None, ''):\n    import a\nelse:\n    from . import a",
        "with contextlib.suppress(ImportError):\n    from .a import y",
        "if TYPE_CHECKING:\n    from .a import y",
    ],
)
def test_a_module_that_works_alone_and_in_a_package_may_travel(source: str) -> None:
    assert "from ." in rewritten(source, "helpers")


def test_import_within_the_package_may_climb_to_its_top() -> None:
    assert rewritten("from .. import x", "a.sub.mod") == "from .. import x"
    assert rewritten("from . import x", "a", is_package=True) == "from . import x"
