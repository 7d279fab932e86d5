"""What the engine's client is told to log in to a registry with."""

from __future__ import annotations

import base64
import binascii
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..._core.errors import CommandError
from ..._core.process import run

__all__ = ["RegistryCredentials", "client_configuration", "configured_credentials"]

_HELPER_SECONDS = 20.0
# "configuration files" of the docker client's reference
_LOGINS = ("auths", "credsStore", "credHelpers")
_HUB = "docker.io"
_HUB_KEY = "https://index.docker.io/v1/"


@dataclass(frozen=True, kw_only=True)
class RegistryCredentials:
    """A user of a registry.

    Attributes
    ----------
    username
        Its name.
    password
        Its password or token; not shown.
    """

    username: str
    password: str = field(repr=False)

    @property
    def basic(self) -> str:
        """Both, as HTTP's basic scheme (RFC 7617) has them."""
        return base64.b64encode(f"{self.username}:{self.password}".encode()).decode()


def configured_credentials(host: str) -> RegistryCredentials | None:
    """Find what the user's own client logs in with; ``None`` if nothing is known of it.

    Parameters
    ----------
    host
        The registry, such as ``registry.example.org:5000``.
    """
    settings = _settings(_user_folder())
    keys = (_HUB_KEY,) if host == _HUB else (host, f"https://{host}", f"https://{host}/v1/")
    helpers = settings.get("credHelpers")
    helper = helpers.get(host) if isinstance(helpers, Mapping) else None
    helper = helper or settings.get("credsStore")
    for key in keys:
        found = _from_helper(str(helper), key) if helper else None
        found = found or _from_entry(settings.get("auths"), key)
        if found is not None:
            return found
    return None


@contextmanager
def client_configuration(host: str, credentials: RegistryCredentials) -> Iterator[Path]:
    """Give a folder of settings, for ``DOCKER_CONFIG``, that logs in with these credentials.

    It has the user's other settings and contexts, so that the same engine answers. The user's own
    logins and key chain are neither read nor changed, and no command gets the password.

    Parameters
    ----------
    host
        The registry.
    credentials
        What it is logged in to with.

    Yields
    ------
    Path
        A folder that this user alone can read; it is gone afterwards.
    """
    user = _user_folder()
    kept = {key: value for key, value in _settings(user).items() if key not in _LOGINS}
    key = _HUB_KEY if host == _HUB else host
    with tempfile.TemporaryDirectory(prefix="tg-docker-") as name:
        folder = Path(name)  # mode 700
        if (user / "contexts").is_dir():
            shutil.copytree(user / "contexts", folder / "contexts")
        settings = {**kept, "auths": {key: {"auth": credentials.basic}}}
        (folder / "config.json").write_text(json.dumps(settings), encoding="utf-8")
        yield folder


def _user_folder() -> Path:
    return Path(os.environ.get("DOCKER_CONFIG") or Path("~/.docker").expanduser())


def _settings(folder: Path) -> dict[str, Any]:
    try:
        settings = json.loads((folder / "config.json").read_bytes())
    except (OSError, ValueError):  # the client complains of it itself
        return {}
    return settings if isinstance(settings, dict) else {}


def _from_entry(entries: object, key: str) -> RegistryCredentials | None:
    entry = entries.get(key) if isinstance(entries, Mapping) else None
    text = entry.get("auth") if isinstance(entry, Mapping) else None
    if not text:
        return None
    try:
        username, _, password = base64.b64decode(str(text), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    if not username or not password:
        return None
    return RegistryCredentials(username=username, password=password)


def _from_helper(helper: str, key: str) -> RegistryCredentials | None:
    """Ask a credential helper, by the protocol of docker-credential-helpers."""
    try:
        answer = run(
            [f"docker-credential-{helper}", "get"],
            stdin_text=key,
            timeout_seconds=_HELPER_SECONDS,
            check=False,
        )
        found = json.loads(answer.output) if answer.exit_code == 0 else {}
        username, password = str(found["Username"]), str(found["Secret"])
    except (CommandError, ValueError, KeyError, TypeError):
        return None  # the client itself may know better
    if username == "<token>":  # for a refreshing login, which the client does itself
        return None
    return RegistryCredentials(username=username, password=password)
