"""Files on their way to S3."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from typing import Any

from ..._core.errors import AwsError, DataError
from .aws_errors import translated
from .local_dataset import DatasetFile
from .s3_layout import S3Place

__all__ = ["HASH_KEY", "S3Sending"]

# an object's metadata, in which it has the SHA-256 of its bytes
HASH_KEY = "tg-sha256"


class S3Sending:
    """Sends files, large ones in parts, several at a time.

    Parameters
    ----------
    client
        Of S3.
    part_bytes
        The size of the parts, and of the files from which on there are several.
    on_progress
        Called with the bytes sent and the bytes to send.
    """

    def __init__(
        self, client: Any, part_bytes: int, on_progress: Callable[[int, int], None] | None
    ) -> None:
        self._client = client
        self._part_bytes = part_bytes
        self._on_progress = on_progress
        self._lock = threading.Lock()
        self._sent = 0
        self._total = 0
        self._futures: list[Any] = []
        self._failure: BaseException | None = None

    def send(self, files: Sequence[tuple[DatasetFile, S3Place]]) -> int:
        """Send files, each whole or not at all, and give the number of bytes.

        Raises
        ------
        AwsError
            S3 refused one.
        DataError
            One cannot be read any more, or changed meanwhile; its object was removed.
        """
        if not files:
            return 0
        from boto3.s3.transfer import (  # noqa: PLC0415 (optional, and slow to import)
            ProgressCallbackInvoker,
            TransferConfig,
            create_transfer_manager,
        )

        self._failure, self._futures = None, []
        self._sent, self._total = 0, sum(file.size for file, _ in files)
        config = TransferConfig(
            multipart_threshold=self._part_bytes, multipart_chunksize=self._part_bytes
        )
        with translated("s3.PutObject"), create_transfer_manager(self._client, config) as manager:
            for file, place in files:
                future = manager.upload(
                    str(file.path),
                    place.bucket,
                    place.key,
                    extra_args={"Metadata": {HASH_KEY: file.sha256}},
                    subscribers=[ProgressCallbackInvoker(self._count)],
                )
                self._futures.append(future)
            for (file, place), future in zip(files, self._futures, strict=True):
                self._finish(file, place, future)
        if self._failure is not None:
            raise self._failure
        return self._total

    def _finish(self, file: DatasetFile, place: S3Place, future: Any) -> None:
        from botocore.exceptions import ClientError  # noqa: PLC0415 (comes with boto3)

        try:
            future.result()
        except ClientError as exc:
            if not self._was_completed(exc, file, place):
                raise
        except CancelledError as exc:
            raise self._failure or exc from None
        except OSError as exc:
            if exc.filename is None or str(exc.filename) != str(file.path):
                raise
            raise DataError(
                f"the dataset's {file.path} cannot be read: {exc.strerror}",
                hint="Check that it is there, and its permissions.",
            ) from exc
        try:
            file.check_unchanged()
        except DataError:
            # it would say that it has other bytes than it has
            with contextlib.suppress(AwsError), translated("s3.DeleteObject"):
                self._client.delete_object(Bucket=place.bucket, Key=place.key)
            raise

    def _was_completed(self, error: Any, file: DatasetFile, place: S3Place) -> bool:
        """Whether the parts were put together, and only the answer was lost.

        The same request, sent again, then finds no upload any more.
        """
        if error.response.get("Error", {}).get("Code") != "NoSuchUpload":
            return False
        head = self._client.head_object(Bucket=place.bucket, Key=place.key)
        return bool(head["Metadata"].get(HASH_KEY) == file.sha256)

    def _count(self, amount: int) -> None:
        if self._on_progress is None:
            return
        with self._lock:  # of the threads that send
            self._sent += amount
            try:
                if self._failure is None:
                    self._on_progress(self._sent, self._total)
            except BaseException as exc:  # noqa: BLE001 - raised again in the caller's thread
                # raised here it would pass for a broken connection, and be tried ten times
                self._failure = exc
                for future in self._futures:
                    future.cancel()
