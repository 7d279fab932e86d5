"""Data of a channel lie in the container where SageMaker would put them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tg.common import errors
from tg.rehearsal import Rehearsal
from tg.rehearsal.job_storage import JobStorage

pytestmark = pytest.mark.rehearsal

Clients = Callable[[str], Any]


@pytest.fixture
def storage(client: Clients) -> JobStorage:
    return JobStorage(client("s3"))


@pytest.fixture
def put(cloud: Rehearsal, client: Clients) -> Callable[[str, bytes], None]:
    storage = client("s3")
    return lambda key, body: storage.put_object(Bucket=cloud.bucket, Key=key, Body=body)


def channel(uri: str, **more: str) -> dict[str, Any]:
    return {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri, **more}}}


def below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("one/data/", {"a.csv", "deep/b.csv"}),
        ("one/data", {"a.csv", "deep/b.csv"}),
        ("one/data/a.csv", {"a.csv"}),
        ("one/data/a", {"a.csv"}),
    ],
)
def test_a_prefix_becomes_a_folder(
    cloud: Rehearsal,
    storage: JobStorage,
    put: Callable[[str, bytes], None],
    tmp_path: Path,
    prefix: str,
    expected: set[str],
) -> None:
    for key in ("one/data/", "one/data/a.csv", "one/data/deep/b.csv"):
        put(key, b"1" if key.endswith("csv") else b"")
    storage.fetch_channel(channel(f"s3://{cloud.bucket}/{prefix}"), tmp_path, 0, 1)
    assert below(tmp_path) == expected


def test_a_manifest_names_its_objects(
    cloud: Rehearsal, storage: JobStorage, put: Callable[[str, bytes], None], tmp_path: Path
) -> None:
    for key in ("two/a.csv", "two/b/c.csv", "two/d.csv"):
        put(key, key.encode())
    names = [{"prefix": f"s3://{cloud.bucket}/two/"}, "a.csv", "b/c.csv"]
    put("list.json", json.dumps(names).encode())
    uri = f"s3://{cloud.bucket}/list.json"
    storage.fetch_channel(channel(uri, S3DataType="ManifestFile"), tmp_path, 0, 1)
    assert below(tmp_path) == {"a.csv", "b/c.csv"}
    assert (tmp_path / "b/c.csv").read_bytes() == b"two/b/c.csv"


def test_a_key_cannot_lead_out_of_its_folder(
    cloud: Rehearsal, storage: JobStorage, put: Callable[[str, bytes], None], tmp_path: Path
) -> None:
    put("three/x/../../escaped", b"1")
    with pytest.raises(errors.DataError, match="leads out"):
        storage.fetch_channel(channel(f"s3://{cloud.bucket}/three/"), tmp_path / "in", 0, 1)
    assert below(tmp_path) == set()


def test_only_what_has_changed_is_stored_again(
    cloud: Rehearsal, storage: JobStorage, client: Clients, tmp_path: Path
) -> None:
    uri, known = f"s3://{cloud.bucket}/four", dict[str, tuple[int, int]]()
    (tmp_path / "a").write_text("1")
    before = cloud.calls("s3.PutObject")
    storage.store_changes(tmp_path, uri, known)
    storage.store_changes(tmp_path, uri, known)
    (tmp_path / "a").write_text("22")
    storage.store_changes(tmp_path, uri, known)
    assert (cloud.calls("s3.PutObject") - before).count == 2
    answer = client("s3").get_object(Bucket=cloud.bucket, Key="four/a")
    assert answer["Body"].read() == b"22"


OPERATIONS: dict[str, Callable[[Any, str], object]] = {
    "HeadBucket": lambda s3, bucket: s3.head_bucket(Bucket=bucket),
    "ListBuckets": lambda s3, _: s3.list_buckets(),
    "ListObjects": lambda s3, bucket: s3.list_objects(Bucket=bucket),
    "ListObjectsV2": lambda s3, bucket: s3.list_objects_v2(Bucket=bucket),
    "GetBucketLocation": lambda s3, bucket: s3.get_bucket_location(Bucket=bucket),
    "PutObject": lambda s3, bucket: s3.put_object(Bucket=bucket, Key="k/l", Body=b""),
    "HeadObject": lambda s3, bucket: s3.head_object(Bucket=bucket, Key="k/l"),
    "CopyObject": lambda s3, bucket: s3.copy_object(
        Bucket=bucket, Key="m", CopySource=f"{bucket}/k/l"
    ),
    "DeleteObject": lambda s3, bucket: s3.delete_object(Bucket=bucket, Key="m"),
    "DeleteObjects": lambda s3, bucket: s3.delete_objects(
        Bucket=bucket, Delete={"Objects": [{"Key": "m"}]}
    ),
    "CreateMultipartUpload": lambda s3, bucket: s3.create_multipart_upload(Bucket=bucket, Key="p"),
    "ListMultipartUploads": lambda s3, bucket: s3.list_multipart_uploads(Bucket=bucket),
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_of_storage_is_counted_under_its_name(
    cloud: Rehearsal, client: Clients, put: Callable[[str, bytes], None], operation: str
) -> None:
    put("k/l", b"1")
    before = cloud.calls("s3.*"), cloud.calls(f"s3.{operation}")
    OPERATIONS[operation](client("s3"), cloud.bucket)
    assert (cloud.calls("s3.*") - before[0]).count == 1
    assert (cloud.calls(f"s3.{operation}") - before[1]).count == 1
