"""Find import statements without parsing, wherever that is certain.

Parsing two megabytes takes a quarter of a second, and nearly all imports are plain lines. Every
import statement holds the keyword ``import``; so each place where these letters stand alone is
judged: it is in a triple-quoted string, in a comment, in a one-line string, or it is a statement
on lines of its own. Where that cannot be said from the lines alone (``if x: import a``, ``;``,
backslashes at the end of a line, f-strings that may nest quotes as Python 3.12 allows) the answer
is ``None`` and the parser takes the file. Tests hold both against each other over whole libraries.

Source: https://docs.python.org/3/reference/lexical_analysis.html
"""

from __future__ import annotations

import re
from typing import Final

from .import_statements import ImportStatement

__all__ = ["lex_imports"]

_NAME: Final = rb"[A-Za-z_]\w*"
_DOTTED: Final = _NAME + rb"(?:\." + _NAME + rb")*"
_AS: Final = rb"(?:[ \t]+as[ \t]+" + _NAME + rb")?"
_COMMA: Final = rb"[ \t]*,[ \t]*"
_STATEMENT: Final = re.compile(
    rb"[ \t]*(?:"
    rb"(?P<plain>import[ \t]+(?P<modules>%(one)s(?:%(comma)s%(one)s)*))"
    rb"|(?P<from>from(?:[ \t]+(?P<module>%(dotted)s)[ \t]+"
    rb"|[ \t]*(?P<dots>\.+)(?:(?P<rest>%(dotted)s)[ \t]+)?)"
    rb"[ \t]*import(?:[ \t]*(?P<star>\*)|[ \t]*\((?P<inner>(?:[\w\s,]|\#[^\n]*\n)*)\)"
    rb"|[ \t]+(?P<names>%(name)s%(as)s(?:%(comma)s%(name)s%(as)s)*)))"
    rb")[ \t]*(?:\#[^\n]*)?(?:\r?\n|\Z)"
    % {
        b"one": _DOTTED + _AS,
        b"comma": _COMMA,
        b"dotted": _DOTTED,
        b"name": _NAME,
        b"as": _AS,
    }
)
_INNER_COMMENT: Final = re.compile(rb"#[^\n]*")
# no possessive quantifiers around alternatives: Pythons before 3.11.5 match them wrongly
# (https://github.com/python/cpython/issues/106052)
_STRING: Final = re.compile(rb"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'")
_CODE: Final = re.compile(rb"(?:[^\"'#\n]+|" + _STRING.pattern + rb")*")
_DOUBTFUL: Final = re.compile(rb"[\"'#}]")
# What may hold quotes of its own kind from Python 3.12 on (and 3.14's template strings).
_FIELDS_START: Final = re.compile(rb"(?:[fFtT][rR]?|[rR][fFtT])[\"']")
_FIELDS_PREFIX: Final = re.compile(rb"(?:[fFtT][rR]?|[rR][fFtT])$")
_TYPE_CHECKING: Final = re.compile(
    rb"([ \t]*)if[ \t]+(?:" + _NAME + rb"\.)?TYPE_CHECKING[ \t]*:[ \t]*(?:#[^\n]*)?\r?\n"
)
_INDENT: Final = re.compile(rb"[ \t]*")
_EMPTY_LINE: Final = re.compile(rb"[ \t]*(?:#[^\n]*)?(?:\r?\n|\Z)")
_SIMPLE_LINE: Final = re.compile(rb"[^\"'()\[\]{}\\\f\n]*(?:\n|\Z)")
_COOKIE: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:[ \t\f]*(?:#[^\r\n]*)?\r?\n)?[ \t\f]*#[^\r\n]*?coding[:=][ \t]*([-\w.]+)"
)
# In these, every byte below 128 is the ASCII character; in others it may be half of one.
_ASCII_LIKE: Final = frozenset(
    b"utf-8 utf8 ascii us-ascii latin-1 latin1 iso-8859-1 iso-8859-15 cp1252".split()
)
_WORD_BYTES: Final = frozenset(
    b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_" + bytes(range(128, 256))
)
_BACKSLASH: Final = ord("\\")
_NEVER: Final = 1 << 62


