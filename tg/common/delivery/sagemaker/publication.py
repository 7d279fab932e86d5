"""A package's image and its data, brought to where SageMaker gets them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ..delivery.packaging import Package
from ..delivery.training_image import Image
from ..execution.request import TrainingRequest
from .aws import AwsClients
from .dataset_upload import DatasetLocation, DatasetUploads
from .ecr_pusher import shared_pusher
from .preflight import PLATFORM
from .upload_progress import upload_progress

if TYPE_CHECKING:
    from .config import SagemakerConfig

__all__ = ["ImagePusher", "Publication", "publish"]


class ImagePusher(Protocol):
    """Brings an image to where SageMaker gets it."""

    def find(self, content_hash: str) -> str | None:
        """Give the address of the image of that content; ``None`` if it is not there."""

    def push(self, image: Image) -> str:
        """Push it unless it is there, and give its address."""


@dataclass(frozen=True, kw_only=True)
class Publication:
    """What a training's request names.

    Attributes
    ----------
    image_uri
        The image, in a registry.
    image_hash
        The hash of all that decides what is in it.
    data
        Channel to where its dataset is.
    """

    image_uri: str
    image_hash: str
    data: Mapping[str, DatasetLocation]

    @property
    def channels(self) -> dict[str, str]:
        """Channel to the address of its dataset."""
        return {name: location.uri for name, location in self.data.items()}

    @property
    def data_hash(self) -> str:
        """The hash of all data."""
        return "".join(self.data[name].content_hash for name in sorted(self.data))


def publish(
    config: SagemakerConfig,
    request: TrainingRequest,
    package: Package,
    clients: AwsClients,
    pusher: ImagePusher | None = None,
) -> Publication:
    """Build, push and upload what is not there yet.

    Image and data are looked for at the same time. An image that the registry has is not looked for
    in the engine, which is asked for nothing but the base image, once a minute: a base image that
    got another content under its name is noticed then, or as soon as something is to be built.

    Parameters
    ----------
    config
        The image's settings, and where the data go.
    request
        The data.
    package
        The code.
    clients
        The services.
    pusher
        Brings the image to a registry; to the account's own if ``None``.

    Raises
    ------
    ImageBuildError
        The image could not be built.
    AwsError
        A service refused something.
    """
    pusher = pusher or shared_pusher(clients)
    containering = copy.copy(config.containering)
    containering.platform = containering.platform or PLATFORM
    image_hash = containering.training_image(package, may_be_recent=True).content_hash
    settings = config.settings
    names = {
        channel: settings.channels.get(channel, settings.dataset) for channel in request.channels
    }
    datasets = {names[channel]: path for channel, path in request.channels.items()}
    with ThreadPoolExecutor(1, "tg-look") as pool:
        looking = pool.submit(pusher.find, image_hash)
        uploads = DatasetUploads(clients, settings.s3_layout, datasets)
        uploads.begin()
        image_uri = looking.result()
    # before data are sent, which may take longer than to learn that the image cannot be built
    image = None if image_uri else containering.make_container(package)
    with upload_progress(silent=containering.silent) as on_progress:
        locations = uploads.send(on_progress)
    if image is not None:
        image_uri, image_hash = pusher.push(image), image.content_hash
    return Publication(
        image_uri=str(image_uri),
        image_hash=image_hash,
        data={channel: locations[name] for channel, name in names.items()},
    )
