"""The variables of a container, on their way to the engine."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from .scratch_folder import scratch_folder

__all__ = ["PassedVariables", "pass_variables"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\Z")
_LINE_BYTES = 60_000  # the client reads lines of up to 64 KiB


@dataclass(frozen=True, kw_only=True)
class PassedVariables:
    """How ``docker run`` is told of them.

    Attributes
    ----------
    options
        Its options.
    client
        Variables that the client must have.
    """

    options: tuple[str, ...]
    client: Mapping[str, str]


@contextmanager
def pass_variables(variables: Mapping[str, str]) -> Iterator[PassedVariables]:
    """Hand variables over without showing their values in a command line.

    They go through a file that only this user reads: the client itself obeys ``HOME``, ``PATH``,
    ``DOCKER_HOST`` and others, so that it must not get the container's. Only what no line of such
    a file can hold, as a value of several lines, goes through the client's environment.

    Parameters
    ----------
    variables
        Name to value.

    Example
    -------
    >>> with pass_variables({"HOME": "/tmp", "KEY": "two" + chr(10) + "lines"}) as passed:
    ...     sorted(passed.client), passed.options[2:]
    (['KEY'], ('--env', 'KEY'))
    """
    lines = {name: value for name, value in variables.items() if _is_line(name, value)}
    client = {name: value for name, value in variables.items() if name not in lines}
    options = [word for name in sorted(client) for word in ("--env", name)]
    if not lines:
        yield PassedVariables(options=tuple(options), client=client)
        return
    with scratch_folder() as folder:
        file = folder / "variables"
        text = "".join(f"{name}={value}\n" for name, value in sorted(lines.items()))
        file.write_text(text, encoding="utf-8", newline="\n")
        yield PassedVariables(options=("--env-file", str(file), *options), client=client)


def _is_line(name: str, value: str) -> bool:
    # what is printable has no line breaks and is text; the rest of the client's rules is avoided
    return bool(_NAME.match(name)) and value.isprintable() and len(value.encode()) < _LINE_BYTES