def lex_imports(source: bytes) -> list[ImportStatement] | None:
    r"""Find all import statements of a file that compiles.

    Parameters
    ----------
    source
        The file as it lies on the disk.

    Returns
    -------
    list
        The statements in their order, or ``None`` if only a parser can tell.

    Example
    -------
    >>> [(s.line, s.module, s.aliases) for s in lex_imports(b"'''doc'''\nfrom a.b import c\n")]
    [(2, 'a.b', (('c', None),))]
    >>> lex_imports(b"if x: import a") is None
    True
    """
    cookie = _COOKIE.match(source)
    if cookie and cookie[1].lower().replace(b"_", b"-") not in _ASCII_LIKE:
        return None
    if b"import" not in source:
        return []
    if b"\0" in source or (b"\r" in source and source.count(b"\r") != source.count(b"\r\n")):
        return None
    try:
        return _Lexer(source).statements()
    except _UncertainError:
        return None


class _UncertainError(Exception):
    """Only a parser can tell."""


class _Lexer:
    """One pass over a file, from one ``import`` to the next."""

    def __init__(self, source: bytes) -> None:
        self.source = source
        self.start = 3 if source.startswith(b"\xef\xbb\xbf") else 0
        self.code = self.start  # known not to be in a string or comment, nor on a continued line
        self.quotes = dict.fromkeys((b'"""', b"'''"), -1)  # the next of each
        self.next_quotes = -1  # the next of both; it may lag behind code
        self.strings: list[tuple[int, int]] = []  # the triple-quoted ones met so far

    def statements(self) -> list[ImportStatement]:
        """Return every import statement."""
        source = self.source
        found: list[ImportStatement] = []
        line, counted, at = 1, 0, self.start
        while (word := source.find(b"import", at)) >= 0:
            at = word + 6
            if word > self.start and source[word - 1] in _WORD_BYTES:
                continue
            if at < len(source) and source[at] in _WORD_BYTES:
                continue
            if self.next_quotes < word:
                self.skip_strings(word)
            if self.code <= word:
                line += source.count(b"\n", counted, word)
                counted = word
                statement = self.statement_at(word, line)
                if statement:
                    found.append(statement)
            at = max(at, self.code)
        if found and b"TYPE_CHECKING" in source:
            self.mark_type_checking(found)
        return found

    def skip_strings(self, until: int) -> None:
        """Move ``code`` on until no triple quote stands between it and a place."""
        source, quotes = self.source, self.quotes
        while True:
            for quote, place in quotes.items():
                if place < self.code:
                    following = source.find(quote, self.code)
                    quotes[quote] = following if following >= 0 else _NEVER
            quote = b'"""' if quotes[b'"""'] < quotes[b"'''"] else b"'''"
            opening = self.next_quotes = quotes[quote]
            if opening >= until:
                return
            start = self.line_start(opening)
            prefix = source[start:opening]
            if prefix and not prefix.isspace():
                if _DOUBTFUL.search(prefix) and not self.is_code(start, opening):
                    continue
                fields = bool(_FIELDS_PREFIX.search(prefix))
            else:
                fields = False
            self.code = self.string_end(opening, quote, fields=fields)
            self.strings.append((opening, self.code))

    def line_start(self, place: int) -> int:
        """Return where the code before a place starts on its line."""
        source = self.source
        newline = source.rfind(b"\n", self.code, place)
        if newline < 0:
            return self.code
        before = newline - 2 if source[newline - 1 : newline] == b"\r" else newline - 1
        if before >= 0 and source[before] == _BACKSLASH:
            raise _UncertainError
        return newline + 1

    def is_code(self, start: int, place: int) -> bool:
        """Whether a place is neither in a comment nor a one-line string; skip it if it is."""
        source = self.source
        if source.find(b"}", start, place) >= 0 or _FIELDS_START.search(source, start, place):
            raise _UncertainError
        stop = _CODE.match(source, start, place).end()  # type: ignore[union-attr] # matches always
        if stop == place:
            return True
        if source[stop] == ord("#"):
            end = source.find(b"\n", stop)
            self.code = end if end >= 0 else len(source)
        elif string := _STRING.match(source, stop):
            self.code = string.end()
        else:
            raise _UncertainError
        return False

    def string_end(self, opening: int, quote: bytes, *, fields: bool) -> int:
        """Return where a triple-quoted string ends."""
        source = self.source
        end = source.find(quote, opening + 3)
        while end >= 0 and source[end - 1] == _BACKSLASH:
            run = source[opening + 3 : end]
            if (len(run) - len(run.rstrip(b"\\"))) % 2 == 0:
                break
            end = source.find(quote, end + 1)
        if end < 0:
            raise _UncertainError
        if fields:
            body = source[opening + 3 : end]
            opened, closed = body.count(b"{"), body.count(b"}")
            if opened != closed or b"{{" in body or b"}}" in body:
                raise _UncertainError
        return end + 3

    def statement_at(self, word: int, line: int) -> ImportStatement | None:
        """Return the statement that an ``import`` outside of triple quotes belongs to."""
        source = self.source
        start = self.line_start(word)
        if start == self.start or source[start - 1] == ord("\n"):
            match = _STATEMENT.match(source, start)
            if match:
                self.code = match.end()
                return _statement(match, line)
        if self.is_code(start, word):
            raise _UncertainError
        return None

    def mark_type_checking(self, found: list[ImportStatement]) -> None:
        """Mark the statements under ``if TYPE_CHECKING:``."""
        source = self.source
        taken = sorted([*self.strings, *((s.start, s.end) for s in found)])
        at = self.start
        while 0 <= (at := source.find(b"TYPE_CHECKING", at)) < found[-1].start:
            inside = next((end for start, end in taken if start <= at < end), None)
            if inside is not None:
                at = inside
                continue
            start = source.rfind(b"\n", 0, at) + 1
            block = _TYPE_CHECKING.match(source, start)
            if block:
                self.code = 0
                self.line_start(at)
                self.mark_block(found, block.end(), block[1])
            elif source[start:at].lstrip(b" \t")[:1] != b"#" and not _is_quoted(source, at):
                raise _UncertainError
            at += 1

    def mark_block(self, found: list[ImportStatement], at: int, outer: bytes) -> None:
        """Mark the statements of one block, which starts at a line and is deeper than another."""
        source = self.source
        index = next((i for i, s in enumerate(found) if s.start >= at), len(found))
        while index < len(found) and at < len(source):
            indent = _INDENT.match(source, at)[0]  # type: ignore[index] # matches always
            empty = _EMPTY_LINE.match(source, at)
            if empty:
                at = empty.end()
            elif not (indent.startswith(outer) and len(indent) > len(outer)):
                if not outer.startswith(indent):
                    raise _UncertainError
                return
            elif at + len(indent) == found[index].start:
                found[index] = found[index]._replace(runs=False)
                at = source.find(b"\n", found[index].end) + 1 or len(source)
                index += 1
            elif simple := _SIMPLE_LINE.match(source, at):
                at = simple.end()
            else:
                raise _UncertainError


