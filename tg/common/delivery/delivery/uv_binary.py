"""uv: the one of this machine, and one that runs in a container of another."""

from __future__ import annotations

import importlib.util
import logging
import shutil
import struct
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from packaging.version import InvalidVersion, Version

from ..._core.errors import CommandError, ConfigError, EnvironmentSetupError, TgError
from ..._core.file_lock import FileLock
from ..._core.files import atomic_folder
from ..._core.loc import Loc
from ..._core.process import Runner, run
from .index_settings import uv_settings
from .machine import machine_of

__all__ = ["find_uv", "uv_for"]

_log = logging.getLogger(__name__)
_TIMEOUT_SECONDS = 600.0
_TAIL_CHARACTERS = 1_500
# the e_machine of the ELF header (System V ABI, supplements for AMD64 and for AArch64)
_MACHINES = {"amd64": 62, "arm64": 183}
_ALIASES = {"x86_64": "amd64", "aarch64": "arm64"}
_ELF_HEADER = struct.Struct("<4sB13xH12xQ14xHH")
_PT_INTERP = 3
# What a user set for other installations must not lead this one elsewhere.
_ENVIRONMENT: Mapping[str, str | None] = {
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_REQUIRE_VIRTUALENV": None,
    "PYTHONHOME": None,
    "PYTHONPATH": None,
    "UV_NO_PROGRESS": "1",
    "UV_PYTHON_DOWNLOADS": "never",
    "VIRTUAL_ENV": None,
}


def find_uv() -> str | None:
    """Find uv: the one installed beside this Python first, as a shim on PATH may lead nowhere.

    Example
    -------
    >>> uv = find_uv()
    >>> uv is None or Path(uv).is_file()
    True
    """
    if importlib.util.find_spec("uv") is not None:
        from uv import find_uv_bin  # noqa: PLC0415 - optional

        try:
            return str(find_uv_bin())
        except FileNotFoundError:
            pass  # the library without its program
    return shutil.which("uv")


def uv_for(platform: str, *, runner: Runner = run) -> Path:
    """Return a uv that runs in a container of a platform.

    It is the statically linked build, which runs on every base: that of Debian as well as that of
    Alpine. Unless this machine's own uv is such a program, it is fetched from the package index
    once and kept in ``Loc.user_cache_path / "uv"``; where no index is reachable, this machine's
    own does if it is made for the platform, for bases with glibc.

    Parameters
    ----------
    platform
        As Docker calls it: ``linux/amd64`` or ``linux/arm64``, with a variant or without.
    runner
        Runs the installer.

    Returns
    -------
    Path
        The program: of the version that this machine has, or the newest if it has none.

    Raises
    ------
    ConfigError
        There is no uv for the platform.
    EnvironmentSetupError
        It cannot be fetched; what the installers said is in the message.
    """
    target = _Target.of(platform)
    own = find_uv()
    if own is not None and target.is_static_program(Path(own)):
        return Path(own)
    version = None if own is None else _version_of(own, runner)
    root = Loc.user_cache_path / "uv"
    try:
        found = _cached(root, target, version)
        if found is not None:
            return found
        with FileLock(root / f"{target.name}.lock"):
            return _cached(root, target, version) or _fetch(root, target, own, version, runner)
    except TgError as exc:
        # the installer of this machine is better than none
        if own is not None and target.is_program(Path(own)):
            _log.warning("this machine's uv is taken, which needs a base with glibc: %s", exc)
            return Path(own)
        raise


@dataclass(frozen=True, kw_only=True)
class _Target:
    """A platform that there is a uv for."""

    architecture: str

    @classmethod
    def of(cls, platform: str) -> _Target:
        system, _, rest = platform.lower().partition("/")
        architecture = rest.partition("/")[0]
        architecture = _ALIASES.get(architecture, architecture)
        if system != "linux" or architecture not in _MACHINES:
            raise ConfigError(
                f"images cannot be built for the platform {platform!r}",
                hint=f"Use {' or '.join(f'linux/{name}' for name in _MACHINES)}.",
            )
        return cls(architecture=architecture)

    @property
    def name(self) -> str:
        return f"linux-{self.architecture}"

    @property
    def triple(self) -> str:
        return f"{machine_of(self.architecture)}-unknown-linux-musl"

    @property
    def wheel_platforms(self) -> list[str]:
        return [f"musllinux_1_{minor}_{machine_of(self.architecture)}" for minor in (1, 2)]

    def is_program(self, path: Path) -> bool:
        return _read_elf(path)[0] == _MACHINES[self.architecture]

    def is_static_program(self, path: Path) -> bool:
        return _read_elf(path) == (_MACHINES[self.architecture], True)


def _read_elf(path: Path) -> tuple[int, bool]:
    """Return for which machine a program is, and whether it needs no loader of the system."""
    try:
        with path.open("rb") as stream:
            magic, size, machine, start, entry_size, count = _ELF_HEADER.unpack(
                stream.read(_ELF_HEADER.size)
            )
            if magic != b"\x7fELF" or size != 2 or entry_size < 4:  # 64 bit
                return 0, False
            stream.seek(start)
            entries = stream.read(entry_size * count)
    except (OSError, struct.error):
        return 0, False
    kinds = {
        int.from_bytes(entries[at : at + 4], "little") for at in range(0, len(entries), entry_size)
    }
    return machine, _PT_INTERP not in kinds


