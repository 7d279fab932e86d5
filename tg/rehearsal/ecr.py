"""The operations of ECR that have to do with the images themselves: a real registry has them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from .account import ACCOUNT
from .gateway import Operation
from .registry import ImageRegistry
from .service_error import ServiceError

__all__ = ["ContainerRegistryService"]

_TARGET = "AmazonEC2ContainerRegistry_V20150921."
_TOKEN_SECONDS = 12 * 3_600


class ContainerRegistryService:
    """Answers for the registry.

    Parameters
    ----------
    registry
        Holds the images.
    region
        The region that it plays.
    """

    def __init__(self, registry: ImageRegistry, region: str) -> None:
        self._registry = registry
        self._region = region

    @property
    def operations(self) -> dict[str, Operation]:
        """The operations, by their targets."""
        named: dict[str, Operation] = {
            "GetAuthorizationToken": self._token,
            "DescribeImages": self._describe,
            "ListImages": self._list,
            "BatchGetImage": self._get,
        }
        return {f"{_TARGET}{name}": operation for name, operation in named.items()}

    def _token(self, _: Mapping[str, Any]) -> Mapping[str, Any]:
        data = {
            "authorizationToken": self._registry.token,
            "expiresAt": time.time() + _TOKEN_SECONDS,
            "proxyEndpoint": f"http://{self._registry.host}",
        }
        return {"authorizationData": [data]}

    def _describe(self, request: Mapping[str, Any]) -> Mapping[str, Any] | None:
        repository = request["repositoryName"]
        if not self._is_known(repository):
            return None
        details: dict[str, dict[str, Any]] = {}
        for image in request.get("imageIds") or self._all(repository):
            found = self._manifest(repository, image)
            if found is None:
                raise ServiceError(
                    "ImageNotFoundException",
                    f"The image with imageId {{imageDigest:'{image.get('imageDigest', 'null')}', "
                    f"imageTag:'{image.get('imageTag', 'null')}'}} does not exist within the "
                    f"repository with name '{repository}' in the registry with id '{ACCOUNT}'",
                )
            digest, _, kind = found
            entry = details.setdefault(
                digest,
                {
                    "registryId": ACCOUNT,
                    "repositoryName": repository,
                    "imageDigest": digest,
                    "imageManifestMediaType": kind,
                },
            )
            if "imageTag" in image:
                entry.setdefault("imageTags", []).append(image["imageTag"])
        return {"imageDetails": list(details.values())}

    def _list(self, request: Mapping[str, Any]) -> Mapping[str, Any] | None:
        repository = request["repositoryName"]
        if not self._is_known(repository):
            return None
        images = []
        for image in self._all(repository):
            found = self._manifest(repository, image)
            if found is not None:
                images.append({"imageDigest": found[0], **image})
        return {"imageIds": images}

    def _get(self, request: Mapping[str, Any]) -> Mapping[str, Any] | None:
        repository = request["repositoryName"]
        if not self._is_known(repository):
            return None
        images, failures = [], []
        for image in request["imageIds"]:
            found = self._manifest(repository, image)
            if found is None:
                failures.append(
                    {
                        "imageId": image,
                        "failureCode": "ImageNotFound",
                        "failureReason": "Requested image not found",
                    }
                )
                continue
            digest, body, kind = found
            images.append(
                {
                    "registryId": ACCOUNT,
                    "repositoryName": repository,
                    "imageId": {**image, "imageDigest": digest},
                    "imageManifest": body.decode(),
                    "imageManifestMediaType": kind,
                }
            )
        return {"images": images, "failures": failures}

    def _manifest(self, repository: str, image: Mapping[str, str]) -> tuple[str, bytes, str] | None:
        reference = image.get("imageDigest") or image["imageTag"]
        return self._registry.manifest(repository, reference)

    def _all(self, repository: str) -> Iterator[dict[str, str]]:
        for tag in self._registry.tags(repository):
            yield {"imageTag": tag}

    def _is_known(self, repository: str) -> bool:
        """Whether the repository was created; if not, the simulated service says what it says."""
        from moto.backends import get_backend  # noqa: PLC0415 an optional library

        return repository in get_backend("ecr")[ACCOUNT][self._region].repositories
