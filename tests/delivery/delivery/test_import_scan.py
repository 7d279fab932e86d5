"""What a package needs is found in its files; an import that is missed is a job that fails."""

from __future__ import annotations

import codecs
import os
import sys
import warnings
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import tg
from tg.common._core.errors import SourceError
from tg.common.delivery.delivery.import_lexer import lex_imports
from tg.common.delivery.delivery.import_parser import decode_source, parse_imports
from tg.common.delivery.delivery.import_scan import ImportSite, read_imports, scan_imports

BOM = codecs.BOM_UTF8


def sites(source: str) -> list[tuple[int, int, str, tuple[str, ...]]]:
    return [(s.line, s.level, s.module, s.names) for s in scan_imports(source.encode())]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import a", [(1, 0, "a", ())]),
        ("import a.b.c as d, os", [(1, 0, "a.b.c", ()), (1, 0, "os", ())]),
        ("\n\nfrom a.b import c as d, e", [(3, 0, "a.b", ("c", "e"))]),
        ("from a import *", [(1, 0, "a", ("*",))]),
        ("from a import (\n  b,  # one ) bracket\n  c as d,\n)", [(1, 0, "a", ("b", "c"))]),
        ("from . import a\nfrom ..b import c", [(1, 1, "", ("a",)), (2, 2, "b", ("c",))]),
        ("from.a import(b)", [(1, 1, "a", ("b",))]),
        ("def f():\n\timport a\n", [(2, 0, "a", ())]),
        ("if x: import a; import b", [(1, 0, "a", ()), (1, 0, "b", ())]),
        ("import \\\n  a . b", [(1, 0, "a.b", ())]),
        ("x = 1; \\\nimport a", [(2, 0, "a", ())]),
        ("\x0cimport a", [(1, 0, "a", ())]),
        ("x = '''\nimport a\n'''; import b", [(3, 0, "b", ())]),
        ("try:\n    import a\nexcept ImportError:\n    a = None", [(2, 0, "a", ())]),
        ("import modulo_é", [(1, 0, "modulo_é", ())]),
        ("match x:\n    case 1:\n        import a", [(3, 0, "a", ())]),
    ],
)
def test_every_form_of_import_is_seen(source: str, expected: list[object]) -> None:
    assert sites(source) == expected
    assert sites(source.replace("\n", "\r\n")) == expected
    assert scan_imports(BOM + source.encode()) == scan_imports(source.encode())


@pytest.mark.parametrize(
    "source",
    [
        '"""\nimport a\n"""',
        "'''it's\nimport a\n\\'''\nfrom b import c\n'''",
        "x = 'a \\\nimport b \\\n'",
        "# '''\n# import a\nx = 1  # import a",
        "x = \"'''\"\ny = 'import a'\nz = '\"\"\"'",
        'x = "a""""\nimport b\n"""',
        'x = f"""{y}\nimport a\n"""',
        'x = "\\\\"; y = """\nimport a\n"""',
        "important = reimport = 1",
        "important.import_ = 1",
    ],
)
def test_text_that_looks_like_an_import_makes_no_dependency(source: str) -> None:
    compile(source, "source", "exec")
    assert sites(source) == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("if TYPE_CHECKING:\n    import a\nimport b", ["b"]),
        ("if typing.TYPE_CHECKING:  # why\n    from a import (\n        x,\n    )\n", []),
        ("if TYPE_CHECKING:\n\n    # note\n    import a\nelse:\n    import b", ["b"]),
        ("if x:\n    import c\nelif TYPE_CHECKING:\n    import a\nelse:\n    import b", ["c", "b"]),
        ("if TYPE_CHECKING: import a", []),
        ("if (TYPE_CHECKING):\n    import a", []),
        ("if TYPE_CHECKING:\n    A = int\n    class B: 'import'\n    import a\nimport b", ["b"]),
        ("if TYPE_CHECKING:\n    if x:\n        import a\n    else:\n        import c", []),
        ("if not TYPE_CHECKING:\n    import a", ["a"]),
        ("if TYPE_CHECKING or x:\n    import a", ["a"]),
        ("'''\nif TYPE_CHECKING:\n'''\nif x:\n    import a", ["a"]),
        ("if TYPE_CHECKING:\n    __import__('a')\n__import__('b')", ["b"]),
        ("__all__ = ['TYPE_CHECKING']\nimport a", ["a"]),
    ],
)
def test_what_only_a_type_checker_reads_is_no_dependency(source: str, expected: list[str]) -> None:
    typing_import = "import typing\nfrom typing import TYPE_CHECKING\n"
    found = [module for _, _, module, _ in sites(typing_import + source)]
    assert found == ["typing", "typing", *expected]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import importlib\nimportlib.import_module('a.b')", (2, 0, "a.b", ())),
        ("import importlib as i\nx = [i.import_module(name='a')]", (2, 0, "a", ())),
        ("from importlib import import_module as m\nm('a')", (2, 0, "a", ())),
        ("from importlib import *\nimport_module('a')", (2, 0, "a", ())),
        ("import importlib.util\nimportlib.util.find_spec('a')", (2, 0, "a", ())),
        ("from importlib.util import find_spec\nfind_spec('a.b')", (2, 0, "a.b", ())),
        ("from importlib import resources\nresources.files('a.b')", (2, 0, "a.b", ())),
        ("import pkgutil\npkgutil.get_data('a', 'x.txt')", (2, 0, "a", ())),
        ("import importlib as i\ni.import_module('.x', __package__)", (2, 1, "x", ())),
        ("import importlib as i\ni.import_module('.x', 'a.b')", (2, 0, "a.b.x", ())),
        ("import importlib as i\ni.import_module('..x', package='a.b')", (2, 0, "a.x", ())),
        ("import os\n__import__('a.b', fromlist=['c'])", (2, 0, "a.b", ("c",))),
        ("import os\n__import__('a', globals(), None, (), 1)", (2, 1, "a", ())),
    ],
)
def test_a_call_with_a_literal_name_is_an_import(
    source: str, expected: tuple[int, int, str, tuple[str, ...]]
) -> None:
    assert sites(source)[1:] == [expected]


