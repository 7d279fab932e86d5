"""Which builder makes images here: BuildKit, or the classic one."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass

from ..._core.errors import ConfigError, EngineError
from .engine import DockerEngine

__all__ = ["BUILDKIT", "CLASSIC", "Builder", "find_builder"]

BUILDKIT = "buildkit"
CLASSIC = "classic"

# since version 20.10 a Dockerfile may have mounts, for which older ones fetch a syntax first
_FIRST_WITH_MOUNTS = 20
# until this version the client had BuildKit built in, since then it is the plugin buildx
_FIRST_WITHOUT_BUILDKIT = 23


@dataclass(frozen=True, kw_only=True)
class Builder:
    """A builder and the client that has it.

    Attributes
    ----------
    kind
        ``"buildkit"`` or ``"classic"``.
    program
        The client.
    """

    kind: str
    program: str

    @property
    def is_buildkit(self) -> bool:
        """Whether it knows mounts of caches and secrets."""
        return self.kind == BUILDKIT


def find_builder(engine: DockerEngine, kind: str | None = None) -> Builder:
    """Find BuildKit in one of the clients on ``PATH``, or else take the classic builder.

    Parameters
    ----------
    engine
        The engine; its own client is asked first.
    kind
        ``"buildkit"`` or ``"classic"`` to have that one; ``TG_BUILDER`` of the environment, or
        whatever is best, if ``None``.

    Raises
    ------
    ConfigError
        There is no such kind.
    EngineError
        BuildKit is asked for, and no client has it.
    """
    wanted = kind or os.environ.get("TG_BUILDER") or None
    if wanted not in (None, BUILDKIT, CLASSIC):
        where = "" if kind else ", which TG_BUILDER names"
        raise ConfigError(
            f"there is no builder {wanted!r}{where}", hint=f"Choose {BUILDKIT!r} or {CLASSIC!r}."
        )
    if wanted != CLASSIC and _knows_mounts(engine):
        for program in _clients(engine):
            if _has_buildkit(engine, program):
                return Builder(kind=BUILDKIT, program=program)
    if wanted == BUILDKIT:
        raise EngineError(
            f"no docker client here has BuildKit, or its engine is older than "
            f"{_FIRST_WITH_MOUNTS}.10: {', '.join(_clients(engine))}",
            hint="Install its plugin buildx, or leave the builder out to use the classic one.",
        )
    return Builder(kind=CLASSIC, program=engine.program)


def _clients(engine: DockerEngine) -> Iterator[str]:
    yield engine.program
    seen = {os.path.realpath(shutil.which(engine.program) or engine.program)}
    for folder in os.get_exec_path():
        path = shutil.which("docker", path=folder)
        if path is not None and os.path.realpath(path) not in seen:
            seen.add(os.path.realpath(path))
            yield path


def _has_buildkit(engine: DockerEngine, program: str) -> bool:
    try:
        engine.call(["buildx", "version"], program=program)
    except EngineError:
        # the old client passes words that it does not know to the top-level help, and fails
        version = _major_version(engine, program)
        return _FIRST_WITH_MOUNTS <= version < _FIRST_WITHOUT_BUILDKIT
    return True


def _knows_mounts(engine: DockerEngine) -> bool:
    found = re.match(r"(\d+)\.", engine.version())
    return found is None or int(found.group(1)) >= _FIRST_WITH_MOUNTS


def _major_version(engine: DockerEngine, program: str) -> int:
    try:
        output = engine.call(["--version"], program=program).output
    except EngineError:
        return 0
    found = re.search(r"Docker version (\d+)\.", output)
    return int(found.group(1)) if found else 0
