"""The environment variables that a training is given."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from ..._core.errors import ConfigError

__all__ = ["training_variables", "without_bars"]


def training_variables(given: Mapping[str, str] | Sequence[str]) -> dict[str, str]:
    """Give the variables with their values.

    Parameters
    ----------
    given
        Name to value, or just the names of those that are set here.

    Raises
    ------
    ConfigError
        One is not set here, or a name or value cannot be that of a variable.

    Example
    -------
    >>> training_variables({"KEY": "value"})
    {'KEY': 'value'}
    """
    if isinstance(given, str):
        raise ConfigError(f"environment is a text: {given!r}", hint="Give a list of texts.")
    if not isinstance(given, Mapping):
        missing = [name for name in given if name not in os.environ]
        if missing:
            raise ConfigError(
                f"the environment has no {', '.join(missing)}",
                hint="Set it, or give the value: environment={name: value}.",
            )
        given = {name: os.environ[name] for name in given}
    for name, value in given.items():
        if not isinstance(name, str) or not name or "=" in name or not isinstance(value, str):
            raise ConfigError(
                f"the variable {name!r} has the value {value!r}", hint="Both must be text."
            )
        if not name.isprintable() or "\0" in value:
            raise ConfigError(
                f"the variable {name!r}, or its value, has a character that none can have",
                hint="Names have no line breaks, values no zero bytes.",
            )
    return dict(given)


def without_bars() -> dict[str, str]:
    """Give the variable that keeps progress bars out of a log, unless this user wants them."""
    return {"TQDM_DISABLE": os.environ.get("TQDM_DISABLE", "1")}
