"""What builds keep in the engine of the libraries that they have downloaded."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..._core.errors import EngineError
from .engine import DockerEngine, passing_over
from .inspection import parsed
from .labels import UV_CACHE, UV_CACHE_PLACE

__all__ = ["BuildCaches", "HeldCache"]

_MOUNT = f"cached mount {UV_CACHE_PLACE} from exec "
_FORM = (
    '{{range .Volumes}}{"volume":{{json .Name}},"size":{{json .Size}}}{{println}}{{end}}'
    '{{range .BuildCache}}{"mount":{{json .ID}},"size":{{json .Size}},'
    '"description":{{json .Description}}}{{println}}{{end}}'
)
_SECONDS = 600.0
# of older engines: they measure for one at a time, and not what goes while they look at it
_ASK_AGAIN = ("already running", "was not found (corruption?)")
_ATTEMPTS = 60
_PAUSE_SECONDS = 0.5
_SIZE = re.compile(r"([0-9.]+(?:e\+?[0-9]+)?) ?([kMGTP]?)B\Z")


@dataclass(frozen=True, kw_only=True)
class HeldCache:
    """A cache of downloads.

    Attributes
    ----------
    kind
        ``"volume"`` of the classic builder, or ``"mount"`` of BuildKit.
    id
        What the engine calls it.
    size_bytes
        To about four digits.
    """

    kind: str
    id: str
    size_bytes: int


class BuildCaches:
    """Finds and removes the caches of builds.

    Parameters
    ----------
    engine
        Where they are.
    sleep
        Waits, in seconds.
    """

    def __init__(self, engine: DockerEngine, sleep: Callable[[float], object] = time.sleep) -> None:
        self._engine = engine
        self._sleep = sleep

    def find(self) -> list[HeldCache]:
        """Find them. The engine measures all that it holds for that, which may take a while.

        Raises
        ------
        EngineError
            It measures for somebody else all the time.
        FormatError
            It answers in a way that is not known.
        """
        lines = self._usage()
        return parsed("its use of the disk", lambda: _caches(lines))

    def remove(self, cache: HeldCache) -> None:
        """Remove one; one that is not there is left as it is.

        Raises
        ------
        EngineError
            A build uses it.
        """
        args = ["builder", "prune", "--force", "--all", "--filter", f"id={cache.id}"]
        if cache.kind == "volume":
            args = ["volume", "rm", cache.id]
        with passing_over("no such volume"):
            self._engine.call(args, timeout_seconds=_SECONDS)

    def _usage(self) -> list[str]:
        lines: list[str] = []
        for attempt in range(_ATTEMPTS):
            lines.clear()
            try:
                self._engine.call(
                    ["system", "df", "--verbose", "--format", _FORM],
                    timeout_seconds=_SECONDS,
                    on_line=lines.append,
                )
                break
            except EngineError as exc:
                is_passing = any(words in exc.what for words in _ASK_AGAIN)
                if not is_passing or attempt == _ATTEMPTS - 1:
                    raise
            self._sleep(_PAUSE_SECONDS)
        return [line for line in lines if line.startswith("{")]


def _caches(lines: Sequence[str]) -> list[HeldCache]:
    found = []
    for line in lines:
        values = json.loads(line)
        if values.get("volume") == UV_CACHE:
            found.append(_cache("volume", UV_CACHE, values["size"]))
        elif str(values.get("description", "")).startswith(_MOUNT):
            found.append(_cache("mount", values["mount"], values["size"]))
    return found


def _cache(kind: str, name: str, size: str) -> HeldCache:
    return HeldCache(kind=kind, id=name, size_bytes=_bytes(size))


def _bytes(text: str) -> int:
    """Read a size as the client writes it: in powers of 1,000."""
    found = _SIZE.match(text)
    if found is None:
        return 0  # it was not measured: "N/A"
    return round(float(found.group(1)) * 1000.0 ** " kMGTP".index(found.group(2) or " "))
