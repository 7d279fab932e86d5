"""Texts of others, as a journal and a table can hold them."""

from __future__ import annotations

__all__ = ["error_text", "plain_text"]

_KEPT = 100_000


def plain_text(text: str) -> str:
    r"""Give what UTF-8 can hold of a text, without the middle of one that is very long.

    Parameters
    ----------
    text
        Any text, such as one with the name of a file that is no UTF-8.

    Returns
    -------
    str
        200,000 characters at most, and how many are left out.

    Example
    -------
    >>> plain_text("cannot read caf\udce9.csv")
    'cannot read caf\\udce9.csv'
    """
    left_out = len(text) - 2 * _KEPT
    if left_out > 0:
        text = f"{text[:_KEPT]}\n... {left_out} characters ...\n{text[-_KEPT:]}"
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def error_text(error: BaseException) -> str:
    """Give what an error says, or its kind if it says nothing or cannot.

    Parameters
    ----------
    error
        Any error, also one of a class of the user's own.

    Example
    -------
    >>> error_text(KeyError()), error_text(ValueError("too small"))
    ('KeyError()', 'too small')
    """
    try:
        return plain_text(str(error) or repr(error))
    except Exception:  # noqa: BLE001 - the texts of a user's own class are the user's code
        return type(error).__name__
