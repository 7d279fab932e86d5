"""User names and passwords of some hosts, from where pip and uv keep them."""

from __future__ import annotations

import logging
import netrc
import shutil
import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

from ..._core.process import Runner, run
from .index_location import host_of, user_of

__all__ = ["Credentials", "find_credentials", "netrc_of"]

_log = logging.getLogger(__name__)
_KEYRING_SECONDS = 60.0

# host to user and password
Credentials = dict[str, tuple[str, str]]


def find_credentials(
    urls: Iterable[str],
    environ: Mapping[str, str],
    *,
    use_keyring: bool = False,
    runner: Runner = run,
) -> Credentials:
    """Find the credentials of the hosts of some URLs, and of no other host.

    Parameters
    ----------
    urls
        Addresses of indexes.
    environ
        The environment variables.
    use_keyring
        Whether the program ``keyring`` is asked for the users that a URL names without password.
    runner
        Runs it.

    Returns
    -------
    dict
        Host to user and password: from ``NETRC`` or ``~/.netrc``, from the store of
        ``uv auth login``, from the keyring; the first that knows a host counts.

    Example
    -------
    >>> find_credentials([], {})
    {}
    """
    addresses = sorted(set(urls))
    known = [_of_netrc(environ), _of_uv(environ)]
    found: Credentials = {}
    for url in addresses:
        host = host_of(url)
        for credentials in known:
            entry = credentials.get(host) or credentials.get("default")
            if host and entry is not None:
                found.setdefault(host, entry)
        user = user_of(url)
        if use_keyring and user and host not in found:
            password = _of_keyring(url, host, user, runner)
            if password:
                found[host] = (user, password)
    return found


def netrc_of(credentials: Credentials) -> bytes:
    r"""Write credentials in the form of a ``.netrc``.

    Example
    -------
    >>> print(netrc_of({"example.org": ("me", 'a "b')}).decode(), end="")
    machine example.org login "me" password "a \"b"
    """
    lines = (
        f"machine {host} login {_quoted(user)} password {_quoted(password)}\n"
        for host, (user, password) in sorted(credentials.items())
    )
    return "".join(lines).encode("utf-8", "surrogateescape")


def _quoted(word: str) -> str:
    """Write one word so that Python's netrc and uv's read it alike."""
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _of_netrc(environ: Mapping[str, str]) -> Credentials:
    home = Path(environ.get("HOME") or Path.home())
    usual = [home / ".netrc", home / "_netrc"] if sys.platform == "win32" else [home / ".netrc"]
    chosen = environ.get("NETRC")
    for path in [Path(chosen).expanduser()] if chosen else usual:
        if not path.is_file():
            continue
        try:
            hosts = netrc.netrc(str(path)).hosts
        except (netrc.NetrcParseError, OSError, UnicodeDecodeError) as exc:
            # the message of a parser may quote what it could not read
            _log.warning("%s is left out, as it cannot be read (%s)", path, type(exc).__name__)
            continue
        return {host.lower(): (user, word or "") for host, (user, _, word) in hosts.items()}
    return {}


def _of_uv(environ: Mapping[str, str]) -> Credentials:
    """Read the store of ``uv auth login`` (uv's documentation, "The auth CLI")."""
    home = Path(environ.get("HOME") or Path.home())
    if environ.get("UV_CREDENTIALS_DIR"):
        folder = Path(environ["UV_CREDENTIALS_DIR"]).expanduser()
    elif sys.platform == "win32":
        folder = Path(environ.get("APPDATA") or home) / "uv" / "data" / "credentials"
    else:
        data = Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share")
        folder = data / "uv" / "credentials"
    try:
        content = tomllib.loads((folder / "credentials.toml").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return {}
    found: Credentials = {}
    entries = content.get("credential")
    for entry in entries if isinstance(entries, list) else []:
        words = [entry.get(key) for key in ("service", "username", "password")]
        if all(isinstance(word, str) for word in words) and entry.get("scheme") == "basic":
            service, user, password = map(str, words)
            found.setdefault(host_of(service), (user, password))
    return found


def _of_keyring(url: str, host: str, user: str, runner: Runner) -> str:
    """Ask the keyring as pip and uv do: for the address first, then for the host."""
    program = shutil.which("keyring")
    command = [program] if program else [sys.executable, "-m", "keyring"]
    scheme, _, rest = url.partition("://")
    for service in (f"{scheme}://{rest.rpartition('@')[2]}", host):
        done = runner(
            [*command, "get", service, user], timeout_seconds=_KEYRING_SECONDS, check=False
        )
        if done.exit_code == 0 and done.output.strip():
            return done.output.splitlines()[-1].strip()
    return ""
