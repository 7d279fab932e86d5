"""Datasets, brought to S3 once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ..._core.errors import AwsNotFoundError, AwsPermissionError
from .aws import AwsClients
from .dataset_transfer import DatasetLocation, FileTransfer, FolderTransfer, Transfer
from .local_dataset import DatasetFile, LocalDataset
from .s3_layout import S3Layout, S3Place
from .s3_sending import S3Sending

__all__ = ["DatasetLocation", "DatasetUploads", "upload_dataset", "upload_datasets"]


def upload_dataset(
    clients: AwsClients,
    layout: S3Layout,
    name: str,
    path: Path | str,
    on_progress: Callable[[int, int], None] | None = None,
    *,
    part_bytes: int = 16 << 20,
) -> DatasetLocation:
    """Bring a file or a folder to the project's datasets, as far as it is not there.

    A file becomes one object, which holds its hash and appears whole or not at all. A folder
    becomes one object for each file; what is there and not in the folder is removed. While a
    folder's objects are changed, an empty object beside them, whose name has the folder's hash, is
    missing; it is written last. So a folder that is there costs one listing, and one that is there
    in part is completed by the next call.

    Parameters
    ----------
    clients
        The connections.
    layout
        Where the project's datasets stand.
    name
        The dataset, relative to the project's datasets.
    path
        The file or the folder on this machine.
    on_progress
        Called with the bytes sent so far and the bytes to send, from several threads but one at a
        time; never if nothing is sent.
    part_bytes
        Files of this size and more are sent in parts of this size, several at a time; 5 MiB at
        least.

    Returns
    -------
    DatasetLocation
        Where it is.

    Raises
    ------
    DatasetNotFoundError
        There is no such file or folder.
    DataError
        The folder is empty, or a file changed while it was sent.
    AwsNotFoundError
        There is no such bucket.
    AwsPermissionError
        The bucket is somebody else's, or this identity may not read or write there.
    """
    found = upload_datasets(clients, layout, {name: path}, on_progress, part_bytes=part_bytes)
    return found[name]


def upload_datasets(
    clients: AwsClients,
    layout: S3Layout,
    datasets: Mapping[str, Path | str],
    on_progress: Callable[[int, int], None] | None = None,
    *,
    part_bytes: int = 16 << 20,
) -> dict[str, DatasetLocation]:
    """Bring several files and folders to the project's datasets, in one transfer.

    Parameters
    ----------
    datasets
        The name of each to the file or the folder on this machine.
    clients, layout, on_progress, part_bytes
        As for `upload_dataset`; the progress is that of all.

    Returns
    -------
    dict
        The name of each to where it is.

    Raises
    ------
    ConfigError
        A dataset is not there, is empty, or has a file that cannot be called so in S3; nothing was
        asked or sent.
    DataError
        A file changed while it was sent.
    AwsNotFoundError, AwsPermissionError
        As `upload_dataset`.
    """
    uploads = DatasetUploads(clients, layout, datasets, part_bytes=part_bytes)
    uploads.begin()
    return uploads.send(on_progress)


class DatasetUploads:
    """Several files and folders on their way: looked for first, then sent as far as need be.

    Parameters
    ----------
    clients, layout, datasets, part_bytes
        As for `upload_datasets`.

    Raises
    ------
    ConfigError
        A dataset is not there, is empty, or has a file that cannot be called so in S3.
    """

    def __init__(
        self,
        clients: AwsClients,
        layout: S3Layout,
        datasets: Mapping[str, Path | str],
        *,
        part_bytes: int = 16 << 20,
    ) -> None:
        places = {name: layout.dataset(name) for name in datasets}
        local = {name: LocalDataset.of(Path(path), places[name]) for name, path in datasets.items()}
        self._client = clients.client("s3")
        self._part_bytes = part_bytes
        self._transfers: dict[str, Transfer] = {}
        for name, dataset in local.items():
            kind = FolderTransfer if dataset.is_folder else FileTransfer
            self._transfers[name] = kind(dataset, places[name], self._client)

    def begin(self) -> None:
        """Find out what is to be sent.

        Raises
        ------
        AwsNotFoundError, AwsPermissionError
            As `upload_dataset`.
        """
        for transfer in self._transfers.values():
            with _explained(transfer.place):
                transfer.begin()

    def send(
        self, on_progress: Callable[[int, int], None] | None = None
    ) -> dict[str, DatasetLocation]:
        """Send it, and give the name of each dataset to where it is.

        Raises
        ------
        DataError
            A file changed while it was sent.
        AwsNotFoundError, AwsPermissionError
            As `upload_dataset`.
        """
        pending: list[tuple[DatasetFile, S3Place]] = []
        for transfer in self._transfers.values():
            pending += transfer.missing
        if pending:
            with _explained(pending[0][1]):
                S3Sending(self._client, self._part_bytes, on_progress).send(pending)
        for transfer in self._transfers.values():
            with _explained(transfer.place):
                transfer.finish()
        return {name: transfer.location for name, transfer in self._transfers.items()}


@contextmanager
def _explained(place: S3Place) -> Iterator[None]:
    """Say which bucket a refusal is about."""
    try:
        yield
    except AwsNotFoundError as exc:
        raise exc.reworded(
            f"there is no bucket {place.bucket!r} for the dataset {place}",
            hint="Create it in the region of the trainings, or check its name and the account.",
        ) from exc
    except AwsPermissionError as exc:
        arn = f"arn:aws:s3:::{place.bucket}"
        raise exc.reworded(
            f"the dataset cannot be brought to {place}: {exc.what}",
            hint=f"The bucket may be somebody else's. Otherwise ask for s3:ListBucket on {arn} and "
            f"s3:GetObject, s3:PutObject and s3:DeleteObject on {arn}/sagemaker/*.",
        ) from exc
