"""Where an index is, as pip's and uv's settings write it: an address, or a place on this disk."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

__all__ = ["IndexLocation", "host_of", "is_loopback", "secrets_in", "user_of"]

# a name as uv allows it before an index, such as "torch=https://example.org/simple"
_NAME = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)=(?=.)")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_END_OF_AUTHORITY = re.compile(r"[/?#]")


class IndexLocation:
    """One index, or one place with links.

    Parameters
    ----------
    text
        As a setting has it: a URL or a path; for uv also with a name before it.
    base
        The folder that relative paths start from; the working directory if ``None``.

    Attributes
    ----------
    name
        Its name; empty if it has none.
    text
        As it was given.
    path
        Where it is on this disk; ``None`` if it is elsewhere.
    url
        Its address; empty if it is on this disk.

    Example
    -------
    >>> IndexLocation("torch=https://example.org/simple").name
    'torch'
    >>> IndexLocation("file:///opt/simple").path.as_posix()
    '/opt/simple'
    """

    def __init__(self, text: str, base: Path | None = None) -> None:
        self.text = text
        match = _NAME.match(text)
        self.name = match[1] if match else ""
        place = text[match.end() :] if match else text
        self.path: Path | None = None
        self.url = ""
        if place.lower().startswith("file:"):
            self.path = Path(url2pathname(urlsplit(place).path))
        elif _SCHEME.match(place):
            self.url = place
        else:
            self.path = (base or Path.cwd()) / Path(place).expanduser()

    @property
    def is_local(self) -> bool:
        """Whether only this machine has it."""
        return self.path is not None


def host_of(url: str) -> str:
    """Return the host of a URL, lower case; empty if it has none.

    Example
    -------
    >>> host_of("https://me:pa@ss@Example.org:8443/simple")
    'example.org'
    """
    host = _authority(url).rpartition("@")[2]
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


def is_loopback(host: str) -> bool:
    """Whether a host is the machine that asks.

    Example
    -------
    >>> is_loopback("localhost"), is_loopback("127.0.0.1"), is_loopback("example.org")
    (True, True, False)
    """
    return host in ("localhost", "::1") or host.startswith("127.") or host.endswith(".localhost")


def user_of(url: str) -> str:
    """Return the user in a URL that has no password; empty if there is none.

    Example
    -------
    >>> user_of("https://me@example.org/simple"), user_of("https://me:pass@example.org/simple")
    ('me', '')
    """
    user, _, password = _authority(url).rpartition("@")[0].partition(":")
    return "" if password else unquote(user)


def secrets_in(text: str) -> set[str]:
    """Return the passwords and tokens in the URLs of a setting, as written and decoded.

    Example
    -------
    >>> sorted(secrets_in("https://me:a%40b@example.org/simple https://token@example.org"))
    ['a%40b', 'a@b', 'token']
    """
    found: set[str] = set()
    for piece in {text, *re.split(r"[\s,]+", text)}:
        user, _, password = _authority(piece).rpartition("@")[0].partition(":")
        secret = password or user
        found |= {secret, unquote(secret)} - {""}
    return found


def _authority(url: str) -> str:
    """Return what stands between a scheme and a path; a proxy may be written without scheme.

    Done by hand, as a password that should have been encoded may be no part of a legal URL.
    """
    rest = url.partition("://")[2] or url
    return _END_OF_AUTHORITY.split(rest, maxsplit=1)[0]
