"""Strings, written in letters and digits that every target allows, and back."""

from __future__ import annotations

import functools
import re

from .target import Target

__all__ = ["escape", "token_pattern", "unescape"]

# ``z`` begins every escape; what follows it here never opens a structure (see encoding.py)
_CODES = {
    "z": "z",
    "_": "u",
    "-": "d",
    ".": "p",
    "/": "h",
    " ": "w",
    ":": "k",
    "=": "q",
    ",": "g",
}
_CHARACTERS = {code: character for character, code in _CODES.items()}
_SPECIAL = re.compile(r"[A-Y]+|[^a-y0-9]")
_ESCAPED = re.compile(r"zl([a-y]+)(?:zl)?|zc([a-z])|zx([0-9a-f]+)z|z([zudphwkqg])")


@functools.cache
def token_pattern(verbatim: str) -> re.Pattern[str]:
    """Make the pattern of an escaped string.

    Parameters
    ----------
    verbatim
        What the target takes besides letters and digits.

    Returns
    -------
    re.Pattern
        Matches the longest escaped string from a place on, an empty one too.
    """
    plain = re.escape(verbatim)
    return re.compile(rf"(?:[a-yA-Z0-9{plain}]|z(?:c[a-z]|x[0-9a-f]+z|[lzudphwkqg]))*")


def escape(text: str, target: Target) -> str:
    """Write a string without the characters that the target lacks.

    Parameters
    ----------
    text
        Any string.
    target
        Where capitals, dots and underscores may be allowed.

    Returns
    -------
    str
        Letters and digits, and what the target takes verbatim; never its joiner.

    Example
    -------
    >>> from .target import PYTHON_MODULE, SAGEMAKER_JOB
    >>> escape("flan_T5", SAGEMAKER_JOB), escape("flan_T5", PYTHON_MODULE)
    ('flanzuT5', 'flanzuzct5')
    """
    if text.isalnum() and text.isascii() and text.islower() and "z" not in text:
        return text

    def replace(match: re.Match[str]) -> str:
        found = match[0]
        if "A" <= found[0] <= "Z":
            if not target.lower_case:
                return found
            if len(found) == 1:
                return f"zc{found.lower()}"
            # a run of capitals; its end is written where a small letter would seem to go on
            following = text[match.end() : match.end() + 1]
            return f"zl{found.lower()}{'zl' if 'a' <= following <= 'y' else ''}"
        if found in target.verbatim:
            return found
        code = _CODES.get(found)
        return f"zx{ord(found):x}z" if code is None else f"z{code}"

    return _SPECIAL.sub(replace, text)


def unescape(token: str) -> str:
    """Read what :func:`escape` wrote, for whichever target.

    Parameters
    ----------
    token
        An escaped string.
    """

    def restore(match: re.Match[str]) -> str:
        run, capital, point, code = match.groups()
        if run or capital:
            return str(run or capital).upper()
        return chr(int(point, 16)) if point else _CHARACTERS[code]

    return _ESCAPED.sub(restore, token)
