"""A legal name from any text and a suffix that is never cut."""

from __future__ import annotations

import re
import unicodedata

from ..._core.errors import NamingError
from .node import digest_of
from .target import SAGEMAKER_JOB, Target

__all__ = ["cleaned", "job_name", "suffixed_name"]

_DIGEST_LENGTH = 8


def job_name(base: str, suffix: str) -> str:
    """Make a SageMaker job name.

    Parameters
    ----------
    base
        Any text, such as a task's name. What a job name cannot have becomes ``-``; what does not
        fit is cut off, and a hash of the text takes its place.
    suffix
        What makes the name unique: letters, digits and ``-`` within, 54 at most. It is never
        changed.

    Returns
    -------
    str
        The same for the same arguments; 63 characters at most.

    Raises
    ------
    NamingError
        If the base is empty, or the suffix is illegal or too long.

    Example
    -------
    >>> job_name("singleframetrainingtask", "2026-01-31-16-37-38-ab12cd")
    'singleframetrainingtask-2026-01-31-16-37-38-ab12cd'
    >>> job_name("Größe_1", "0")
    'Grosse-1-0'
    """
    return suffixed_name(base, suffix, target=SAGEMAKER_JOB)


def suffixed_name(base: str, suffix: str, *, target: Target) -> str:
    """Make a legal name for any target.

    Parameters
    ----------
    base
        Any text.
    suffix
        What makes the name unique; never changed.
    target
        The place where the name is used.

    Raises
    ------
    NamingError
        If the base is empty, or the suffix is illegal or too long.

    Example
    -------
    >>> from .target import PYTHON_MODULE
    >>> suffixed_name("my task", "v2", target=PYTHON_MODULE)
    'my_task_v2'
    """
    room = target.limit - len(suffix) - len(target.joiner)
    if room < _DIGEST_LENGTH:
        raise NamingError(
            f"the suffix {suffix!r} has {len(suffix)} characters, and a {target.title} of at most "
            f"{target.limit} keeps {_DIGEST_LENGTH + len(target.joiner)} for what stands before it",
            hint="Make it shorter.",
        )
    ends_well = all(end.isascii() and end.isalnum() for end in (suffix[:1], suffix[-1:]))
    if not ends_well or not target.is_legal(f"a{target.joiner}{suffix}"):
        raise NamingError(
            f"the suffix {suffix!r} cannot end a {target.title}",
            hint="Give letters and digits.",
        )
    head = cleaned(base, target, room)
    return target.check(f"{head}{target.joiner}{suffix}")


def cleaned(text: str, target: Target, limit: int | None = None) -> str:
    """Make a text legal.

    Parameters
    ----------
    text
        Any text but an empty one.
    target
        The place where the name is used.
    limit
        The greatest length in characters, 8 at least; the target's if not given.

    Returns
    -------
    str
        Accents are taken off; what is illegal becomes the joiner; what does not fit is cut off
        with a hash of the whole text in its place, which also stands for a text without any Latin
        letter or digit.

    Raises
    ------
    NamingError
        If the text is empty.

    Example
    -------
    >>> cleaned("naïve bayes/v2", SAGEMAKER_JOB)
    'naive-bayes-v2'
    """
    if not text:
        raise NamingError("the name is empty", hint="Give a text to make a name of.")
    limit = target.limit if limit is None else limit
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss")).encode("ascii", "ignore")
    joined = re.sub(r"[^A-Za-z0-9]+", target.joiner, plain.decode()).strip(target.joiner)
    if target.lower_case:
        joined = joined.lower()
    # a letter to begin with is legal everywhere
    digest = f"h{digest_of(text, _DIGEST_LENGTH - 1)}"
    if not joined:
        return digest
    if not target.is_legal(joined[0]) or joined in target.reserved:
        joined = f"h{joined}"
    if len(joined) > limit:
        kept = joined[: max(0, limit - len(digest) - len(target.joiner))].rstrip(target.joiner)
        joined = f"{kept}{target.joiner}{digest}" if kept else digest
    return joined
