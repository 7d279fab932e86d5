"""Virtual environments, made once for each lock and kept."""

from __future__ import annotations

import importlib.util
import json
import logging
import shutil
import sys
import sysconfig
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..._core.errors import CommandError, ConfigError, EnvironmentSetupError, TgError
from ..._core.file_lock import FileLock
from ..._core.files import atomic_write, unique_folder
from ..._core.loc import Loc
from ..._core.process import Runner, run
from ..delivery.installed import lock_hash
from ..delivery.uv_binary import find_uv
from .installers import Installer, PipInstaller, UvInstaller, python_of

__all__ = ["EnvironmentCache", "PythonEnvironment"]

_log = logging.getLogger(__name__)
_PROTOCOL = 1
_TAIL_CHARACTERS = 1_500


@dataclass(frozen=True, kw_only=True)
class PythonEnvironment:
    """A virtual environment that holds what a lock says.

    Attributes
    ----------
    python
        Its interpreter: ``[str(python), "-m", module]`` runs in it.
    lock
        The requirements, sorted.
    path
        Its folder.
    """

    python: Path
    lock: tuple[str, ...]
    path: Path


class EnvironmentCache:
    """Makes an environment for each lock and keeps it.

    An environment is known by the hash of its lock, the minor version of Python and the platform.
    Two processes that want the same one make it once; what a killed process began is made anew.
    uv is used where it is found, else ``venv`` and pip; where uv fails, pip is tried.

    Parameters
    ----------
    root
        The folder of all environments; ``Loc.user_cache_path / "environments"`` if ``None``.
    runner
        Runs the installer.
    on_line
        Called with each line of progress; ``None`` for the log of this module.
    timeout_seconds
        How long one step of an installation may take.

    Example
    -------
    >>> EnvironmentCache(Path("/tmp/environments")).find(["six==1.17.0"]) is None
    True
    """

    def __init__(
        self,
        root: Path | None = None,
        runner: Runner = run,
        *,
        on_line: Callable[[str], None] | None = None,
        timeout_seconds: float = 1_800.0,
    ) -> None:
        self._root = root
        self._runner = runner
        self._on_line = on_line or _log_line
        self._timeout_seconds = timeout_seconds

    @property
    def root(self) -> Path:
        """The folder of all environments."""
        return self._root or Loc.user_cache_path / "environments"

    def find(self, lock: Sequence[str], *, resolve: bool = False) -> PythonEnvironment | None:
        """Return the environment of a lock if it is there and whole."""
        lines = _checked(lock)
        return self._read(self._place(lines, resolve=resolve), lines)

    def get(self, lock: Sequence[str], *, resolve: bool = False) -> PythonEnvironment:
        """Return the environment of a lock; make it if need be.

        Parameters
        ----------
        lock
            All that is to be installed, such as `lock_of` gives: nothing is added to it.
        resolve
            Whether the installer looks for what the requirements need in turn: for requirements
            that are no full lock.

        Returns
        -------
        PythonEnvironment
            Made by the Python that runs now, bytecode compiled.

        Raises
        ------
        EnvironmentSetupError
            It cannot be made; what the installers said is in the message.
        """
        lines = _checked(lock)
        place = self._place(lines, resolve=resolve)
        found = self._read(place, lines)
        if found is not None:
            return found
        try:
            with FileLock(place.with_suffix(".lock")):
                return self._read(place, lines) or self._make(place, lines, resolve=resolve)
        except EnvironmentSetupError:
            raise
        except (OSError, TgError) as exc:
            raise EnvironmentSetupError(
                f"the environment in {place} cannot be made: {exc}",
                hint="Free some space there, or set TG_CACHE to another folder.",
            ) from exc

    def _place(self, lines: tuple[str, ...], *, resolve: bool) -> Path:
        python = f"py{sys.version_info.major}{sys.version_info.minor}"
        tag = f"{python}-{sys.implementation.name}-{sysconfig.get_platform()}"
        how = "resolved" if resolve else "exact"
        key = lock_hash([f"# {tag} {how} {_PROTOCOL}", *lines])[:20]
        return self.root.absolute() / f"{python}-{key}"

    def _read(self, place: Path, lines: tuple[str, ...]) -> PythonEnvironment | None:
        """Read which of the attempts at an environment succeeded."""
        try:
            record = json.loads((place / "complete.json").read_bytes())
            path = place / record["folder"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        python = python_of(path)
        # its base interpreter may have been removed since: a link that leads nowhere
        if record.get("protocol") != _PROTOCOL or not python.exists():
            return None
        return PythonEnvironment(python=python, lock=lines, path=path)

    def _make(self, place: Path, lines: tuple[str, ...], *, resolve: bool) -> PythonEnvironment:
        if not sys.executable:
            raise EnvironmentSetupError(
                "this Python does not know its own executable", hint="Start it as `python`."
            )
        # Each attempt has a folder of its own: the installer of a process that was killed may
        # still be writing to the last one.
        shutil.rmtree(place, ignore_errors=True)
        failures: dict[str, CommandError] = {}
        for installer in self._installers():
            path = unique_folder(place, "env-")
            began = time.monotonic()
            self._on_line(f"Making an environment of {len(lines)} libraries with {installer.name}")
            try:
                _fill(installer, path, lines, resolve=resolve)
            except CommandError as exc:
                failures[installer.name] = exc
                self._on_line(f"{installer.name} failed")
                continue
            seconds = time.monotonic() - began
            record = {"protocol": _PROTOCOL, "folder": path.name, "lock": lines}
            atomic_write(place / "complete.json", json.dumps(record, indent=1).encode())
            self._on_line(f"The environment is ready after {seconds:.1f} seconds")
            return PythonEnvironment(python=python_of(path), lock=lines, path=path)
        shutil.rmtree(place, ignore_errors=True)
        raise _failed(lines, failures) from next(reversed(failures.values()))

    def _installers(self) -> list[Installer]:
        uv = find_uv()
        found: list[Installer] = [] if uv is None else [UvInstaller(self._run, uv)]
        if uv is None or importlib.util.find_spec("ensurepip") is not None:
            found.append(PipInstaller(self._run))
        return found

    def _run(self, argv: Sequence[str], env: Mapping[str, str | None]) -> None:
        self._runner(argv, env=env, timeout_seconds=self._timeout_seconds, on_line=self._on_line)


def _checked(lock: Sequence[str]) -> tuple[str, ...]:
    if isinstance(lock, str) or not all(isinstance(line, str) for line in lock):
        raise ConfigError(
            f"a lock is a sequence of requirements, not {lock!r}", hint="Give what `lock_of` gives."
        )
    return tuple(sorted(set(lock)))


def _fill(installer: Installer, path: Path, lines: tuple[str, ...], *, resolve: bool) -> None:
    """Make the environment `path` of `lines`; what fails is removed."""
    try:
        installer.create(path)
        if lines:
            requirements = path / "requirements.txt"
            atomic_write(requirements, "".join(f"{line}\n" for line in lines).encode())
            installer.fill(path, requirements, resolve=resolve)
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        raise


def _failed(lines: Sequence[str], failures: dict[str, CommandError]) -> EnvironmentSetupError:
    said = "\n".join(
        f"--- {name} ---\n{(error.output or str(error))[-_TAIL_CHARACTERS:].strip()}"
        for name, error in failures.items()
    )
    hint = "Is the index reachable, and does it have these versions?"
    local = [line for line in lines if "+" in line.partition("==")[2] and "://" not in line]
    if local:
        hint += (
            f" {', '.join(local)} is a build that only its own index has: name that index in "
            "PIP_EXTRA_INDEX_URL, or ask for the public version in a DependencyList."
        )
    return EnvironmentSetupError(
        f"an environment of {len(lines)} libraries could not be made", hint=f"{hint}\n{said}"
    )


def _log_line(line: str) -> None:
    _log.info("%s", line)
