"""Where pip is told to find libraries, said in uv's words."""

from __future__ import annotations

import configparser
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

__all__ = ["PROXY_VARIABLES", "is_true", "pip_settings", "uv_files", "uv_settings"]

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
# either case is looked at, the lower one first where both are set
PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


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
    prefix = prefix or Path(sys.prefix)
    pip = pip_settings(environ, prefix)
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
    if is_true(pip.get("no-index", "")):
        # uv has no variable for it: an index that is an absent folder has nothing
        found["UV_DEFAULT_INDEX"] = (prefix.absolute() / "no-index").as_uri()
        found.pop("UV_INDEX", None)
    return found | _connection(environ, pip)


def _connection(environ: Mapping[str, str], pip: Mapping[str, str]) -> dict[str, str]:
    """Say in uv's words how pip reaches an index; what uv is told itself goes first."""
    found: dict[str, str] = {}
    if pip.get("cert") and not environ.get("SSL_CERT_FILE"):
        found["SSL_CERT_FILE"] = pip["cert"].strip()
    if pip.get("client-cert") and not environ.get("SSL_CLIENT_CERT"):
        found["SSL_CLIENT_CERT"] = pip["client-cert"].strip()
    if pip.get("proxy") and not any(_either_case(environ, name) for name in PROXY_VARIABLES[:3]):
        proxy = pip["proxy"].strip()
        found |= {"HTTP_PROXY": proxy, "HTTPS_PROXY": proxy}
    seconds = (pip.get("timeout") or pip.get("default-timeout") or "").strip()
    if seconds.isdecimal() and not environ.get("UV_HTTP_TIMEOUT"):
        found["UV_HTTP_TIMEOUT"] = seconds
    return found


def is_true(value: str) -> bool:
    """Whether pip and uv read a setting as yes.

    Example
    -------
    >>> is_true("Yes"), is_true("0")
    (True, False)
    """
    return value.strip().lower() in ("1", "true", "t", "yes", "y", "on")


def pip_settings(environ: Mapping[str, str], prefix: Path) -> dict[str, str]:
    """Read pip's settings, from the weakest source to the strongest.

    Parameters
    ----------
    environ, prefix
        As for `uv_settings`.

    Returns
    -------
    dict
        What applies to ``pip install``, by the names of its options.

    Example
    -------
    >>> pip_settings({"PIP_CERT": "/ca.pem", "PIP_CONFIG_FILE": os.devnull}, Path("env"))["cert"]
    '/ca.pem'
    """
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


def uv_files(environ: Mapping[str, str]) -> list[Path]:
    """Return where uv looks for the user's and the system's settings, the strongest first.

    Notes
    -----
    The places are those of uv's documentation, "Configuration files".

    Example
    -------
    >>> [path.name for path in uv_files({"HOME": "/home/me"})][0]
    'uv.toml'
    """
    home = Path(environ.get("HOME") or Path.home())
    if sys.platform == "win32":
        folders = [
            Path(environ.get("APPDATA") or home),
            Path(environ.get("PROGRAMDATA") or "C:/ProgramData"),
        ]
    else:
        system = [folder for folder in environ.get("XDG_CONFIG_DIRS", "").split(":") if folder]
        user = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
        folders = [user, *map(Path, system), Path("/etc")]
    return [folder / "uv" / "uv.toml" for folder in folders]


def _has_uv_file(environ: Mapping[str, str]) -> bool:
    return any(path.is_file() for path in uv_files(environ))


def _either_case(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name) or environ.get(name.upper()) or ""
