"""Code that ran at home must run renamed, under any root, and fail at the same lines."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tg.common.delivery.delivery.import_rewrite import rewrite_imports

RUNNER = """
import importlib, io, json, contextlib, sys, traceback, warnings
warnings.simplefilter("ignore")

def strip(text, root):
    return text.replace(root + ".", "") if root else text

def run(folder, root, entry):
    before = set(sys.modules)
    sys.path.insert(0, folder)
    importlib.invalidate_caches()
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        try:
            importlib.import_module(root + "." + entry if root else entry)
        except BaseException as exc:
            frames = traceback.extract_tb(exc.__traceback__)
            lines = [f.lineno for f in frames if f.filename.startswith(folder)]
            print(type(exc).__name__, strip(str(getattr(exc, "name", "")), root), lines)
    fresh = set(sys.modules) - before
    new = sorted(n for n in fresh if folder in str(getattr(sys.modules[n], "__file__", "")))
    sys.path.remove(folder)
    return strip(out.getvalue(), root), new

results = []
for folder, roots, entry in json.loads(sys.stdin.read()):
    one = [run(folder, root, entry) for root in roots]
    for _, names in one:
        for name in names:
            sys.modules.pop(name, None)
    for root in roots:
        sys.modules.pop(root, None)
    results.append(one)
print(json.dumps(results))
"""

Tree = dict[str, str]


def write(folder: Path, tree: Tree) -> None:
    for name, text in tree.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode("latin-1" if "coding: latin-1" in text else "utf-8"))


def rename(folder: Path, tree: Tree, root: str) -> None:
    top = frozenset(name.partition("/")[0].removesuffix(".py") for name in tree)
    write(folder / root, tree)
    (folder / root / "__init__.py").touch()
    for name in (name for name in tree if name.endswith(".py")):
        file = folder / root / name
        parts = name.removesuffix(".py").split("/")
        is_package = parts[-1] == "__init__"
        before = file.read_bytes()
        after = rewrite_imports(
            before,
            module=".".join(parts[:-1] if is_package else parts),
            is_package=is_package,
            travellers=top,
            path=name,
        )
        assert after.count(b"\n") == before.count(b"\n")
        file.write_bytes(after)


def run_all(cases: list[tuple[str, list[str], str]]) -> list[list[tuple[str, list[str]]]]:
    done = subprocess.run(
        [sys.executable, "-I", "-B", "-c", RUNNER],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    results: list[list[tuple[str, list[str]]]] = json.loads(done.stdout)
    return results


def assert_runs_renamed(folder: Path, trees: list[Tree], entry: str) -> list[str]:
    """Return what each tree printed at home, having seen that it prints the same renamed."""
    roots = ["Job__0", "Other__12"]
    at_home: list[tuple[str, list[str], str]] = []
    renamed: list[tuple[str, list[str], str]] = []
    for index, tree in enumerate(trees):
        home, away = folder / f"home{index}", folder / f"away{index}"
        write(home, tree)
        for root in roots:
            rename(away, tree, root)
        at_home.append((str(home), [""], entry))
        renamed.append((str(away), roots, entry))
    printed = []
    for tree, expected, actual in zip(trees, run_all(at_home), run_all(renamed), strict=True):
        (output, modules), *_ = expected
        for root, (output_renamed, modules_renamed) in zip(roots, actual, strict=True):
            assert output_renamed == output, tree
            below = {name.removeprefix(f"{root}.") for name in modules_renamed if name != root}
            assert below == set(modules), tree
        printed.append(output)
    return printed


EVERY_FORM: Tree = {
    "main.py": """'''import a.b'''
from __future__ import annotations
import app.forms
import app.calls
import app.odd
import app.latin
import tgraph
print(tgraph.NAME)
import app.fails
""",
    "tgraph.py": "NAME = 'not tg'\n",
    "tg/__init__.py": "NAME = 'tg'\n",
    "tg/graph.py": "from tg import NAME\n",
    "helpers.py": """import sys as s, tg.graph
import a.b.c as c
VALUE = (tg.graph.NAME, c.VALUE)
""",
    "data/__init__.py": "",
    "data/note.txt": "a note",
    "a/__init__.py": """import a.b.c
from a.b import c as d
b2 = a.b.c.VALUE
b_before = b
""",
    "a/b/__init__.py": "import a\nimport a.b as me\nNAME = me.__name__\n",
    "a/b/c.py": """import a.b.c as myself, a as top
from a.b import c
VALUE = (c is myself, top.__name__)
""",
    "a/shadow.py": "WHAT = 'the module'\n",
    "a/star.py": "__all__ = ['x', 'y']\nx, y, z = 1, 2, 3\n",
    "app/__init__.py": "",
    "app/forms.py": """import os, a.b as b, json as j, a.star as st
import a
import a.b.c, tg
import helpers as h
from a.star import *
from a.star import (  # one
    x as x1,
    y as y1,
)
if os: import a.b.c as deep; print('one line', deep.VALUE)
try: import a.none
except ModuleNotFoundError as e: print(type(e).__name__)
else: print('never')
try:
    import a.none as nothing
except ModuleNotFoundError as e:
    print(type(e).__name__)
try:
    from a import none
except ImportError as e:
    print(type(e).__name__)
class K:
    import a.b as inner
    import a.star
    print(a.star.x)
