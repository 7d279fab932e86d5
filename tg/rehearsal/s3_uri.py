"""Addresses in S3, as requests have them."""

from __future__ import annotations

__all__ = ["split_s3_uri"]


def split_s3_uri(uri: str) -> tuple[str, str]:
    """Give bucket and key of an address; whether there can be such a bucket is not looked at.

    Example
    -------
    >>> split_s3_uri("s3://tea/green/leaves.csv"), split_s3_uri("s3://tea")
    (('tea', 'green/leaves.csv'), ('tea', ''))
    """
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key
