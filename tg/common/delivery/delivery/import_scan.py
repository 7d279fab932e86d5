"""Read which modules a source file imports, and where."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from .import_calls import may_call_imports
from .import_lexer import lex_imports
from .import_parser import decode_source, parse_imports
from .import_statements import ImportCall, ImportStatement

__all__ = ["ImportSite", "SourceImports", "read_imports", "scan_imports"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportSite:
    """One module that a file imports.

    Parameters
    ----------
    line
        The line, from 1.
    level
        The number of leading dots, 0 for an absolute import.
    module
        The module's name without the dots, which may be empty in ``from . import x``.
    names
        What a from-import takes from it, ``("*",)`` for all; empty for a plain import. Each may
        be a submodule.
    """

    line: int
    level: int
    module: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SourceImports:
    """The imports of one source file, read once for scanning and for rewriting.

    Parameters
    ----------
    source
        The file as it lies on the disk.
    path
        What to call it in errors.
    text
        What the offsets of the imports refer to: the source itself, or the same in UTF-8.
    encoding
        The codec that brings ``text`` back to the source; empty if they are the same.
    statements, calls
        What imports, including what stands under ``if TYPE_CHECKING:``.
    """

    source: bytes = field(repr=False)
    path: str
    text: bytes = field(repr=False)
    encoding: str = ""
    statements: tuple[ImportStatement, ...]
    calls: tuple[ImportCall, ...] = ()

    @cached_property
    def sites(self) -> tuple[ImportSite, ...]:
        """What the file imports when it runs, in the order of lines."""
        sites: list[ImportSite] = []
        for line, _, _, level, module, aliases, runs in self.statements:
            if not runs:
                continue
            if module is None:
                sites += [ImportSite(line=line, level=0, module=name) for name, _ in aliases]
            else:
                names = tuple([name for name, _ in aliases])
                sites.append(ImportSite(line=line, level=level, module=module, names=names))
        if self.calls:
            sites += [
                ImportSite(line=call.line, level=call.level, module=call.module, names=call.names)
                for call in self.calls
                if call.runs
            ]
            sites.sort(key=lambda site: site.line)
        return tuple(sites)


def read_imports(source: bytes, path: str = "<source>", *, calls: bool = True) -> SourceImports:
    """Read all imports of a file.

    A file whose imports stand plainly on lines of their own is not parsed, and so its other
    syntax is not judged.

    Parameters
    ----------
    source
        The file as it lies on the disk, in any encoding that Python reads.
    path
        What to call it in errors.
    calls
        Whether calls that import, such as ``importlib.import_module("a.b")``, are looked for.

    Returns
    -------
    SourceImports
        To be asked for its ``sites`` or given to ``rewrite``.

    Raises
    ------
    SourceError
        If the file has to be parsed and cannot be.

    Example
    -------
    >>> read_imports(b"import numpy as np").sites
    (ImportSite(line=1, level=0, module='numpy', names=()),)
    """
    calls = calls and may_call_imports(source)
    if not calls:
        statements = lex_imports(source)
        if statements is not None:
            return SourceImports(
                source=source, path=path, text=source, statements=tuple(statements)
            )
    text, encoding = decode_source(source, path)
    parsed = parse_imports(text, path, calls=calls)
    return SourceImports(
        source=source,
        path=path,
        text=text,
        encoding="" if text == source else encoding,
        statements=tuple(parsed.statements),
        calls=tuple(parsed.calls),
    )


def scan_imports(source: bytes, path: str = "<source>") -> tuple[ImportSite, ...]:
    r"""List what a file imports when it runs, in functions and by literal calls as well.

    What stands under ``if TYPE_CHECKING:`` never runs and is not listed.

    Parameters
    ----------
    source
        The file as it lies on the disk.
    path
        What to call it in errors.

    Returns
    -------
    tuple
        One site for each imported module, in the order of lines.

    Raises
    ------
    SourceError
        If the file has to be parsed and cannot be.

    Example
    -------
    >>> [site.module for site in scan_imports(b"import a.b, c\n\nfrom .d import e\n")]
    ['a.b', 'c', 'd']
    """
    return read_imports(source, path).sites
