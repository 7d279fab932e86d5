"""A real image registry on this machine, for as long as a rehearsal lasts."""

from __future__ import annotations

import base64
import http.client
import json
import secrets
import shutil
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from ..common._core.child import Child, start
from ..common._core.errors import EnvironmentSetupError, MissingDependencyError
from .gateway import Application
from .registry_front import OWN_USER, RegistryProxy
from .server import CloudServer

__all__ = ["ImageRegistry"]

USER = "AWS"
_PROGRAMS = ("docker-registry", "registry")
_LOG = "registry.log"
_START_SECONDS = 60.0
_ASK_SECONDS = 5.0
_POLL_SECONDS = 0.02
_MANIFESTS = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
)
_CONFIGURATION = """\
version: 0.1
log: {{level: warn}}
storage:
  filesystem: {{rootdirectory: {folder}/images}}
  delete: {{enabled: true}}
http: {{addr: "127.0.0.1:{port}"}}
auth:
  htpasswd: {{realm: {realm}, path: {folder}/users}}
"""


class ImageRegistry:
    """The registry program, started when it is needed first.

    Parameters
    ----------
    folder
        An empty folder for its images and settings.
    front
        Puts something between its clients and itself.
    on_start
        Called with process id and address when it has started.
    password
        Of its user; a random one if ``None``.
    """

    def __init__(
        self,
        folder: Path,
        front: Callable[[Application], Application] | None = None,
        on_start: Callable[[int, str], None] | None = None,
        *,
        password: str | None = None,
    ) -> None:
        self.password = password or secrets.token_urlsafe(24)
        self._front = front
        self._on_start = on_start
        self._server: CloudServer | None = None
        self._port = 0
        self._folder = folder
        self._lock = threading.Lock()
        self._child: Child | None = None
        self._host = ""

    @property
    def host(self) -> str:
        """Its address, ``localhost:PORT``; the registry runs from then on.

        Raises
        ------
        MissingDependencyError
            The program or the library ``bcrypt`` is not installed.
        EnvironmentSetupError
            It does not start.
        """
        with self._lock:
            if self._child is None:
                self._start()
            return self._host

    @property
    def known_host(self) -> str:
        """Its address if it runs, or an empty text."""
        return self._host

    @property
    def pid(self) -> int | None:
        """The id of its process, if it runs."""
        return None if self._child is None else self._child.pid

    @property
    def token(self) -> str:
        """User and password, as the service ECR and Docker's configuration encode them."""
        return self._token_of(USER)

    @property
    def log(self) -> str:
        """All that it wrote: a line for each request, among others."""
        path = self._folder / _LOG
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def client_configuration(self) -> Path:
        """Give a folder for ``DOCKER_CONFIG`` with which the client may pull."""
        folder = self._folder / "client"
        folder.mkdir(exist_ok=True)
        logins = {"auths": {self.host: {"auth": self._token_of(OWN_USER)}}}
        (folder / "config.json").write_text(json.dumps(logins), encoding="ascii")
        return folder

    def manifest(self, repository: str, reference: str) -> tuple[str, bytes, str] | None:
        """Give digest, bytes and media type of an image's manifest; ``None`` if it is not there.

        After the OCI Distribution Specification, Pulling manifests.
        """
        try:
            answer = self._get(f"/v2/{repository}/manifests/{reference}")
        except urllib.error.HTTPError as exc:
            with exc:
                if exc.code == 404:
                    return None
                raise
        headers, body = answer
        return headers["docker-content-digest"], body, headers["content-type"]

    def tags(self, repository: str) -> list[str]:
        """Give the tags of a repository; none if nothing was pushed."""
        try:
            _, body = self._get(f"/v2/{repository}/tags/list")
        except urllib.error.HTTPError as exc:
            with exc:
                if exc.code == 404:
                    return []
                raise
        return sorted(json.loads(body)["tags"] or [])

    @property
    def size_bytes(self) -> int:
        """How many bytes of layers, settings and manifests it holds."""
        blobs = self._folder.glob("images/docker/registry/v2/blobs/*/*/*/data")
        return sum(blob.stat().st_size for blob in blobs)

    def stop(self) -> None:
        """End it; its images go with the folder."""
        with self._lock:
            if self._server is not None:
                self._server.stop()
                self._server = None
            if self._child is not None:
                self._child.terminate(2.0)
                self._child.__exit__(None, None, None)
                self._child = None

    def _token_of(self, user: str) -> str:
        return base64.b64encode(f"{user}:{self.password}".encode()).decode()

    def _get(self, path: str) -> tuple[Mapping[str, Any], bytes]:
        _ = self.host  # it runs from then on
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._port}{path}",
            headers={"Authorization": f"Basic {self.token}", "Accept": ", ".join(_MANIFESTS)},
        )
        # no proxy of the environment stands between this machine and itself
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=30) as answer:
            return {key.lower(): value for key, value in answer.headers.items()}, answer.read()

    def _start(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        program = next((path for name in _PROGRAMS if (path := shutil.which(name))), None)
        if program is None:
            raise MissingDependencyError(
                "there is no image registry on this machine",
                hint="Install the program: `apt-get install docker-registry` on Debian; elsewhere "
                "put the program `registry` of the CNCF Distribution project on PATH.",
            )
        secret = _hash(self.password)
        self._folder.joinpath("users").write_text(f"{USER}:{secret}\n{OWN_USER}:{secret}\n")
        child, port = self._serve(program)
        self._child, self._port = child, port
        if self._front is not None:
            self._server = CloudServer(self._front(RegistryProxy(port)))
            self._server.start()
        self._host = f"localhost:{port if self._server is None else self._server.port}"
        if self._on_start is not None:
            self._on_start(child.pid, self._host)

    def _serve(self, program: str) -> tuple[Child, int]:
        """Start the program at a port of its own: a free one may be taken before it is there."""
        settings = self._folder / "config.yml"
        deadline = time.monotonic() + _START_SECONDS
        while True:
            port, realm = _free_port(), f"rehearsal-{secrets.token_hex(8)}"
            text = _CONFIGURATION.format(folder=self._folder, port=port, realm=realm)
            settings.write_text(text)
            child = start([program, "serve", str(settings)], output_path=self._folder / _LOG)
            while child.poll() is None and time.monotonic() < deadline:
                if _answers(port, realm):
                    return child, port
                time.sleep(_POLL_SECONDS)
            if child.poll() is not None:
                child.wait()  # reads all that it said
            child.terminate(1.0)
            child.__exit__(None, None, None)
            if "address already in use" not in child.tail or time.monotonic() > deadline:
                raise EnvironmentSetupError(
                    f"{program} does not start: {child.tail[-500:]}",
                    hint="Try it by hand: is it another program of that name?",
                )


def _hash(password: str) -> str:
    try:
        import bcrypt  # noqa: PLC0415 an optional library
    except ImportError as exc:
        raise MissingDependencyError(
            "a registry with a login needs bcrypt",
            hint='Install it: pip install "training-grounds[rehearsal]".',
        ) from exc
    # few rounds: the password is random, lives for minutes, and is checked at each request
    return bytes(bcrypt.hashpw(password.encode(), bcrypt.gensalt(rounds=4))).decode()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int, realm: str) -> bool:
    """Whether it is the registry of that realm that asks for a login there, and no other server."""
    try:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=_ASK_SECONDS)) as asked:
            asked.request("GET", "/v2/")
            return realm in (asked.getresponse().getheader("WWW-Authenticate") or "")
    except (OSError, http.client.HTTPException):
        return False