def _is_quoted(source: bytes, at: int) -> bool:
    before, after = source[at - 1 : at], source[at + 13 : at + 14]
    return before == after and before in (b'"', b"'")


def _statement(match: re.Match[bytes], line: int) -> ImportStatement:
    if match["plain"]:
        start, end = match.span("plain")
        aliases = _aliases(match["modules"])
        return ImportStatement(line, start, end, 0, None, aliases, True)
    start, end = match.span("from")
    module = (match["module"] or match["rest"] or b"").decode()
    inner = match["inner"]
    names = match["star"] or (match["names"] if inner is None else _INNER_COMMENT.sub(b"", inner))
    level = len(match["dots"] or b"")
    return ImportStatement(line, start, end, level, module, _aliases(names), True)


def _aliases(text: bytes) -> tuple[tuple[str, str | None], ...]:
    if b"," not in text and b" " not in text and b"\t" not in text:
        return ((text.strip().decode(), None),)
    parts = [part.split() for part in text.decode().split(",")]
    if len(parts) > 1 and not parts[-1]:
        parts.pop()
    aliases: list[tuple[str, str | None]] = []
    for part in parts:
        if len(part) == 1:
            aliases.append((part[0], None))
        elif len(part) == 3 and part[1] == "as":
            aliases.append((part[0], part[2]))
        else:
            raise _UncertainError
    return tuple(aliases)