def f():
    global a
    import a.shadow
    from tg.graph import NAME
    def g():
        nonlocal NAME
        import tg as NAME
        return NAME.NAME
    return a.shadow.WHAT, NAME, g()
print(a.__name__, b.__name__, j.__name__, st.x, a.b.c.VALUE, tg.NAME, h.VALUE, x, y, x1, y1)
print(K.inner.__name__, K.a.__name__, f(), a.b.me is b, a.d is a.b.c, a.b2)
print([n for n in sorted(dir()) if not n.startswith('_')])
""",
    "app/calls.py": """import importlib, importlib.util, pkgutil
from importlib import import_module as load, resources
print(importlib.import_module('a.b').__name__, load("a.b" '.c').__name__)
print(__import__('a.b.c').__name__, __import__('a.b', None, None, ['c']).__name__)
print(__import__('a.b', globals(), locals(), ('c',), 0).c.__name__, __import__(name='tg').NAME)
print(load('.star', __package__.rpartition('.')[0] + '.a' if '.' in __package__ else 'a').x)
print(load('.b', 'a').__name__, importlib.util.find_spec('a.b.c').name)
print(importlib.util.find_spec('a.none'), resources.files('data').joinpath('note.txt').read_text())
print(pkgutil.get_data('data', 'note.txt'), load(
    'a'
    '.star'
).y)
raise_at = lambda: 1 / 0
try: raise_at()
except ZeroDivisionError as e: print(e.__traceback__.tb_next.tb_lineno)
""",
    "app/odd.py": """\ufeff'''doc
import a
'''; import a.star
if 1:
\timport os, \\
\t  a.b.c, \\
\t\t a.b \\
\t  as ab
\x0cimport tg ;print(a.star.x, ab.__name__, tg.NAME)
from a \\
 . star import (
 x)
print(x, f'''{x}
import a.none
''', __doc__)
import sys; print(sys._getframe().f_lineno)
""".replace("\n", "\r\n"),
    "app/latin.py": """# coding: latin-1
x = 'é'; import a.star as é; from a import star
print(ascii(x), é.x, star.y)
""",
    "app/fails.py": """import os, \\
  a.star, \\
  json


def f():
    import a.star as s, \\
      app.raises

f()
""",
    "app/raises.py": """'''
import a
'''
from a import star
import a.star, \\
  tg
star.none
""",
}


def test_a_package_that_uses_every_form_runs_renamed(tmp_path: Path) -> None:
    (printed,) = assert_runs_renamed(tmp_path, [EVERY_FORM], "main")
    last = printed.splitlines()[-1]
    assert last.startswith("AttributeError"), printed
    assert last.endswith("[9, 10, 7, 7]")


NAMES = ("a", "a.b", "a.s", "a.s.m", "h", "z", "z.q")
FILES = (
    "a/__init__.py",
    "a/b.py",
    "a/s/__init__.py",
    "a/s/m.py",
    "h.py",
    "z/__init__.py",
    "z/q.py",
)


@st.composite
def statements(draw: st.DrawFn) -> str:
    name = draw(st.sampled_from(NAMES))
    package, _, last = name.rpartition(".")
    forms = [f"import {name}", f"import {name} as w", f"from {name} import v", f"import os, {name}"]
    forms += [f"from {name} import *", f"import {name} as w, z.q", f"__import__('{name}')"]
    forms += [f"w = __import__('{name}')", f"w = __import__('{name}', fromlist=['v'])"]
    forms += [f"w = importlib.import_module('{name}')"]
    forms += [f"from {package} import {last}", f"from {package} import {last} as w"] * bool(package)
    # An attribute that hides the submodule of its name; not in the middle of three names, where
    # "import a.s.m as w" would look into what hides a.s.
    forms += ["b = 'hides a.b'", "q = 'hides z.q'", "m = 'hides a.s.m'", "v = 'changed'"]
    return draw(st.sampled_from(forms))


DESCRIBE = """
def show(value, deep=2):
    if type(value) is type(importlib) and deep:
        inner = [n + '=' + show(vars(value)[n], deep - 1) for n in 'abhmqsvwz' if n in vars(value)]
        return value.__name__ + str(inner)
    return getattr(value, '__name__', repr(value))
"""


def program(lines: list[str], name: str) -> str:
    parts = ["import importlib", DESCRIBE, f"v = '{name}'", f"print('> {name}')"]
    for line in lines:
        parts += ["try:", f"    {line}", "except (ImportError, AttributeError, KeyError) as e:"]
        parts += ["    print(type(e).__name__, e.__traceback__.tb_lineno)"]
        parts += ["print({n: show(x) for n, x in sorted(globals().items()) if len(n) == 1})"]
    return "\n".join([*parts, f"print('< {name}')", ""])


trees = st.lists(st.lists(statements(), max_size=3), min_size=len(FILES), max_size=len(FILES)).map(
    lambda bodies: {
        file: program(lines, name) for file, name, lines in zip(FILES, NAMES, bodies, strict=True)
    }
)


@settings(max_examples=12, deadline=None)
@given(batch=st.lists(trees, min_size=4, max_size=12))
def test_modules_that_import_each_other_in_circles_do_so_renamed(
    batch: list[Tree], tmp_path_factory: pytest.TempPathFactory
) -> None:
    entries = [tree | {"main.py": "import a, h\nimport z.q\nimport a.s.m\n"} for tree in batch]
    assert_runs_renamed(tmp_path_factory.mktemp("trees"), entries, "main")
