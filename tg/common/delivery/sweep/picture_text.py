"""Texts of others, as a picture can show them."""

from __future__ import annotations

__all__ = ["picture_text"]

_MOST = 40


def picture_text(text: str) -> str:
    r"""Give a text as it may stand in a picture: short, on one line, and with no formula in it.

    Parameters
    ----------
    text
        The name or the value of a parameter, or the name of a metric or a task.

    Returns
    -------
    str
        40 characters and an ellipsis at most; dollars, between which matplotlib reads formulas,
        are marked as such.

    Example
    -------
    >>> print(picture_text("costs $5 to $10"), picture_text("x" * 50))
    costs \$5 to \$10 xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
    """
    shown = text if len(text) <= _MOST else f"{text[:_MOST]}…"
    # a picture is XML, which has no place for most of what cannot be printed
    printable = "".join(letter if letter.isprintable() else " " for letter in shown)
    return printable.replace("$", r"\$")
