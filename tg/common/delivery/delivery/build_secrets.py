"""What an image's build must know to install libraries, and what its image must not keep."""

from __future__ import annotations

import os
import platform as this_machine
import re
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from ..._core.loc import Loc
from .certificates import ca_bundle, client_certificate
from .index_credentials import find_credentials, netrc_of
from .index_location import IndexLocation, host_of, is_loopback, secrets_in
from .index_settings import PROXY_VARIABLES, is_true, pip_settings, uv_settings
from .local_wheels import local_wheels
from .uv_configuration import read_uv_configuration, texts_of, uv_toml, without_local

__all__ = ["SECRETS_PLACE", "BuildSecrets"]

# where the secret NAME stands in a build: this, and NAME
SECRETS_PLACE = "/run/secrets/tg_"

# uv's documentation, "Environment variables": those that say how and where it looks for libraries
_DEFAULTS = ("UV_DEFAULT_INDEX", "UV_INDEX_URL")
_INDEXES = ("UV_INDEX", "UV_EXTRA_INDEX_URL")
_LINKS = "UV_FIND_LINKS"
_OTHERS = (
    "UV_HTTP_CONNECT_TIMEOUT",
    "UV_HTTP_RETRIES",
    "UV_HTTP_TIMEOUT",
    "UV_INDEX_STRATEGY",
    "UV_INSECURE_HOST",
    "UV_NATIVE_TLS",
    "UV_REQUEST_TIMEOUT",
    "UV_SYSTEM_CERTS",
    "UV_TORCH_BACKEND",
)
_PROXIES = tuple(name for low in PROXY_VARIABLES for name in (low, low.upper()))
# A folder that no image has: as the default index it has nothing, so that the public one is not
# asked instead of a default index that only this machine has.
_ABSENT = "file:///no-index"


@dataclass(frozen=True, kw_only=True)
class BuildSecrets:
    """How the build of an image reaches the indexes of this machine.

    None of it may become a layer or an argument of the image: the files are mounted where a step
    needs them, each as ``SECRETS_PLACE`` with its name.

    Attributes
    ----------
    files
        Name to content. ``environment``, which is always there, is for a POSIX shell to read; it
        leads uv to the others: ``uv.toml``, ``netrc``, ``ca.pem``, ``client.pem``.
    wheels
        Files of the lock from indexes on this disk, which a build cannot reach: they go into its
        context, and their folder to uv as ``--find-links``.
    secret_texts
        Passwords and tokens, for taking them out of what a build prints.
    loopback_hosts
        Hosts of indexes and proxies that are this machine here; in a build they are the container
        itself, unless it has the network of its host.

    Example
    -------
    >>> found = BuildSecrets.of({"UV_DEFAULT_INDEX": "https://me:secret@example.org/simple"})
    >>> "secret" in found.files["environment"].decode(), "secret" in repr(found)
    (True, False)
    """

    files: Mapping[str, bytes]
    wheels: tuple[Path, ...] = ()
    secret_texts: tuple[str, ...] = ()
    loopback_hosts: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"BuildSecrets(files={sorted(self.files)}, {len(self.wheels)} wheels)"

    @classmethod
    def of(
        cls,
        environ: Mapping[str, str] = os.environ,
        prefix: Path | None = None,
        lock: Sequence[str] = (),
        *,
        platform: str | None = None,
        python_version: tuple[int, int] | None = None,
        root: Path | None = None,
    ) -> BuildSecrets:
        """Gather what pip and uv are configured with here.

        Parameters
        ----------
        environ
            The environment variables.
        prefix
            The environment whose ``pip.conf`` counts; this interpreter's if ``None``.
        lock
            The requirements that will be installed.
        platform
            Where, such as ``linux/amd64``; that of this machine if ``None``.
        python_version
            For which Python; this one if ``None``.
        root
            The project's folder, whose settings of uv count; ``Loc.root_path`` if ``None``.

        Returns
        -------
        BuildSecrets
            What a build needs.

        Raises
        ------
        ConfigError
            A file that is configured, such as a certificate, is not there or cannot be used.
        """
        gathering = _Gathering(environ, prefix or Path(sys.prefix), root or Loc.root_path)
        gathering.add_addresses_of(lock)
        files = gathering.files()
        wheels = local_wheels(
            lock,
            gathering.local_indexes,
            gathering.local_links,
            platform=platform or f"linux/{this_machine.machine().lower()}",
            python_version=python_version or sys.version_info[:2],
        )
        return cls(
            files=files,
            wheels=wheels,
            secret_texts=tuple(sorted(gathering.secret_texts)),
            loopback_hosts=tuple(sorted(filter(is_loopback, gathering.hosts()))),
        )