def _version_of(uv: str, runner: Runner) -> str | None:
    """Return the version of a uv; ``None`` if it does not say."""
    try:
        words = runner([uv, "--version"], timeout_seconds=60.0).output.split()
        return str(Version(words[1]))
    except (CommandError, IndexError, InvalidVersion):
        return None


def _cached(root: Path, target: _Target, version: str | None) -> Path | None:
    """Find a uv that was fetched before: of the version, or the newest."""
    suffix = f"-{target.name}"
    versions: list[Version] = []
    for folder in root.glob(f"{version or '*'}{suffix}"):
        try:
            found = Version(folder.name.removesuffix(suffix))
        except InvalidVersion:
            continue
        if target.is_static_program(folder / "uv"):
            versions.append(found)
    return root / f"{max(versions)}{suffix}" / "uv" if versions else None


def _fetch(
    root: Path, target: _Target, own: str | None, version: str | None, runner: Runner
) -> Path:
    """Fetch a uv with uv, or else with pip; the caller holds the lock."""
    wanted = f"uv=={version}" if version else "uv"
    ways: dict[str, Callable[[Path], Path]] = {}
    if own is not None:
        ways["uv"] = lambda folder: _install_with_uv(own, wanted, target, folder, runner)
    ways["pip"] = lambda folder: _download_with_pip(wanted, target, folder, runner)
    failures: dict[str, TgError] = {}
    for name, fetch in ways.items():
        with tempfile.TemporaryDirectory(prefix="tg-uv-") as scratch:
            _log.info("Fetching %s for %s with %s", wanted, target.name, name)
            try:
                return _keep(root, target, fetch(Path(scratch)))
            except (CommandError, EnvironmentSetupError) as exc:
                failures[name] = exc
    raise _failed(wanted, target, failures) from next(reversed(failures.values()))


def _install_with_uv(own: str, wanted: str, target: _Target, folder: Path, runner: Runner) -> Path:
    """Let uv unpack the library into a folder; return the folder."""
    options = ["--no-deps", "--only-binary", "uv", "--python-platform", target.triple]
    runner(
        [
            own,
            "pip",
            "install",
            *options,
            "--python",
            sys.executable,
            "--target",
            str(folder),
            wanted,
        ],
        env={**_ENVIRONMENT, **uv_settings()},
        timeout_seconds=_TIMEOUT_SECONDS,
    )
    return folder


def _download_with_pip(wanted: str, target: _Target, folder: Path, runner: Runner) -> Path:
    """Let pip download the library and unpack it; return the folder."""
    platforms = [f"--platform={platform}" for platform in target.wheel_platforms]
    options = ["--no-input", "--progress-bar", "off", "--no-deps", "--only-binary=:all:"]
    runner(
        [
            sys.executable,
            "-m",
            "pip",
            "download",
            *options,
            *platforms,
            "--dest",
            str(folder),
            wanted,
        ],
        env=_ENVIRONMENT,
        timeout_seconds=_TIMEOUT_SECONDS,
    )
    for wheel in folder.glob("uv-*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                # a wheel's scripts and metadata (binary distribution format)
                path = PurePosixPath(name)
                if path.match("uv-*.data/scripts/uv") or path.match("uv-*.dist-info/METADATA"):
                    archive.extract(name, folder)
    return folder


def _keep(root: Path, target: _Target, folder: Path) -> Path:
    """Keep the program of an unpacked library; only a program that will run is kept."""
    metadata = next(folder.glob("uv-*.dist-info"), None)
    programs = [folder / "bin" / "uv", *folder.glob("uv-*.data/scripts/uv")]
    program = next(filter(target.is_static_program, programs), None)
    if metadata is None or program is None:
        raise EnvironmentSetupError(
            f"what the index has as uv for {target.name} is no statically linked program of it"
        )
    version = Version(metadata.name.removeprefix("uv-").removesuffix(".dist-info"))
    place = root / f"{version}-{target.name}"
    # were it whole, it would have been found
    shutil.rmtree(place, ignore_errors=True)
    with atomic_folder(place) as fresh:
        shutil.copyfile(program, fresh / "uv")
        (fresh / "uv").chmod(0o755)
    return place / "uv"


def _failed(wanted: str, target: _Target, failures: Mapping[str, TgError]) -> EnvironmentSetupError:
    said = "\n".join(f"--- {name} ---\n{_words_of(error)}" for name, error in failures.items())
    return EnvironmentSetupError(
        f"{wanted} for {target.name} cannot be fetched, which installs the libraries of an image",
        hint="Is the package index reachable? Behind a mirror, tell pip or uv its address; on a "
        "Linux machine of the same architecture, uv installed beside this Python does as well.\n"
        f"{said}",
    )


def _words_of(error: TgError) -> str:
    said = error.output if isinstance(error, CommandError) else ""
    return (said or str(error))[-_TAIL_CHARACTERS:].strip()
