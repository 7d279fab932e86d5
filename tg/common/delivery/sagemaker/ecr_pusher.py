"""Images, brought to the account's own registry."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary

from ..._core.errors import AwsError, AwsNotFoundError, ConfigError, NamingError, PushError
from ..delivery.registry_credentials import RegistryCredentials
from ..delivery.registry_pusher import RegistryPusher
from ..delivery.training_image import Image
from ..docker.engine import DockerEngine
from .aws import AwsClients
from .aws_errors import translated

__all__ = ["EcrPusher", "shared_pusher"]

# "CreateRepository" of the ECR API reference
_REPOSITORY = re.compile(r"(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*\Z")
# by the client of a session: other credentials or another region have another one
_SHARED: WeakKeyDictionary[Any, EcrPusher] = WeakKeyDictionary()
_SHARED_LOCK = threading.Lock()
_EARLY = timedelta(minutes=15)  # a token lasts twelve hours, and a push may take a while


class EcrPusher:
    """Pushes images to a repository of Amazon ECR, which is made if it is not there.

    The registry's token is asked for when it is needed, and again before it expires or if it is
    refused. May be used by several threads at a time.

    Parameters
    ----------
    clients
        The connections; the repository is in their account and region.
    repository
        Its name. One is enough for all packages: images are told apart by their content.
    keep_images
        So many of the latest images are kept in the repository, and others removed by ECR's
        lifecycle policy, which this replaces; the policy is left as it is if ``None``.
    engine
        Where the images are.
    on_line
        Called with each line of progress.

    Raises
    ------
    ConfigError
        No repository may be called so, or the number is less than 1.
    """

    def __init__(
        self,
        clients: AwsClients,
        repository: str = "training-grounds",
        *,
        keep_images: int | None = None,
        engine: DockerEngine | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> None:
        if not 2 <= len(repository) <= 256 or not _REPOSITORY.match(repository):
            raise NamingError(
                f"no repository of ECR may be called {repository!r}",
                hint="Use 2 to 256 lower-case letters and digits, with single dots, dashes, "
                "underscores or slashes between them, without the registry's host.",
            )
        if keep_images is not None and keep_images < 1:
            raise ConfigError(
                f"keep_images={keep_images!r}", hint="Keep one image or more, or leave it out."
            )
        self.repository = repository
        self._clients = clients
        self._keep_images = keep_images
        self._engine = engine
        self._on_line = on_line
        self._lock = threading.Lock()
        self._uri = ""
        self._token: tuple[RegistryCredentials, datetime] | None = None

    def __repr__(self) -> str:
        return f"<EcrPusher {self.repository}>"

    def find(self, content_hash: str) -> str | None:
        """Look for an image; nothing is made.

        Parameters
        ----------
        content_hash
            The image's.

        Returns
        -------
        str or None
            Its address; ``None`` if it, or the repository, is not there.

        Raises
        ------
        AwsError
            ECR refused the repository or the token.
        """
        with self._lock:
            try:
                self._uri = uri = self._uri or self._kept_few(self._described(self._ecr))
            except AwsNotFoundError:
                return None
        return self._pusher(uri).find(content_hash)

    def push(self, image: Image) -> str:
        """Push an image unless it is there.

        Parameters
        ----------
        image
            As :meth:`Containering.make_container` gives it.

        Returns
        -------
        str
            Its address, ``ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY@sha256:…``.

        Raises
        ------
        AwsError
            ECR refused the repository or the token.
        PushError
            The image could not be pushed.
        EngineUnavailableError
            No engine answers.
        """
        with self._lock:
            was_known = bool(self._uri)
            self._uri = uri = self._uri or self._prepared_repository()
        try:
            return self._pusher(uri).push(image)
        except PushError:
            if not was_known:
                raise
        # the repository may have been removed since it was prepared
        with self._lock:
            self._uri = uri = self._prepared_repository()
        return self._pusher(uri).push(image)

    @property
    def _ecr(self) -> Any:
        return self._clients.client("ecr")

    def _pusher(self, uri: str) -> RegistryPusher:
        return RegistryPusher(uri, self._credentials, engine=self._engine, on_line=self._on_line)

    def _prepared_repository(self) -> str:
        client = self._ecr
        try:
            uri = self._described(client)
        except AwsNotFoundError:
            uri = self._created(client)
        return self._kept_few(uri)

    def _kept_few(self, uri: str) -> str:
        """Set the policy of the repository, if one is asked for."""
        if self._keep_images is not None:
            with translated("ecr.PutLifecyclePolicy"):
                self._ecr.put_lifecycle_policy(
                    repositoryName=self.repository,
                    lifecyclePolicyText=json.dumps(_policy(self._keep_images)),
                )
        return uri

    def _described(self, client: Any) -> str:
        with translated("ecr.DescribeRepositories"):
            answer = client.describe_repositories(repositoryNames=[self.repository])
        return str(answer["repositories"][0]["repositoryUri"])

    def _created(self, client: Any) -> str:
        try:
            with translated("ecr.CreateRepository"):
                answer = client.create_repository(repositoryName=self.repository)
        except AwsError as exc:
            if exc.code != "RepositoryAlreadyExistsException":  # made by somebody else just now
                raise
            return self._described(client)
        return str(answer["repository"]["repositoryUri"])

    def _credentials(self, refused: bool) -> RegistryCredentials:
        with self._lock:
            if self._token is None or refused or datetime.now(UTC) + _EARLY > self._token[1]:
                self._token = self._new_token()
            return self._token[0]

    def _new_token(self) -> tuple[RegistryCredentials, datetime]:
        with translated("ecr.GetAuthorizationToken"):
            answer = self._ecr.get_authorization_token()["authorizationData"][0]
        username, _, password = (
            base64.b64decode(answer["authorizationToken"]).decode().partition(":")
        )
        return RegistryCredentials(username=username, password=password), answer["expiresAt"]


def shared_pusher(clients: AwsClients) -> EcrPusher:
    """Give the pusher of a session: repository and token are asked for once, not a submission.

    Example
    -------
    ``shared_pusher(AwsClients()).push(image)``
    """
    session_client = clients.client("ecr")
    with _SHARED_LOCK:
        if session_client not in _SHARED:
            _SHARED[session_client] = EcrPusher(clients)
        return _SHARED[session_client]


def _policy(keep_images: int) -> dict[str, Any]:
    """Write a policy as "Lifecycle policies" of the ECR user guide has it."""
    return {
        "rules": [
            {
                "rulePriority": 1,
                "description": f"Keep the latest {keep_images} images",
                "selection": {
                    "tagStatus": "any",
                    "countType": "imageCountMoreThan",
                    "countNumber": keep_images,
                },
                "action": {"type": "expire"},
            }
        ]
    }
