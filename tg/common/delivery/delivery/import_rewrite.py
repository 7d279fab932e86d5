r"""Rewrite absolute imports of travelling code so that they work under any root.

All code that travels is moved under one renamed package: ``a/sub/mod.py`` becomes
``ROOT/a/sub/mod.py``. Its imports of travelling code become relative ones, which reach the root
by dots and so do not depend on its name. What they do stays what CPython does:

=========================  ======================================================================
``from a.b import x``      ``from ...a.b import x``
``import a``               ``from ... import a``
``import a.b``             ``a = __import__('a.b', globals(), level=3)``, which returns the top
``import a.b as c``        ``__import__('a.b', globals(), level=3); from ...a import b as c``:
                           import the submodule, then take the attribute or, while the package
                           is still being imported, the entry in ``sys.modules``
``import_module("a.b")``   ``import_module(__package__.rsplit('.', 2)[0] + '.a.b')``
``__import__("a.b")``      ``__import__('a.b', globals=globals(), level=3)``
=========================  ======================================================================

Every statement stays on its line.

Source: https://docs.python.org/3/reference/simple_stmts.html#the-import-statement
"""

from __future__ import annotations

import ast
import re
from typing import Final

from ..._core.errors import SourceError
from .import_scan import SourceImports, read_imports
from .import_statements import ImportCall, ImportStatement

__all__ = ["rewrite", "rewrite_imports"]

_Edit = tuple[int, int, str]

_FROM: Final = re.compile(rb"from(?:[ \t\f]|\\(?:\r\n|\r|\n))+")
_NEWLINE: Final = re.compile(rb"\r\n|\r|\n")
_IMPORT_ERRORS: Final = frozenset(
    ("ImportError", "ModuleNotFoundError", "Exception", "BaseException", "SystemError")
)
_MODULE_NAMES: Final = frozenset(("__package__", "__name__", "__spec__"))


def rewrite_imports(
    source: bytes,
    *,
    module: str,
    is_package: bool,
    travellers: frozenset[str],
    path: str = "<source>",
) -> bytes:
    r"""Rewrite the absolute imports of travelling code in one file.

    Parameters
    ----------
    source
        The file as it lies on the disk.
    module
        Its dotted name without the root, such as ``a.sub.mod``.
    is_package
        Whether it is an ``__init__.py``.
    travellers
        The names of the top-level packages and modules that travel.
    path
        What to call it in errors.

    Returns
    -------
    bytes
        The new source, or the same object if nothing had to be changed.

    Raises
    ------
    SourceError
        If the file has to be parsed and cannot be, or if a relative import in it climbs out of
        its top-level package.

    Example
    -------
    >>> place = dict(module="a.b", is_package=False, travellers=frozenset({"tg"}))
    >>> rewrite_imports(b"from tg.x import y", **place)
    b'from ..tg.x import y'
    >>> rewrite_imports(b"import tgraph", **place)
    b'import tgraph'
    """
    return rewrite(
        read_imports(source, path), module=module, is_package=is_package, travellers=travellers
    )


def rewrite(
    imports: SourceImports, *, module: str, is_package: bool, travellers: frozenset[str]
) -> bytes:
    """Rewrite a file whose imports have been read.

    Parameters
    ----------
    imports
        The file and its imports.
    module, is_package, travellers
        As in `rewrite_imports`.

    Returns
    -------
    bytes
        The new source, or ``imports.source`` itself if nothing had to be changed.

    Raises
    ------
    SourceError
        If a relative import climbs out of its top-level package where nothing catches its
        ``ImportError``.

    Example
    -------
    >>> imports = read_imports(b"import a.b", "a/b.py")
    >>> rewrite(imports, module="a.b", is_package=False, travellers=frozenset({"a"}))
    b"a = __import__('a.b', globals(), level=2)"
    """
    dots = module.count(".") + (2 if is_package else 1)  # as many lead from the file to the root
    edits: list[_Edit] = []
    for statement in imports.statements:
        if statement.level:
            climbs = statement.runs and statement.level >= dots
            if climbs and not _is_guarded(imports, statement):
                top = module.partition(".")[0]
                raise _climbing(imports, statement, top, in_package=dots > 1)
        elif statement.module is None:
            names = [name.partition(".")[0] for name, _ in statement.aliases]
            if not travellers.isdisjoint(names):
                edits.append(_plain(imports.text, statement, dots, travellers))
        elif statement.module.partition(".")[0] in travellers:
            start = _FROM.match(imports.text, statement.start).end()  # type: ignore[union-attr] # a from-import matches
            edits.append((start, start, "." * dots))
    for call in imports.calls:
        if call.literal.partition(".")[0] in travellers:
            edits += _call(imports.text, call, dots)
    return _apply(imports, edits) if edits else imports.source