@pytest.mark.parametrize(
    "source",
    [
        "import importlib\nimportlib.import_module(name)",
        "import importlib\nimportlib.import_module(f'a.{name}')",
        "import importlib\nimportlib.import_module(*['a'])",
        "import importlib\nimportlib.import_module(**{'name': 'a'})",
        "from mine import import_module\nimport_module('a')  # not importlib's",
        "import os\nself.find_spec('a')",
        "import os\n__import__('a', level=n)",
    ],
)
def test_a_call_that_cannot_be_read_is_left_to_the_user(source: str) -> None:
    assert len(sites(source)) == 1


def test_a_file_is_named_with_its_line_when_it_cannot_be_parsed() -> None:
    with pytest.raises(SourceError, match=r"lib/old\.py:3: this Python cannot parse it"):
        scan_imports(b"import a; import b\n\nprint 'a'\n", "lib/old.py")
    with pytest.raises(SourceError, match=r"a\.py: cannot be read as text"):
        scan_imports(b"# coding: no-such-codec\nimport a\n", "a.py")
    with pytest.raises(SourceError, match=r"a\.py: this Python cannot parse it"):
        scan_imports(b"x = '\0'\nimport a\n", "a.py")


def test_a_file_whose_imports_are_plain_needs_no_other_good_syntax() -> None:
    assert sites("import a\nprint 'python 2'\n") == [(1, 0, "a", ())]


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "shift_jis", "utf-8-sig", "gbk"])
def test_encodings_are_read_as_python_reads_them(encoding: str) -> None:
    cookie = "" if encoding == "utf-8-sig" else f"# coding: {encoding}\n"
    text = "é" if encoding in ("latin-1", "cp1252") else "表"  # ends in a backslash in Shift JIS
    source = f"{cookie}x = '''{text}'''\nimport a\n".encode(encoding)
    assert [site.module for site in scan_imports(source)] == ["a"]


def test_invalid_escapes_of_others_do_not_warn() -> None:
    assert sites("x = '\\d'; import a") == [(1, 0, "a", ())]


def test_reading_once_serves_both_scan_and_rewrite() -> None:
    imports = read_imports(b"import a", "a.py")
    assert imports.sites == (ImportSite(line=1, level=0, module="a"),)
    assert imports.sites is imports.sites


# --- the quick way and the parser agree ----------------------------------------------------


def assert_same(source: bytes, path: str = "<source>") -> bool:
    """Return whether the quick way took the file."""
    quick = lex_imports(source)
    if quick is None:
        return False
    try:
        text, encoding = decode_source(source, path)
        parsed = parse_imports(text, path, calls=False).statements
    except SourceError:
        return False
    if encoding == "utf-8-sig":
        parsed = [s._replace(start=s.start + 3, end=s.end + 3) for s in parsed]
    elif text != source:
        quick = [s._replace(start=0, end=0) for s in quick]
        parsed = [s._replace(start=0, end=0) for s in parsed]
    assert quick == parsed, path
    return True


def assert_same_below(folder: Path, pattern: str = "*.py") -> None:
    files = [file for file in sorted(folder.rglob(pattern)) if "site-packages" not in file.parts]
    taken = sum(assert_same(file.read_bytes(), str(file)) for file in files)
    assert taken >= 0.85 * len(files), "the quick way is hardly ever taken"


