"""Find imports by parsing: statements in unusual places, and calls with a literal name."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from collections.abc import Iterator
from typing import Final, NamedTuple

from ..._core.errors import SourceError
from .import_calls import find_calls, node_span
from .import_statements import ImportCall, ImportStatement

__all__ = ["ParsedImports", "decode_source", "parse_imports"]

_BLOCKS: Final = ("body", "handlers", "orelse", "finalbody", "cases")
_NEWLINE: Final = re.compile(rb"\r\n|\r|\n")


class ParsedImports(NamedTuple):
    """The imports of one file, in their order."""

    statements: list[ImportStatement]
    calls: list[ImportCall]


def decode_source(source: bytes, path: str) -> tuple[bytes, str]:
    r"""Bring a source file to UTF-8 without a byte order mark, its lines untouched.

    Parameters
    ----------
    source
        The file as it lies on the disk.
    path
        What to call it in an error.

    Returns
    -------
    tuple
        The text in UTF-8, and the codec that brings the text back to what it was.

    Raises
    ------
    SourceError
        If it is not in the encoding that it declares (PEP 263), or in one that loses bytes.

    Example
    -------
    >>> decode_source(b"# coding: latin-1\n# \xe9", "a.py")
    (b'# coding: latin-1\n# \xc3\xa9', 'iso-8859-1')
    """
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
        text = source.decode(encoding)
        lossless = text.encode(encoding) == source
    except (SyntaxError, UnicodeError) as exc:
        raise SourceError(
            f"{path}: cannot be read as text: {exc}",
            hint="Save it as UTF-8, or leave it out of the package.",
        ) from exc
    if not lossless:
        raise SourceError(
            f"{path}: its encoding {encoding} does not keep every byte",
            hint="Save it as UTF-8, or leave it out of the package.",
        )
    return text.encode(), encoding


def parse_imports(text: bytes, path: str, *, calls: bool) -> ParsedImports:
    """Find all imports of a file.

    Parameters
    ----------
    text
        The file in UTF-8 without a byte order mark.
    path
        What to call it in an error.
    calls
        Whether to look for calls as well.

    Returns
    -------
    ParsedImports
        Statements and calls; offsets are those in ``text``.

    Raises
    ------
    SourceError
        If it is not Python.

    Example
    -------
    >>> parse_imports(b"if x: import a", "a.py", calls=False).statements[0].aliases
    (('a', None),)
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the invalid escapes of others
            tree = ast.parse(text.decode(), path)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as exc:
        place = f":{exc.lineno}" if isinstance(exc, SyntaxError) and exc.lineno else ""
        what = exc.msg if isinstance(exc, SyntaxError) else str(exc) or type(exc).__name__
        raise SourceError(
            f"{path}{place}: this Python cannot parse it: {what}",
            hint="Correct the file, or leave it out of the package.",
        ) from exc
    starts = [0, *(match.end() for match in _NEWLINE.finditer(text))]
    nodes = list(_imports(tree, calls=calls))
    statements = sorted(
        _statement(node, runs, starts)
        for node, runs in nodes
        if isinstance(node, ast.Import | ast.ImportFrom)
    )
    call_nodes = [(node, runs) for node, runs in nodes if isinstance(node, ast.Call)]
    return ParsedImports(statements, find_calls(call_nodes, statements, starts))


def _imports(tree: ast.AST, *, calls: bool) -> Iterator[tuple[ast.AST, bool]]:
    """Walk through statements, and through expressions only if calls matter."""
    todo: list[tuple[ast.AST, bool]] = [(tree, True)]
    while todo:
        node, runs = todo.pop()
        if isinstance(node, ast.Import | ast.ImportFrom | ast.Call):
            yield node, runs
        never = isinstance(node, ast.If) and _is_type_checking(node.test)
        if calls:
            skipped = node.body if never and isinstance(node, ast.If) else []
            todo += [(child, runs and child not in skipped) for child in ast.iter_child_nodes(node)]
        else:
            for name in _BLOCKS:
                children = getattr(node, name, None)
                if isinstance(children, list):
                    live = runs and not (never and name == "body")
                    todo += [(child, live) for child in children]


def _is_type_checking(test: ast.expr) -> bool:
    if isinstance(test, ast.Attribute) and isinstance(test.value, ast.Name):
        return test.attr == "TYPE_CHECKING"
    return isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"


def _statement(node: ast.Import | ast.ImportFrom, runs: bool, starts: list[int]) -> ImportStatement:
    start, end = node_span(node, starts)
    aliases = tuple((alias.name, alias.asname) for alias in node.names)
    if isinstance(node, ast.Import):
        return ImportStatement(node.lineno, start, end, 0, None, aliases, runs)
    module = node.module or ""
    return ImportStatement(node.lineno, start, end, node.level, module, aliases, runs)