def _plain(text: bytes, statement: ImportStatement, dots: int, travellers: frozenset[str]) -> _Edit:
    """Rewrite ``import a.b as c, os``; what stood on more lines still does."""
    start, end = statement.start, statement.end
    parts: list[str] = []
    for name, alias in statement.aliases:
        package, _, last = name.rpartition(".")
        bound = f" as {alias}" if alias else ""
        if name.partition(".")[0] not in travellers:
            parts.append(f"import {name}{bound}")
        elif not package:
            parts.append(f"from {'.' * dots} import {name}{bound}")
        else:
            call = f"__import__('{name}', globals(), level={dots})"
            taken = f"{call}; from {'.' * dots}{package} import {last}{bound}"
            parts.append(taken if alias else f"{name.partition('.')[0]} = {call}")
    ends = _line_ends(text, start, end)
    if ends and parts[-1].endswith(")"):
        parts[-1] = f"{parts[-1][:-1]}{ends})"
    elif ends:
        before, space, last = parts[-1].rpartition(" ")
        parts[-1] = before + "".join(f" \\{line_end}" for line_end in ends.splitlines(True))
        parts[-1] += space + last
    return start, end, "; ".join(parts)


def _call(text: bytes, call: ImportCall, dots: int) -> list[_Edit]:
    """Rewrite ``import_module("a.b")``, ``__import__("a.b")`` and their like."""
    ends = _line_ends(text, call.start, call.end)
    if call.globals_span is None or call.level_span is None:
        root = f"__package__.rsplit('.', {dots - 1})[0]" if dots > 1 else "__package__"
        new = f"{root} + '.{call.literal}'"
        return [(call.start, call.end, f"({new}{ends})" if ends else new)]
    edits: list[_Edit] = []
    for (start, end), name, value in (
        (call.globals_span, "globals", f"globals({_line_ends(text, *call.globals_span)})"),
        (call.level_span, "level", str(dots)),
    ):
        edits.append((start, end, f", {name}={value}" if start == end else value))
    return edits


def _line_ends(text: bytes, start: int, end: int) -> str:
    """Return the line ends within a span, to be kept by what replaces it."""
    return b"".join(_NEWLINE.findall(text, start, end)).decode()


def _apply(imports: SourceImports, edits: list[_Edit]) -> bytes:
    text, at = imports.text, 0
    parts: list[bytes] = []
    for start, end, new in sorted(edits, key=lambda edit: edit[0]):
        parts += text[at:start], new.encode()
        at = end
    parts.append(text[at:])
    rewritten = b"".join(parts)
    return rewritten.decode().encode(imports.encoding) if imports.encoding else rewritten


def _climbing(
    imports: SourceImports, statement: ImportStatement, top: str, *, in_package: bool
) -> SourceError:
    text = imports.text[statement.start : statement.end].decode(errors="replace")
    where = f"climbs out of the package '{top}'"
    if not in_package:
        where = f"stands in the module '{top}', which is in no package"
    name = statement.aliases[0][0]
    target = ".".join(part for part in (statement.module, name) if part and part != "*")
    return SourceError(
        f"{imports.path}:{statement.line}: '{' '.join(text.split())}' {where}",
        hint=f"Import '{target}' by its full name, without leading dots. If nothing imports the "
        "file, let packaging.exclude leave it at home.",
    )


def _is_guarded(imports: SourceImports, statement: ImportStatement) -> bool:
    """Whether a climbing import is known to raise, or not to run, in a module that stands alone.

    ``try: from .x import y`` / ``except ImportError: from x import y``, or the same by
    ``if __package__:``, is how a module says that it works both in a package and alone. Under a
    root it is in a package, and the first form works.
    """
    try:
        tree = ast.parse(imports.source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return any(
        _contains(node.body, statement.line)
        or (isinstance(node, ast.If) and _contains(node.orelse, statement.line))
        for node in ast.walk(tree)
        if isinstance(node, ast.Try | ast.If | ast.With) and _expects_failure(node)
    )


def _contains(body: list[ast.stmt], line: int) -> bool:
    return bool(body) and body[0].lineno <= line <= (body[-1].end_lineno or 0)


def _expects_failure(node: ast.Try | ast.If | ast.With) -> bool:
    if isinstance(node, ast.If):
        return not _MODULE_NAMES.isdisjoint(_names(node.test))
    if isinstance(node, ast.With):
        calls = [item.context_expr for item in node.items]
        return any("suppress" in _names(call) and _names(call) & _IMPORT_ERRORS for call in calls)
    types = [handler.type for handler in node.handlers]
    return any(kind is None or _names(kind) & _IMPORT_ERRORS for kind in types)


def _names(node: ast.expr) -> set[str]:
    return {
        getattr(child, "attr", "") or getattr(child, "id", "")
        for child in ast.walk(node)
        if isinstance(child, ast.Name | ast.Attribute)
    }
