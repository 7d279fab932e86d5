"""Faults as one writes them on a command line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..common._core.errors import ConfigError
from .faults import Faults

__all__ = ["FAULT_NAMES", "ask_for_fault"]

FAULT_NAMES = (
    "throttle",
    "server-error",
    "slow",
    "expired-token",
    "access-denied",
    "drop-during",
    "drop-after",
    "no-capacity",
    "interruption",
    "breakdown",
)
_ALWAYS = "always"
_FORM = "Write KIND:TARGET, with ,times=N ,after=N or ,seconds=S behind it"


def ask_for_fault(faults: Faults, text: str) -> None:
    """Ask for a fault.

    Parameters
    ----------
    faults
        Where it is asked for.
    text
        Kind and target, such as ``throttle:s3.PutObject``, ``slow:logs.*,seconds=2`` or
        ``no-capacity:ml.p3.*,times=always``; as the methods of `Faults` take them.

    Raises
    ------
    ConfigError
        It cannot be read.

    Example
    -------
    >>> faults = Faults()
    >>> ask_for_fault(faults, "throttle:s3.PutObject,after=1")
    >>> faults.refusal("s3.PutObject") is None, faults.refusal("s3.PutObject").status
    (True, 503)
    """
    head, *settings = text.split(",")
    kind, _, target = head.partition(":")
    if kind not in FAULT_NAMES or not target:
        raise ConfigError(
            f"there is no fault {text!r}", hint=f"{_FORM}. Kinds: {', '.join(FAULT_NAMES)}."
        )
    values: dict[str, Any] = {}
    for setting in settings:
        key, _, value = setting.partition("=")
        try:
            values[key] = _READERS[key](value)
        except (KeyError, ValueError) as exc:
            raise ConfigError(f"the fault {text!r} has {setting!r}", hint=f"{_FORM}.") from exc
    method = getattr(faults, kind.replace("-", "_"))
    try:
        method(target, **values)
    except TypeError as exc:
        raise ConfigError(
            f"the fault {text!r} lacks its seconds or has too many", hint=_FORM
        ) from exc


def _times(text: str) -> int | None:
    return None if text == _ALWAYS else int(text)


_READERS: dict[str, Callable[[str], Any]] = {"times": _times, "after": int, "seconds": float}
