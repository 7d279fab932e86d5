"""A registry, asked over HTTP what it has."""

from __future__ import annotations

import http.client
import json
import re
import ssl
import urllib.error
import urllib.request
from email.message import Message
from urllib.parse import urlencode, urlsplit

from ..._core.errors import PushError
from .registry_credentials import RegistryCredentials

__all__ = ["RegistryClient", "split_repository"]

_SECONDS = 20.0
# "Pulling manifests" and the media types of the OCI's distribution and image specifications
_MANIFESTS = ", ".join(
    (
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    )
)
_LOCAL = re.compile(r"(?:localhost|127(?:\.\d+){3}|\[::1\])(?::\d+)?\Z")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")
_PART = re.compile(r'(\w+)="([^"]*)"')
_HUB = "docker.io"
_HUB_SERVER = "registry-1.docker.io"


class RegistryClient:
    """Looks for images in one repository of a registry.

    Parameters
    ----------
    repository
        As the engine calls it, such as ``registry.example.org/team/tea``.
    credentials
        For those that ask for some.
    """

    def __init__(self, repository: str, credentials: RegistryCredentials | None) -> None:
        self._host, self._name = split_repository(repository)
        self._credentials = credentials
        self._is_local = bool(_LOCAL.match(self._host))
        handlers: list[urllib.request.BaseHandler] = [_NoRedirects()]
        if self._is_local:  # as the engine does: without TLS, and past any proxy
            handlers.append(urllib.request.ProxyHandler({}))
        self._opener = urllib.request.build_opener(*handlers)

    def digest(self, tag: str) -> str | None:
        """Give the digest of the image with a tag; ``None`` if it is not there or not to be known.

        Raises
        ------
        PushError
            The registry wants other credentials.
        """
        server = _HUB_SERVER if self._host == _HUB else self._host
        scheme = "http" if self._is_local else "https"
        url = f"{scheme}://{server}/v2/{self._name}/manifests/{tag}"
        status, headers = self._head(url, self._basic)
        if status == http.client.UNAUTHORIZED:
            token = self._token(str(headers.get("WWW-Authenticate", "")))
            if token:
                status, headers = self._head(url, f"Bearer {token}")
        if status in (http.client.UNAUTHORIZED, http.client.FORBIDDEN):
            raise PushError(
                f"the registry {self._host} refuses the login with HTTP status {status}",
                reference=f"{self._host}/{self._name}:{tag}",
                output=f"unauthorized: HTTP status {status}",
                hint=f"Log in again: `docker login {self._host}`.",
            )
        digest = str(headers.get("Docker-Content-Digest", ""))
        return digest if status == http.client.OK and _DIGEST.match(digest) else None

    @property
    def _basic(self) -> str:
        return f"Basic {self._credentials.basic}" if self._credentials else ""

    def _head(self, url: str, authorization: str) -> tuple[int, Message]:
        request = urllib.request.Request(url, method="HEAD")  # noqa: S310 - made above
        request.add_header("Accept", _MANIFESTS)
        if authorization:
            request.add_header("Authorization", authorization)
        try:
            with self._opener.open(request, timeout=_SECONDS) as answer:
                return answer.status, answer.headers
        except urllib.error.HTTPError as exc:
            with exc:
                return exc.code, exc.headers
        except (OSError, http.client.HTTPException, ssl.SSLError, ValueError):
            return 0, Message()  # the engine may reach what this process does not

    def _token(self, challenge: str) -> str:
        """Get a token where the registry says it is to be had."""
        scheme, _, rest = challenge.partition(" ")
        parts = dict(_PART.findall(rest))
        realm = parts.get("realm", "")
        is_safe = realm.startswith("https://") or (
            self._is_local and _LOCAL.match(urlsplit(realm).netloc)
        )
        if scheme.lower() != "bearer" or not is_safe:
            return ""
        query = {"scope": f"repository:{self._name}:pull,push"}
        if "service" in parts:
            query["service"] = parts["service"]
        request = urllib.request.Request(f"{realm}?{urlencode(query)}")  # noqa: S310 - checked
        if self._basic:
            request.add_header("Authorization", self._basic)
        try:
            with self._opener.open(request, timeout=_SECONDS) as answer:
                found = json.load(answer)
            return str(found.get("token") or found.get("access_token") or "")
        except (OSError, http.client.HTTPException, ValueError, AttributeError):
            return ""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Credentials go to the server that they are for, and nowhere else."""

    def redirect_request(self, *_: object) -> None:
        return None


def split_repository(repository: str) -> tuple[str, str]:
    """Split a repository into the registry's host and the name there, as the engine does.

    Example
    -------
    >>> split_repository("localhost:5000/tea"), split_repository("tea")
    (('localhost:5000', 'tea'), ('docker.io', 'library/tea'))
    """
    first, slash, rest = repository.partition("/")
    if slash and (first == "localhost" or "." in first or ":" in first):
        return first, rest
    return _HUB, repository if slash else f"library/{repository}"
