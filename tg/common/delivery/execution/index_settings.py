"""Where pip is told to find libraries, said in uv's words."""

from __future__ import annotations

import configparser
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

__all__ = ["uv_settings"]

# Whoever has set one of these has configured uv itself: pip's settings are not asked then.
_UV_VARIABLES = (
    "UV_CONFIG_FILE",
    "UV_DEFAULT_INDEX",
    "UV_EXTRA_INDEX_URL",
    "UV_FIND_LINKS",
    "UV_INDEX",
    "UV_INDEX_URL",
    "UV_NO_INDEX",
)


def uv_settings(
    environ: Mapping[str, str] = os.environ, prefix: Path | None = None
) -> dict[str, str]:
    """Return the variables that make uv use pip's indexes.

    uv reads neither ``PIP_*`` nor ``pip.conf``. Left alone it would ask the public index for the
    libraries of those who configured another one, and install what a stranger put there under the
    same name.

    Parameters
    ----------
    environ
        The environment variables.
    prefix
        The environment whose ``pip.conf`` counts; this interpreter's if ``None``.

    Returns
    -------
    dict
        Variables for uv; empty where uv has settings of its own, or pip has none.

    Notes
    -----
    Places and precedence are those of pip's documentation, "Configuration"; the variables those of
    uv's, "Environment variables".

    Example
    -------
    >>> uv_settings({"PIP_INDEX_URL": "https://example.org/simple", "PIP_CONFIG_FILE": os.devnull})
    {'UV_DEFAULT_INDEX': 'https://example.org/simple'}
    """
    if any(environ.get(name) for name in _UV_VARIABLES) or _has_uv_file(environ):
        return {}
    pip = _pip_settings(environ, prefix or Path(sys.prefix))
    found: dict[str, str] = {}
    if pip.get("index-url"):
        found["UV_DEFAULT_INDEX"] = pip["index-url"].strip()
    if pip.get("extra-index-url"):
        found["UV_INDEX"] = " ".join(pip["extra-index-url"].split())
        # pip takes a library from whichever index has the version
        found["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    if pip.get("find-links"):
        found["UV_FIND_LINKS"] = ",".join(pip["find-links"].split())
    if pip.get("trusted-host"):
        found["UV_INSECURE_HOST"] = " ".join(pip["trusted-host"].split())
    if pip.get("no-index", "").lower() in ("1", "true", "yes", "on"):
        found["UV_NO_INDEX"] = "1"
    if pip.get("cert") and not environ.get("SSL_CERT_FILE"):
        found["SSL_CERT_FILE"] = pip["cert"].strip()
    return found


def _pip_settings(environ: Mapping[str, str], prefix: Path) -> dict[str, str]:
    """Read pip's settings, from the weakest source to the strongest."""
    settings: dict[str, str] = {}
    for path in _pip_files(environ, prefix):
        parser = configparser.RawConfigParser(strict=False)
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError, OSError):
            continue  # pip itself says so, better than we could
        for section in ("global", "install"):
            if parser.has_section(section):
                settings.update((k.replace("_", "-"), v) for k, v in parser.items(section))
    for name, value in environ.items():
        if name.startswith("PIP_") and value:
            settings[name[4:].lower().replace("_", "-")] = value
    return settings


def _pip_files(environ: Mapping[str, str], prefix: Path) -> Iterator[Path]:
    chosen = environ.get("PIP_CONFIG_FILE")
    if chosen == os.devnull:
        return
    name = "pip.ini" if sys.platform == "win32" else "pip.conf"
    home = Path(environ.get("HOME") or Path.home())
    if sys.platform == "win32":
        yield Path(environ.get("PROGRAMDATA", "C:/ProgramData")) / "pip" / name
        yield home / "pip" / name
        yield Path(environ.get("APPDATA", home)) / "pip" / name
    else:
        for folder in environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":"):
            yield Path(folder) / "pip" / name
        yield Path("/etc") / name
        yield home / ".pip" / name
        yield Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "pip" / name
        if sys.platform == "darwin":
            yield home / "Library/Application Support/pip" / name
    yield prefix / name
    if chosen:
        yield Path(chosen)


def _has_uv_file(environ: Mapping[str, str]) -> bool:
    home = Path(environ.get("HOME") or Path.home())
    user = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    return any((folder / "uv" / "uv.toml").is_file() for folder in (user, Path("/etc")))
