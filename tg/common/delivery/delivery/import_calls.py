"""Calls that import by a literal name, such as ``importlib.import_module("a.b")``."""

from __future__ import annotations

import ast
import re
from typing import Final

from .import_statements import ImportCall, ImportStatement

__all__ = ["find_calls", "may_call_imports", "node_span"]

# What imports the module or package that its first argument names, and what that is called.
_FUNCTIONS: Final = {
    "__import__": "name",
    "builtins.__import__": "name",
    "importlib.__import__": "name",
    "importlib.import_module": "name",
    "importlib.util.find_spec": "name",
    "pkgutil.get_data": "package",
    "runpy.run_module": "mod_name",
} | {
    f"importlib.resources.{name}": "package"
    for name in (
        *("contents", "files", "is_resource", "open_binary", "open_text"),
        *("path", "read_binary", "read_text"),
    )
}
_BUILTINS: Final = frozenset(name for name in _FUNCTIONS if name.endswith("__import__"))
_RELATIVE: Final = frozenset(("importlib.import_module", "importlib.util.find_spec"))
_MENTIONS: Final = re.compile(
    rb"(?<!\w)(?:__import__|import_module|find_spec|resources|get_data|run_module)(?!\w)|"
    rb"import[ \t]+\*"  # which may bind any of them
)
# What makes a mention matter: a call, but of nothing or of a variable (a literal would begin with
# a quote, a keyword argument would go on with "="); another name; what is taken from a module.
_MATTERS: Final = re.compile(
    rb"(?:\.\w+)?\s*\((?!\s*(?:\)|[A-Za-z_]\w*\s*[.,)\[(+]))|[ \t]+(?:as|import)\b|[ \t]*\\"
)


def may_call_imports(source: bytes) -> bool:
    """Whether a file might import by calling a function: false is certain.

    Parameters
    ----------
    source
        The file as it lies on the disk.

    Returns
    -------
    bool
        False if no such call is in it.

    Example
    -------
    >>> may_call_imports(b"import importlib.metadata"), may_call_imports(b"__import__('a')")
    (False, True)
    """
    found = b"importlib" in source or b"__import__" in source
    found = found or b"pkgutil" in source or b"runpy" in source
    return found and any(
        mention[0].endswith(b"*") or _MATTERS.match(source, mention.end())
        for mention in _MENTIONS.finditer(source)
    )


def find_calls(
    nodes: list[tuple[ast.Call, bool]], statements: list[ImportStatement], starts: list[int]
) -> list[ImportCall]:
    """Find the calls among others that import by a literal name.

    Parameters
    ----------
    nodes
        Calls, each with whether it runs.
    statements
        The imports of the same file; they say what the names of functions mean.
    starts
        The byte offset of each line.

    Returns
    -------
    list
        The calls in the order of their literals.

    Example
    -------
    >>> find_calls([(ast.parse("__import__('a')").body[0].value, True)], [], [0])[0].module
    'a'
    """
    bound = _bindings(statements)
    found = [_call(node, runs, starts, bound) for node, runs in nodes]
    return sorted(call for call in found if call)


def node_span(node: ast.expr | ast.stmt, starts: list[int]) -> tuple[int, int]:
    """Locate a node in the text.

    Parameters
    ----------
    node
        The node.
    starts
        The byte offset of each line.

    Returns
    -------
    tuple
        The byte offsets of its start and end.

    Example
    -------
    >>> node_span(ast.parse("x = 12").body[0].value, [0])
    (4, 6)
    """
    if node.end_lineno is None or node.end_col_offset is None:  # only in trees made by hand
        raise ValueError("a node without an end")
    start = starts[node.lineno - 1] + node.col_offset
    return start, starts[node.end_lineno - 1] + node.end_col_offset


def _bindings(statements: list[ImportStatement]) -> dict[str, str]:
    """Return what each name means that an import anywhere in the file binds."""
    bound: dict[str, str] = {}
    for statement in statements:
        for name, alias in statement.aliases:
            if statement.module is None:
                top = name.partition(".")[0]
                bound[alias or top] = name if alias else top
            elif statement.level == 0:
                bound[alias or name] = f"{statement.module}.{name}"
            else:
                bound[alias or name] = ""
    for star in [s.module for s in statements if s.aliases[0][0] == "*" and s.level == 0]:
        for function in _FUNCTIONS:
            module, _, name = function.rpartition(".")
            if module == star and name != "__import__":
                bound.setdefault(name, function)
    return bound


def _call(
    node: ast.Call, runs: bool, starts: list[int], bound: dict[str, str]
) -> ImportCall | None:
    first, dot, rest = _dotted(node.func).partition(".")
    function = bound.get(first, first) + dot + rest
    keyword = _FUNCTIONS.get(function)
    given = {key.arg: key.value for key in node.keywords}
    if keyword is None or None in given or any(isinstance(a, ast.Starred) for a in node.args):
        return None
    named = node.args[0] if node.args else given.get(keyword) or given.get("anchor")
    name = _literal(named)
    if named is None or not name:
        return None
    if function in _BUILTINS:
        return _builtin_call(node, named, runs, starts)
    start, end = node_span(named, starts)
    call = ImportCall(named.lineno, start, end, name, 0, name, (), None, None, runs)
    if not name.startswith("."):
        return call
    package = node.args[1] if len(node.args) > 1 else given.get("package")
    return _relative_call(call, package, starts) if package and function in _RELATIVE else None


def _relative_call(call: ImportCall, package: ast.expr, starts: list[int]) -> ImportCall | None:
    """Read ``import_module(".x", __package__)`` and ``import_module(".x", "a.b")``."""
    module = call.module.lstrip(".")
    level = len(call.module) - len(module)
    if isinstance(package, ast.Name) and package.id in ("__package__", "__name__"):
        return call._replace(end=call.start, literal="", level=level, module=module)
    literal = _literal(package)
    base = literal.rsplit(".", level - 1)
    if not literal or len(base) < level:
        return None
    start, end = node_span(package, starts)
    module = f"{base[0]}.{module}" if module else base[0]
    return call._replace(start=start, end=end, literal=literal, module=module)


def _builtin_call(
    node: ast.Call, named: ast.expr, runs: bool, starts: list[int]
) -> ImportCall | None:
    """Read ``__import__("a.b", globals(), fromlist=["x"])``."""
    given = dict(zip(("name", "globals", "locals", "fromlist", "level"), node.args, strict=False))
    given |= {key.arg: key.value for key in node.keywords if key.arg}
    level, fromlist, name = given.get("level"), given.get("fromlist"), _literal(named)
    number = level.value if isinstance(level, ast.Constant) else None if level else 0
    if type(number) is not int or number < 0 or name.startswith("."):
        return None
    items = fromlist.elts if isinstance(fromlist, ast.List | ast.Tuple) else []
    names = tuple(filter(None, map(_literal, items)))
    start, end = node_span(named, starts)
    call = ImportCall(named.lineno, start, end, name, 0, name, names, None, None, runs)
    if number:
        return call._replace(end=start, literal="", level=number)
    last = max(node_span(value, starts)[1] for value in given.values())
    return call._replace(
        globals_span=node_span(given["globals"], starts) if "globals" in given else (last, last),
        level_span=node_span(level, starts) if level else (last, last),
    )


def _dotted(node: ast.expr) -> str:
    """Return ``a.b.c`` for an expression that says so, an empty text for any other."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def _literal(node: ast.expr | None) -> str:
    value = node.value if isinstance(node, ast.Constant) else ""
    return value if isinstance(value, str) else ""
