"""The root of the errors; the others, and the tree of them all, are in `errors`."""

from __future__ import annotations

__all__ = ["TgError"]


def _rebuild(cls: type[TgError], args: tuple[object, ...], state: dict[str, object]) -> TgError:
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(state)
    return error


class TgError(Exception):
    """The root of all errors of this library.

    Parameters
    ----------
    what
        What failed, as a clause with the offending value in it.
    hint
        What to do next, as a sentence.

    Example
    -------
    >>> str(TgError("the name 'a b' has a space", hint="Call it 'a_b'."))
    "the name 'a b' has a space. Call it 'a_b'."
    """

    def __init__(self, what: str, *, hint: str = "") -> None:
        super().__init__(f"{what.rstrip('.')}. {hint}" if hint else what)
        self.what = what
        self.hint = hint

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)
