from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("boto3", reason="needs the extra [aws]")
pytest.importorskip("moto", reason="needs the extra [rehearsal]")

from tg.common._core.archive_reader import ArchiveReader
from tg.common._core.archive_writer import Member, write_tar_gz
from tg.common._core.errors import (
    ArchiveError,
    AwsConnectionError,
    AwsNotFoundError,
    NamingError,
    ResultError,
)
from tg.common.delivery.sagemaker.aws import AwsClients
from tg.common.delivery.sagemaker.result_download import RemoteResult, download_result
from tg.common.delivery.sagemaker.s3_layout import S3Place
from tg.common.delivery.sagemaker.s3_object import S3Object

ARCHIVE = "s3://tea-data/sagemaker/green/output/job/output/model.tar.gz"
FOLDER = "s3://tea-data/sagemaker/green/output/job/output/model"
MIB = 1 << 20


@pytest.fixture
def s3(cloud):
    client = AwsClients().client("s3")
    client.create_bucket(
        Bucket="tea-data", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    return client


def put(s3, data: bytes, uri: str = ARCHIVE) -> None:
    s3.put_object(Bucket="tea-data", Key=uri.removeprefix("s3://tea-data/"), Body=data)


def archive_of(members: dict[str, bytes], **options: bool) -> bytes:
    file = io.BytesIO()
    write_tar_gz(file, [Member(name=n, content=c) for n, c in members.items()], **options)
    return file.getvalue()


def noise(size: int) -> bytes:
    return os.urandom(size)


@pytest.fixture
def large(s3) -> dict[str, bytes]:
    """A result as ours are, 48 MiB of it in two files that do not compress."""
    members = {
        "runs/0/model.pkl": noise(32 * MIB),
        "runs/0/result_df.parquet": noise(16 * MIB),
        "runs/0/info.pkl": noise(10_000),
        "metrics.json": b'{"protocol": 1}',
    }
    put(s3, archive_of(members, small_first=True))
    return members


def test_listing_and_one_small_file_take_the_beginning_alone(cloud, large):
    cloud.exchanges.clear()
    result = RemoteResult(AwsClients(), ARCHIVE)
    assert result.list() == sorted(large)
    assert result.read("runs/0/info.pkl") == large["runs/0/info.pkl"]
    assert cloud.sent() <= MIB + 4
    assert len(cloud.exchanges) == 2  # the beginning, and the four bytes of the size


def test_a_large_file_takes_few_requests_and_no_byte_twice(cloud, large):
    cloud.exchanges.clear()
    result = RemoteResult(AwsClients(), ARCHIVE)
    assert result.read("runs/0/result_df.parquet") == large["runs/0/result_df.parquet"]
    assert result.read("metrics.json") == large["metrics.json"]
    assert cloud.sent() < 26 * MIB
    assert len(cloud.exchanges) < 10


def test_the_whole_archive_is_read_through_ranges_with_its_checksums(large):
    result = RemoteResult(AwsClients(), ARCHIVE)
    for name, content in large.items():
        assert result.read(name) == content


def test_an_archive_of_others_is_read_as_well(s3, cloud):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for name, content in {"model.bin": noise(6 * MIB), "a.json": b"{}"}.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    put(s3, file.getvalue())
    result = RemoteResult(AwsClients(), ARCHIVE)
    assert result.list() == ["a.json", "model.bin"]
    assert result.read("a.json") == b"{}"


@pytest.mark.parametrize("more", [-9, -4, -3, -2, -1, 0, 1, 2, 3, 4, 9])
def test_archives_that_end_where_the_first_request_ends_are_read(s3, more):
    # a stored block of one member, so that the size can be chosen to the byte
    base = len(archive_of({"a": noise(MIB)}))
    content = noise(MIB - (base - MIB) + more)
    put(s3, archive_of({"a": content}))
    assert RemoteResult(AwsClients(), ARCHIVE).read("a") == content


def test_one_file_is_put_into_a_folder(large, tmp_path):
    path = RemoteResult(AwsClients(), ARCHIVE).get_path("runs/0/info.pkl", tmp_path)
    assert path == tmp_path / "runs/0/info.pkl"
    assert path.read_bytes() == large["runs/0/info.pkl"]


def test_a_whole_result_is_downloaded(large, tmp_path):
    path = download_result(AwsClients(), ARCHIVE, tmp_path / "new" / "model.tar.gz")
    with ArchiveReader(path) as archive:
        archive.verify()
        assert archive.read("runs/0/model.pkl") == large["runs/0/model.pkl"]
    assert [p.name for p in path.parent.iterdir()] == ["model.tar.gz"]


def test_a_download_that_fails_leaves_what_was_there(s3, tmp_path):
    path = tmp_path / "model.tar.gz"
    path.write_bytes(b"old")
    with pytest.raises(AwsNotFoundError, match="no result at s3://tea-data"):
        download_result(AwsClients(), ARCHIVE, path)
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["model.tar.gz"]


# ------------------------------------------------------------------ files one by one


@pytest.fixture
def loose(s3) -> dict[str, bytes]:
    files = {"runs/0/model.pkl": noise(3 * MIB), "metrics.json": b"{}", "empty": b""}
    for name, content in files.items():
        put(s3, content, f"{FOLDER}/{name}")
    put(s3, b"", f"{FOLDER}/runs/")  # as the console makes folders
    put(s3, b"another job's", f"{FOLDER}-2/stray")
    return files


@pytest.mark.parametrize("slash", ["", "/"])
def test_uncompressed_outputs_are_listed_and_read_alone(cloud, loose, slash):
    cloud.exchanges.clear()
    result = RemoteResult(AwsClients(), FOLDER + slash)
    assert result.list() == ["empty", "metrics.json", "runs/0/model.pkl"]
    assert result.read("metrics.json") == b"{}"
    assert len(cloud.exchanges) == 2
    assert cloud.sent() < 5_000


def test_uncompressed_outputs_become_one_archive(loose, tmp_path):
    path = download_result(AwsClients(), FOLDER, tmp_path / "model.tar.gz")
    with ArchiveReader(path) as archive:
        assert {name: archive.read(name) for name in archive.names()} == loose


def test_a_name_that_leads_out_of_the_folder_is_refused(s3, tmp_path):
    put(s3, b"x", f"{FOLDER}/../../evil")
    with pytest.raises(ArchiveError, match="evil"):
        RemoteResult(AwsClients(), FOLDER)
    with pytest.raises(ArchiveError, match="evil"):
        download_result(AwsClients(), FOLDER, tmp_path / "a" / "model.tar.gz")
    assert list(tmp_path.rglob("*.tar.gz")) == []


# ------------------------------------------------------------------ what cannot be


@pytest.mark.parametrize("uri", [ARCHIVE, FOLDER])
def test_a_result_that_is_not_there_is_told(s3, uri):
    with pytest.raises(AwsNotFoundError, match=r"no result at.*Has the training ended"):
        RemoteResult(AwsClients(), uri)


@pytest.mark.parametrize("uri", [ARCHIVE, FOLDER])
def test_a_bucket_that_is_not_there_is_told(cloud, uri):
    with pytest.raises(AwsNotFoundError) as caught:
        RemoteResult(AwsClients(), uri)
    assert caught.value.code == "NoSuchBucket"


@pytest.mark.parametrize("uri", [ARCHIVE, FOLDER])
def test_a_file_that_is_not_in_it_is_told_with_the_nearest(s3, uri):
    put(s3, archive_of({"metrics.json": b"{}"}), ARCHIVE)
    put(s3, b"{}", f"{FOLDER}/metrics.json")
    with pytest.raises(ResultError, match=r"metric\.json.*metrics\.json"):
        RemoteResult(AwsClients(), uri).read("metric.json")


@pytest.mark.parametrize("data", [b"", b"no archive", b"\x1f\x8b\x08"])
def test_what_is_no_archive_is_told(s3, data):
    put(s3, data)
    with pytest.raises(ArchiveError):
        RemoteResult(AwsClients(), ARCHIVE)


def test_an_archive_that_is_cut_off_is_told(s3, large):
    put(s3, archive_of(large, small_first=True)[: 20 * MIB])
    with pytest.raises(ArchiveError, match="cut off"):
        RemoteResult(AwsClients(), ARCHIVE)


def test_an_archive_that_is_replaced_meanwhile_is_not_mixed(s3, large):
    result = RemoteResult(AwsClients(), ARCHIVE)
    put(s3, archive_of({**large, "runs/0/model.pkl": noise(32 * MIB)}, small_first=True))
    with pytest.raises(ArchiveError, match="was replaced while it was read"):
        result.read("runs/0/model.pkl")


def test_a_body_that_breaks_off_is_asked_for_again(answers):
    whole = {"ETag": '"1"', "Content_Range": "bytes 0-4/5"}
    answers.give(206, "green", cut=True, **whole)
    answers.give(206, "green", **whole)
    origin = S3Object(AwsClients().client("s3"), S3Place(bucket="tea-data", key="tea"))
    assert origin.read_at(0, 9) == b"green"
    assert len(answers.requests) == 2


def test_bodies_that_break_off_again_and_again_end_in_one_error(answers):
    answers.give(206, "green", cut=True, ETag='"1"', Content_Range="bytes 0-4/5")
    with pytest.raises(AwsConnectionError, match="GetObject"):
        S3Object(AwsClients().client("s3"), S3Place(bucket="tea-data", key="tea"))
    assert len(answers.requests) == 3


@given(
    st.binary(min_size=1, max_size=40),
    st.lists(st.tuples(st.integers(0, 45), st.integers(0, 45)), max_size=12),
)
def test_ranges_are_the_bytes_that_a_file_would_have(data, reads):
    class Store:
        """What answers ranges of an object of a few bytes."""

        def get_object(self, Range: str, **_: str) -> dict[str, Any]:
            first, _, last = Range.removeprefix("bytes=").partition("-")
            start = int(first)
            # the first answer is short, as that of a large object is
            body = data[:7] if start == 0 else data[start : min(int(last) + 1, len(data))]
            return {
                "ETag": '"1"',
                "ContentRange": f"bytes {first}-/{len(data)}",
                "Body": io.BytesIO(body),
            }

    file = S3Object(Store(), S3Place(bucket="tea-data", key="tea")).file()
    plain = io.BytesIO(data)
    for position, size in reads:
        assert file.seek(position) == plain.seek(position)
        assert file.read(size) == plain.read(size)
        assert file.tell() == plain.tell()


def test_a_result_is_told_by_its_place():
    with pytest.raises(NamingError):
        RemoteResult(AwsClients(), "/here/model.tar.gz")


@pytest.mark.slow
def test_of_a_large_result_less_than_one_percent_is_fetched(s3, cloud, tmp_path: Path):
    big = tmp_path / "big"
    piece = noise(8 * MIB)
    with big.open("wb") as file:
        for _ in range(32):
            file.write(piece)  # farther apart than deflate looks back
    small = noise(10_000)
    path = tmp_path / "model.tar.gz"
    members = [Member(name="model.pkl", content=big), Member(name="info.pkl", content=small)]
    write_tar_gz(path, members, small_first=True, compress_level=0)
    s3.upload_file(str(path), "tea-data", ARCHIVE.removeprefix("s3://tea-data/"))
    cloud.exchanges.clear()
    result = RemoteResult(AwsClients(), ARCHIVE)
    assert result.list() == ["info.pkl", "model.pkl"]
    assert result.read("info.pkl") == small
    assert cloud.sent() <= path.stat().st_size // 100
    assert cloud.sent() <= MIB + 4