class _Gathering:
    """Settings as they are gathered."""

    def __init__(self, environ: Mapping[str, str], prefix: Path, root: Path) -> None:
        self.local_indexes: list[Path] = []
        self.local_links: list[Path] = []
        self.secret_texts: set[str] = set()
        self._environ = environ
        self._pip = pip_settings(environ, prefix)
        self._names: set[str] = set()
        self._addresses: set[str] = set()
        self._variables: dict[str, str] = {}
        configured = {**environ, **uv_settings(environ, prefix)}
        for name in _DEFAULTS:
            self._add_list(name, configured.get(name, "").split(), instead=_ABSENT)
        for name in _INDEXES:
            self._add_list(name, configured.get(name, "").split())
        settings = read_uv_configuration(environ, root)
        self._use_keyring = self._takes_keyring(settings)
        self._settings = without_local(settings, _ABSENT, self._note_local)
        self._add_links(configured.get(_LINKS, ""))
        self._note_settings()
        for name in (*_OTHERS, *_PROXIES):
            if configured.get(name) and (name, configured[name]) != ("UV_TORCH_BACKEND", "auto"):
                self._variables[name] = configured[name]
        self._add_credentials_of_names()

    def add_addresses_of(self, lock: Iterable[str]) -> None:
        """Count the hosts of direct URLs among those whose credentials are needed."""
        for line in lock:
            try:
                self._addresses.add(Requirement(line).url or "")
            except InvalidRequirement:
                continue

    def hosts(self) -> set[str]:
        """Return the hosts of the indexes and of the proxies."""
        proxies = {value for name, value in self._variables.items() if name in _PROXIES[:6]}
        proxies |= {str(self._settings.get(key, "")) for key in ("http-proxy", "https-proxy")}
        return {host_of(address) for address in self._addresses | proxies} - {""}

    def files(self) -> dict[str, bytes]:
        """Write the files."""
        files: dict[str, bytes] = {}
        of_system = any(
            is_true(str(value))
            for value in (
                self._environ.get("UV_SYSTEM_CERTS", ""),
                self._environ.get("UV_NATIVE_TLS", ""),
                self._settings.get("system-certs", ""),
                self._settings.get("native-tls", ""),
            )
        )
        for value in self._variables.values():
            self.secret_texts |= secrets_in(value) if "@" in value else set()
        credentials = find_credentials(
            self._addresses, self._environ, use_keyring=self._use_keyring
        )
        # what stands alone before a host is a token, unless the password is kept elsewhere
        self.secret_texts -= {user for user, _ in credentials.values()}
        self.secret_texts |= {password for _, password in credentials.values() if password}
        contents = {
            ("ca.pem", "SSL_CERT_FILE"): ca_bundle(self._environ, self._pip, of_system=of_system),
            ("client.pem", "SSL_CLIENT_CERT"): client_certificate(self._environ, self._pip),
            ("netrc", "NETRC"): netrc_of(credentials),
            ("uv.toml", "UV_CONFIG_FILE"): uv_toml(self._settings),
        }
        variables = {**self._variables, "UV_KEYRING_PROVIDER": "disabled"}
        for (name, variable), content in contents.items():
            if content:
                files[name] = content
                variables[variable] = f"{SECRETS_PLACE}{name}"
        files["environment"] = _exports(variables)
        return files

    def _add_list(self, name: str, entries: Iterable[str], instead: str = "") -> None:
        """Add a variable that names indexes, without those that only this machine has."""
        kept: list[str] = []
        for entry in entries:
            location = IndexLocation(entry)
            if location.is_local:
                self._note_local("index", location)
                kept += [instead] if instead else []
            else:
                kept.append(entry)
                self._names.add(location.name)
                self._addresses.add(location.url)
        if kept:
            self._variables[name] = " ".join(kept)

    def _add_links(self, value: str) -> None:
        """Add places of links to uv's file: a ``--find-links`` takes the place of the variable."""
        remote: list[object] = []
        for entry in filter(None, map(str.strip, value.split(","))):
            location = IndexLocation(entry)
            if location.is_local:
                self._note_local("find-links", location)
            else:
                remote.append(entry)
        if remote:
            others = self._settings.get("find-links")
            others = others if isinstance(others, list) else []
            self._settings["find-links"] = [*remote, *others]

    def _note_local(self, key: str, location: IndexLocation) -> None:
        paths = self.local_links if key == "find-links" else self.local_indexes
        if location.path is not None and location.path not in paths:
            paths.append(location.path)

    def _takes_keyring(self, settings: dict[str, object]) -> bool:
        """Whether a keyring is configured, which the container has not: it is asked here."""
        nested = settings.get("pip")
        nested = nested if isinstance(nested, dict) else {}
        providers = (
            self._environ.get("UV_KEYRING_PROVIDER"),
            settings.pop("keyring-provider", None),
            nested.pop("keyring-provider", None),
            self._pip.get("keyring-provider"),
        )
        return any(provider in ("subprocess", "import") for provider in providers)

    def _note_settings(self) -> None:
        for key, value in self._settings.items():
            for text in texts_of(value):
                self.secret_texts |= secrets_in(text) if "@" in text else set()
                if "://" in text and not key.endswith("-proxy"):
                    self._addresses.add(text)
        indexes = self._settings.get("index")
        for index in indexes if isinstance(indexes, list) else []:
            self._names.add(str(index.get("name", "")) if isinstance(index, dict) else "")

    def _add_credentials_of_names(self) -> None:
        """Add the credentials of the indexes that are configured, and of no other one."""
        for name in sorted(filter(None, self._names)):
            prefix = "UV_INDEX_" + re.sub(r"[^A-Za-z0-9]", "_", name).upper()
            user = self._environ.get(f"{prefix}_USERNAME", "")
            password = self._environ.get(f"{prefix}_PASSWORD", "")
            self.secret_texts |= {password or user} - {""}
            found = {f"{prefix}_USERNAME": user, f"{prefix}_PASSWORD": password}
            self._variables |= {key: value for key, value in found.items() if value}


def _exports(variables: Mapping[str, str]) -> bytes:
    """Write variables for a POSIX shell to read with ``.``."""
    lines = (f"export {name}={shlex.quote(value)}\n" for name, value in sorted(variables.items()))
    return "".join(lines).encode("utf-8", "surrogateescape")
