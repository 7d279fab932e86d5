"""The protocol numbers of stored formats."""

from __future__ import annotations

from .errors import ProtocolError

__all__ = ["check_protocol"]


def check_protocol(found: object, known: int, what: str) -> None:
    """Refuse what is stored in a way that this version does not know.

    Parameters
    ----------
    found
        The protocol number that was read.
    known
        The one that this version reads.
    what
        What has it, for the error.

    Raises
    ------
    ProtocolError
        They differ.

    Example
    -------
    >>> check_protocol(2, 1, "run.json")
    Traceback (most recent call last):
        ...
    tg.common._core.errors.ProtocolError: run.json has protocol 2, this version reads 1. ...
    """
    # a bool is equal to a number as well
    if type(found) is not int or found != known:
        raise ProtocolError(
            f"{what} has protocol {found!r}, this version reads {known}",
            hint="Open it with the version of training-grounds that wrote it, or a newer one.",
        )
