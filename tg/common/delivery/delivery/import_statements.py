"""What reading one source file for its imports gives: statements and literal import calls."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["ImportCall", "ImportStatement"]


# Named tuples and not dataclasses: a package holds thousands of them, and a frozen dataclass
# takes four times as long to make.
class ImportStatement(NamedTuple):
    """One ``import`` or ``from ... import`` statement.

    Parameters
    ----------
    line
        The line it starts on, from 1.
    start, end
        Byte offsets in the text: where its first keyword starts, where its last token ends.
    level
        The number of leading dots.
    module
        What a from-import imports from, without dots; ``None`` for a plain import.
    aliases
        Each imported name with what it is bound as, if that is said.
    runs
        False under ``if TYPE_CHECKING:``.
    """

    line: int
    start: int
    end: int
    level: int
    module: str | None
    aliases: tuple[tuple[str, str | None], ...]
    runs: bool


class ImportCall(NamedTuple):
    """One call that imports by a literal name, such as ``importlib.import_module("a.b")``.

    Parameters
    ----------
    line
        The line of the literal.
    start, end
        Byte offsets of the literal that names the module absolutely; equal if there is none.
    literal
        What that literal says.
    level, module, names
        What is imported, as in a from-import; no names for a whole module.
    globals_span, level_span
        For ``__import__``, where its ``globals`` and ``level`` arguments stand, or twice the
        place where they can be added; ``None`` for other functions.
    runs
        False under ``if TYPE_CHECKING:``.
    """

    line: int
    start: int
    end: int
    literal: str
    level: int
    module: str
    names: tuple[str, ...]
    globals_span: tuple[int, int] | None
    level_span: tuple[int, int] | None
    runs: bool
