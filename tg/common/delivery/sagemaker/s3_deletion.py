"""Objects in S3 that are not needed any more."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .aws_errors import aws_error, translated
from .s3_layout import S3Place

__all__ = ["delete_below", "delete_objects"]

_AT_A_TIME = 1_000  # "DeleteObjects" of the S3 API reference


def delete_objects(client: Any, bucket: str, keys: Iterable[str]) -> None:
    """Delete objects; those that are not there are left as they are.

    Parameters
    ----------
    client
        Of S3.
    bucket
        Where they are.
    keys
        What they are called.

    Raises
    ------
    AwsError
        One could not be deleted.
    """
    every = list(keys)
    for start in range(0, len(every), _AT_A_TIME):
        some = [{"Key": key} for key in every[start : start + _AT_A_TIME]]
        with translated("s3.DeleteObjects"):
            answer = client.delete_objects(Bucket=bucket, Delete={"Objects": some, "Quiet": True})
        for failed in answer.get("Errors", ()):
            raise aws_error(failed["Code"], failed.get("Message", ""), "s3.DeleteObjects")


def delete_below(client: Any, folder: S3Place) -> None:
    """Delete all objects of a folder.

    Raises
    ------
    AwsError
        They could not be listed, or one could not be deleted.
    """
    prefix = f"{folder.key.rstrip('/')}/"
    with translated("s3.ListObjectsV2"):
        pages = client.get_paginator("list_objects_v2").paginate(
            Bucket=folder.bucket, Prefix=prefix
        )
        keys = [item["Key"] for page in pages for item in page.get("Contents", ())]
    delete_objects(client, folder.bucket, keys)
