"""The processor that an image is for."""

from __future__ import annotations

__all__ = ["machine_of"]

_PYTHON_NAMES = {"amd64": "x86_64", "arm64": "aarch64"}


def machine_of(platform: str) -> str:
    """Give the processor of a platform in Python's words, ``linux/arm64`` being ``aarch64``.

    Parameters
    ----------
    platform
        As Docker calls it, with a variant or without; or the processor alone.

    Example
    -------
    >>> machine_of("linux/amd64"), machine_of("linux/arm64/v8"), machine_of("x86_64")
    ('x86_64', 'aarch64', 'x86_64')
    """
    machine = platform.split("/")[1] if "/" in platform else platform
    return _PYTHON_NAMES.get(machine.lower(), machine.lower())