@pytest.mark.parametrize("folder", ["asyncio", "email", "importlib", "json", "logging"])
def test_the_quick_way_agrees_with_the_parser(folder: str) -> None:
    assert_same_below(Path(os.__file__).parent / folder)


def test_the_quick_way_agrees_with_the_parser_on_our_own_code() -> None:
    for root in tg.__path__:
        assert_same_below(Path(root))


@pytest.mark.slow
def test_the_quick_way_agrees_with_the_parser_on_the_whole_standard_library() -> None:
    assert_same_below(Path(os.__file__).parent)


@pytest.mark.slow
@pytest.mark.parametrize("library", ["pandas", "sklearn", "hypothesis"])
def test_the_quick_way_agrees_with_the_parser_on_libraries(library: str) -> None:
    module = pytest.importorskip(library)
    assert_same_below(Path(str(module.__file__)).parent, "[a-m]*.py")


PIECES = [
    *("import a", "import a.b as c, d", "from a import b", "from . import a", "from .a import (b)"),
    *("from a import (\n    b,  # '''\n    c as d,\n)", "from a import *", "import a; b = 1"),
    *("import a  # it's", "import \\\n    a", "from a \\\n    import b", "if x: import a"),
    *("'''\nimport a\n'''", '"""doc\n\nimport a\nfrom a import b\n"""', "'''it's \"\"\" '''"),
    *('x = """\\"""\nimport a\n"""', "x = '\\\nimport a'", "# import a", "# '''", '# """ import a'),
    *('x = \'# """\'', "y = \"'''\"", "x = 'import a'", "x = '\\\\' + '''\nimport a\n'''"),
    *("x = ''  ''", "x = 'a''''\nimport a\n'''", "f'{x}' '''\nimport a\n'''", "f'{x[\"k\"]}'"),
    *("f'''{x}\nimport a\n'''", "f'''{{\nimport a\n}}'''", "f'''{x['a']}'''", "rb'''\nimport\n'''"),
    *("if TYPE_CHECKING:\n    import a", "if t.TYPE_CHECKING:  # '''\n    import a\n    x = 1"),
    *("if TYPE_CHECKING:\n    x = (\n1)\n    import a\nelse:\n    import b", "TYPE_CHECKING = 0"),
    *(
        "x = {\n  'a': '''\nimport a\n'''}",
        "def f():\n\timport a\n\tfrom . import b",
        "\x0cimport a",
    ),
    *("class A:\n    '''import a'''\n    import a.b", "x = 1; import a", "important = 'import'"),
    *("x = yield_from = 'from'", "lambda: '''\n'''; import a", "try: import a\nfinally: pass"),
]
# Legal from Python 3.12 on: quotes of the same kind, comments and line ends in fields.
NESTED = [
    'f"{x["a"]}"; y = """\nimport a\n"""',
    'f"{\nx["a"]}" + """\nimport a\n"""',
    'f"{x[\'"\']}"; import a',
    "f\"{\n'''\nimport a\n'''}\"",
    'f"""{"""\nimport a\n"""}"""',
    'f"{\nx}"""; import a',
    'f"""}} {x({"k": """\nimport a\n"""})}"""',
]
pieces = st.sampled_from(PIECES + (NESTED if sys.version_info >= (3, 12) else []))
quotes = ['"', "'", '"""', "'''", '""', "f", "rb", "{", "}", "{{", "}}", "(", ")", "x = ", "x"]
spaces = ["\\", "\n", "\n    ", "\\\n", "\r\n", "#", " ", ";", "=", "\t", "\x0c", ","]
words = ["import ", "import a", "from a import b", "from .x import (y)", "else:", "pass"]
tokens = st.sampled_from([*quotes, *spaces, *words, "if x:", "if TYPE_CHECKING:"])


@settings(max_examples=300, deadline=None)
@given(st.lists(pieces, max_size=8), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_the_quick_way_agrees_with_the_parser_on_any_mixture(
    parts: list[str], line_end: str, marked: bool
) -> None:
    source = ("\n".join(parts) + "\n").replace("\n", line_end).encode()
    assert_same(BOM + source if marked else source)


@settings(max_examples=500, deadline=None)
@given(st.lists(tokens, max_size=12).map("".join))
@example("x = '''a\\'''import a'''\nimport b")
@example("x = '\\\\'; y = '''\nimport a\n'''\nimport b")
def test_the_quick_way_agrees_with_the_parser_on_scraps(source: str) -> None:
    assert_same(source.encode())


def test_pieces_are_python() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for piece in PIECES:
            compile(piece, "piece", "exec")


@pytest.mark.parametrize("source", NESTED)
def test_quotes_nested_as_python_3_12_allows_are_left_to_the_parser(source: str) -> None:
    quick = lex_imports((source + "\nimport b\n").encode())
    assert quick is None or [s.aliases[0][0] for s in quick] == ["b"]
