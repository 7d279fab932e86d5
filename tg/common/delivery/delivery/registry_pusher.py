"""Images, brought to a registry once."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from ..._core.errors import CommandError, EngineError, EngineUnavailableError, PushError
from ..._core.file_lock import FileLock
from ..._core.loc import Loc
from ..docker.engine import DockerEngine
from .image_name import ImageName
from .registry_client import RegistryClient, split_repository
from .registry_credentials import (
    RegistryCredentials,
    client_configuration,
    configured_credentials,
)
from .training_image import Image

__all__ = ["RegistryPusher"]

_PUSH_SECONDS = 2 * 3_600.0
_PUSHED = re.compile(r"digest: (sha256:[0-9a-f]{64})")
_LOGIN = re.compile(
    r"unauthorized|no basic auth credentials|authentication required|token has expired"
    r"|denied|incorrect username or password|401 |403 ",
    re.IGNORECASE,
)
# what registries and engines say, and what to do about it
_HINTS = (
    (
        re.compile(r"does not exist|name unknown|not found", re.IGNORECASE),
        "Create the repository in the registry, or mend its name.",
    ),
    (
        _LOGIN,
        "Log in with an account that may push there: `docker login {host}`, or pass credentials.",
    ),
    (
        re.compile(r"server gave HTTP response to HTTPS client", re.IGNORECASE),
        (
            "The registry has no TLS: give it a certificate, or name it in the engine's "
            "`insecure-registries`."
        ),
    ),
    (
        re.compile(r"x509|certificate", re.IGNORECASE),
        (
            "The engine does not trust the registry's certificate: put the authority's into "
            "/etc/docker/certs.d/{host}/ca.crt on the engine's machine."
        ),
    ),
    (
        re.compile(r"connection refused|no such host|i/o timeout|dial tcp|EOF", re.IGNORECASE),
        (
            "Does the registry run, and does the engine reach it? Layers that were sent are kept: "
            "ask again."
        ),
    ),
    (
        re.compile(r"no space left|quota|too large", re.IGNORECASE),
        "Make room in the registry, or take what is not needed out of the image.",
    ),
)


class RegistryPusher:
    """Pushes images to one repository of a registry.

    An image's tag there is the hash of all that decides what is in it: one that is there is found
    by one request, and nothing is sent. May be used by several threads at a time.

    Parameters
    ----------
    repository
        Where images go, such as ``registry.example.org/team/tea``.
    credentials
        The user; or a function that gives them, which is called with whether the last ones were
        refused. Those of the user's own ``docker login`` if ``None``.
    engine
        Where the images are.
    on_line
        Called with each line of progress.

    Raises
    ------
    NamingError
        No repository may be called so.

    Example
    -------
    >>> RegistryPusher("localhost:5000/tea")
    <RegistryPusher localhost:5000/tea>
    """

    def __init__(
        self,
        repository: str,
        credentials: RegistryCredentials | Callable[[bool], RegistryCredentials] | None = None,
        *,
        engine: DockerEngine | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> None:
        self.repository = ImageName(repository, "latest").name
        self._host = split_repository(repository)[0]
        self._credentials = credentials
        self._engine = engine or DockerEngine()
        self._on_line = on_line

    def __repr__(self) -> str:
        return f"<RegistryPusher {self.repository}>"

    def find(self, content_hash: str) -> str | None:
        """Look for an image, with one request.

        Parameters
        ----------
        content_hash
            The image's.

        Returns
        -------
        str or None
            Its address; ``None`` if it is not there, or cannot be looked for: pushing tells why.
        """
        name = self._name(content_hash)
        try:
            digest = self._find(name, self._current(refused=False), refused=False)
        except PushError:
            # raised where a function gives credentials: it gives others now
            digest = self._find(name, self._current(refused=True), refused=True)
        return self._address(digest) if digest else None

    def push(self, image: Image) -> str:
        """Push an image unless it is there.

        Parameters
        ----------
        image
            As :meth:`Containering.make_container` gives it.

        Returns
        -------
        str
            Its address, which no other image can get: ``REPOSITORY@sha256:…``.

        Raises
        ------
        PushError
            The registry or the engine refused it; the hint says what to do.
        EngineUnavailableError
            No engine answers.
        """
        name = self._name(image.content_hash)
        refused = False
        while True:
            credentials = self._current(refused)
            try:
                digest = self._find(name, credentials, refused)
                if digest is None:
                    # one at a time: what another sends of it at this moment is not sent twice
                    with FileLock(_lock_file(name), _PUSH_SECONDS):
                        digest = self._find(name, credentials, refused)
                        digest = digest or self._send(image, name, credentials)
                return self._address(digest)
            except PushError as exc:
                if refused or not callable(self._credentials) or not _LOGIN.search(exc.output):
                    raise
                refused = True  # the function gives others now

    def _name(self, content_hash: str) -> ImageName:
        return ImageName(self.repository, f"tg-{content_hash}")

    def _address(self, digest: str) -> str:
        return f"{self.repository}@{digest}"

    def _current(self, refused: bool) -> RegistryCredentials | None:
        if callable(self._credentials):
            return self._credentials(refused)
        return self._credentials

    def _find(
        self, name: ImageName, credentials: RegistryCredentials | None, refused: bool
    ) -> str | None:
        known = credentials or configured_credentials(self._host)
        try:
            return RegistryClient(self.repository, known).digest(name.tag)
        except PushError:
            if callable(self._credentials) and not refused:
                raise
            return None  # there may be no right to read: pushing tells

    def _send(self, image: Image, name: ImageName, credentials: RegistryCredentials | None) -> str:
        lines: list[str] = []

        def take(line: str) -> None:
            lines.append(line)
            if self._on_line is not None:
                self._on_line(line)

        self._engine.call(["image", "tag", image.id, str(name)])
        with ExitStack() as stack:
            env = None
            secrets: tuple[str, ...] = ()
            if credentials is not None:
                folder = stack.enter_context(client_configuration(self._host, credentials))
                env = {"DOCKER_CONFIG": str(folder)}
                secrets = (credentials.password, credentials.basic)
            try:
                self._engine.call(
                    ["push", str(name)],
                    env=env,
                    timeout_seconds=_PUSH_SECONDS,
                    secrets=secrets,
                    on_line=take,
                )
            except EngineError as exc:
                raise self._translated(exc, name, lines) from exc
        found = _PUSHED.findall("\n".join(lines))
        if not found:
            raise PushError(
                f"the image {name} was pushed, and its digest is not known",
                reference=str(name),
                output="\n".join(lines[-50:]),
                hint="Is `docker` another program than Docker's own client?",
            )
        return str(found[-1])

    def _translated(
        self, error: EngineError, name: ImageName, lines: list[str]
    ) -> EngineError | PushError:
        if isinstance(error, EngineUnavailableError):
            # a registry that is not reached sounds like an engine that is not
            try:
                self._engine.version()
            except EngineUnavailableError as unavailable:
                return unavailable
        cause = error.__cause__
        output = cause.output if isinstance(cause, CommandError) else "\n".join(lines)
        said = next((line.strip() for line in reversed(output.splitlines()) if line.strip()), "")
        hint = next((text for pattern, text in _HINTS if pattern.search(said)), "")
        return PushError(
            f"the image could not be pushed to {name}: {said or error.what}",
            reference=str(name),
            output=output,
            hint=hint.format(host=self._host) or "Layers that were sent are kept: ask again.",
        )


def _lock_file(name: ImageName) -> Path:
    digest = hashlib.sha256(str(name).encode()).hexdigest()[:20]
    return Loc.user_cache_path / "pushes" / f"{digest}.lock"
