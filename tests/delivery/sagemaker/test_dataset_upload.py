from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("boto3", reason="needs the extra [aws]")
pytest.importorskip("moto", reason="needs the extra [rehearsal]")

from tg.common._core.errors import (
    AwsCredentialsError,
    AwsNotFoundError,
    AwsPermissionError,
    DataError,
    DatasetNotFoundError,
    NamingError,
)
from tg.common.delivery.sagemaker.aws import AwsClients
from tg.common.delivery.sagemaker.dataset_upload import upload_dataset, upload_datasets
from tg.common.delivery.sagemaker.s3_layout import S3Layout
from tg.common.delivery.sagemaker.upload_progress import upload_progress

LAYOUT = S3Layout("tea-data", "green")
PREFIX = "sagemaker/green/datasets/"


@pytest.fixture
def s3(cloud):
    client = AwsClients().client("s3")
    client.create_bucket(
        Bucket="tea-data", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    cloud.exchanges.clear()
    return client


@pytest.fixture
def leaves(tmp_path: Path) -> Path:
    folder = tmp_path / "leaves"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.csv").write_bytes(b"aaa")
    (folder / "b.csv").write_bytes(b"bbb")
    (folder / "deep" / "ü c.csv").write_bytes(b"cccc")
    return folder


def upload(path, name="leaves", **options):
    return upload_dataset(AwsClients(), LAYOUT, name, path, **options)


def keys(s3, prefix=PREFIX + "leaves/"):
    found = s3.list_objects_v2(Bucket="tea-data", Prefix=prefix).get("Contents", [])
    return sorted(item["Key"].removeprefix(prefix) for item in found)


def body(s3, key):
    return s3.get_object(Bucket="tea-data", Key=PREFIX + key)["Body"].read()


# ------------------------------------------------------------------ a file


def test_a_file_is_one_object_at_the_documented_place(s3, tmp_path):
    file = tmp_path / "tea.parquet"
    file.write_bytes(b"green")
    location = upload(file, "tea.parquet")
    assert location.uri == "s3://tea-data/sagemaker/green/datasets/tea.parquet"
    assert location.uploaded_bytes == 5
    assert location.content_hash == hashlib.sha256(b"green").hexdigest()
    assert body(s3, "tea.parquet") == b"green"
    head = s3.head_object(Bucket="tea-data", Key=PREFIX + "tea.parquet")
    assert head["Metadata"]["tg-sha256"] == location.content_hash


def test_an_unchanged_file_costs_one_head(s3, cloud, tmp_path):
    file = tmp_path / "tea.parquet"
    file.write_bytes(b"green" * 1000)
    first = upload(file, "tea.parquet")
    os.utime(file, (1, 1))  # its time does not matter
    cloud.exchanges.clear()
    second = upload(file, "tea.parquet")
    assert [e.method for e in cloud.exchanges] == ["HEAD"]
    assert (second.uploaded_bytes, second.content_hash) == (0, first.content_hash)


def test_a_changed_file_of_the_same_size_is_sent(s3, tmp_path):
    file = tmp_path / "tea.parquet"
    file.write_bytes(b"green")
    upload(file, "tea.parquet")
    file.write_bytes(b"black")
    assert upload(file, "tea.parquet").uploaded_bytes == 5
    assert body(s3, "tea.parquet") == b"black"


def test_an_object_that_somebody_else_put_there_is_replaced(s3, tmp_path):
    s3.put_object(Bucket="tea-data", Key=PREFIX + "tea.parquet", Body=b"earlg")
    file = tmp_path / "tea.parquet"
    file.write_bytes(b"green")
    assert upload(file, "tea.parquet").uploaded_bytes == 5
    assert body(s3, "tea.parquet") == b"green"


def test_a_large_file_goes_in_parts_with_progress(s3, cloud, tmp_path):
    file = tmp_path / "big.bin"
    data = os.urandom(12 << 20)
    file.write_bytes(data)
    seen: list[tuple[int, int]] = []
    upload(file, "big.bin", part_bytes=5 << 20, on_progress=lambda *now: seen.append(now))
    assert sum("partNumber" in e.query for e in cloud.exchanges) == 3
    assert seen[-1] == (12 << 20, 12 << 20)
    assert seen == sorted(seen)
    assert len(seen) > 3
    assert body(s3, "big.bin") == data


def test_an_upload_that_breaks_leaves_what_was_there(s3, tmp_path):
    file = tmp_path / "big.bin"
    file.write_bytes(b"old")
    upload(file, "big.bin")
    file.write_bytes(bytes(12 << 20))

    def stop(done: int, total: int) -> None:
        if done > 6 << 20:
            raise KeyError("stopped by the user")

    with pytest.raises(KeyError, match="stopped by the user"):
        upload(file, "big.bin", part_bytes=5 << 20, on_progress=stop)
    assert body(s3, "big.bin") == b"old"
    left = s3.list_multipart_uploads(Bucket="tea-data").get("Uploads", [])
    assert left == [], "parts of it go on costing money"
    assert upload(file, "big.bin", part_bytes=5 << 20).uploaded_bytes == 12 << 20


def test_a_file_that_changes_on_the_way_is_not_taken_for_the_hashed_one(s3, tmp_path):
    file = tmp_path / "tea.parquet"
    file.write_bytes(b"green")

    def meddle(done: int, total: int) -> None:
        os.utime(file, (5, 5))

    with pytest.raises(DataError, match="changed while it was uploaded"):
        upload(file, "tea.parquet", on_progress=meddle)
    assert keys(s3, PREFIX) == []


# ------------------------------------------------------------------ a folder


def test_a_folder_is_an_object_for_each_file(s3, leaves):
    location = upload(leaves)
    assert location.uri == "s3://tea-data/sagemaker/green/datasets/leaves/"
    assert location.uploaded_bytes == 10
    assert keys(s3) == ["a.csv", "b.csv", "deep/ü c.csv"]
    assert body(s3, "leaves/deep/ü c.csv") == b"cccc"


def test_an_unchanged_folder_costs_one_listing(s3, cloud, leaves):
    first = upload(leaves)
    cloud.exchanges.clear()
    second = upload(leaves)
    assert [(e.method, "list-type=2" in e.query) for e in cloud.exchanges] == [("GET", True)]
    assert cloud.count("PUT") == 0
    assert (second.uploaded_bytes, second.content_hash) == (0, first.content_hash)


def test_of_a_changed_folder_the_changed_file_alone_is_sent(s3, cloud, leaves):
    first = upload(leaves)
    (leaves / "b.csv").write_bytes(b"BBB")
    cloud.exchanges.clear()
    second = upload(leaves)
    assert second.uploaded_bytes == 3
    assert second.content_hash != first.content_hash
    put = [e.path for e in cloud.exchanges if e.method == "PUT"]
    assert [path for path in put if "complete" not in path] == [f"/tea-data/{PREFIX}leaves/b.csv"]
    assert upload(leaves).uploaded_bytes == 0


def test_a_file_that_is_gone_here_is_removed_there(s3, leaves):
    upload(leaves)
    (leaves / "a.csv").unlink()
    assert upload(leaves).uploaded_bytes == 0
    assert keys(s3) == ["b.csv", "deep/ü c.csv"]


def test_a_renamed_file_changes_the_hash(s3, leaves):
    first = upload(leaves)
    (leaves / "a.csv").rename(leaves / "z.csv")
    assert upload(leaves).content_hash != first.content_hash
    assert keys(s3) == ["b.csv", "deep/ü c.csv", "z.csv"]


@pytest.mark.parametrize("harm", ["removed", "overwritten", "added"])
def test_what_others_changed_in_a_folder_is_mended(s3, leaves, harm):
    upload(leaves)
    key = f"{PREFIX}leaves/a.csv"
    if harm == "removed":
        s3.delete_object(Bucket="tea-data", Key=key)
    elif harm == "overwritten":
        time.sleep(1.1)  # S3 tells times to the second
        s3.put_object(Bucket="tea-data", Key=key, Body=b"xxx")
    else:
        s3.put_object(Bucket="tea-data", Key=f"{PREFIX}leaves/stray", Body=b"xxx")
    upload(leaves)
    assert keys(s3) == ["a.csv", "b.csv", "deep/ü c.csv"]
    assert body(s3, "leaves/a.csv") == b"aaa"


def test_a_folder_that_was_sent_in_part_is_not_taken_for_whole(s3, cloud, leaves):
    first = upload(leaves)
    (leaves / "a.csv").write_bytes(b"new" * 3)

    def stop(done: int, total: int) -> None:
        raise KeyError("stopped")

    with pytest.raises(KeyError):
        upload(leaves, on_progress=stop)
    assert [k for k in keys(s3, PREFIX) if "complete" in k] == []
    (leaves / "a.csv").write_bytes(b"aaa")  # as it was: it is looked at again all the same
    again = upload(leaves)
    assert again.content_hash == first.content_hash
    assert body(s3, "leaves/a.csv") == b"aaa"
    cloud.exchanges.clear()
    assert upload(leaves).uploaded_bytes == 0
    assert len(cloud.exchanges) == 1


def test_a_folder_whose_upload_was_killed_is_completed_by_the_next(s3, cloud, tmp_path):
    folder = tmp_path / "leaves"
    folder.mkdir()
    for number in range(40):
        (folder / f"{number:02}").write_bytes(os.urandom(50_000))
    code = (
        "import os, pathlib, sys\n"
        "from tg.common.delivery.sagemaker.aws import AwsClients\n"
        "from tg.common.delivery.sagemaker.dataset_upload import upload_dataset\n"
        "from tg.common.delivery.sagemaker.s3_layout import S3Layout\n"
        "def die(done, total):\n"
        "    if done > total // 2: os.kill(os.getpid(), 9)\n"
        "layout = S3Layout('tea-data', 'green')\n"
        "upload_dataset(AwsClients(), layout, 'leaves', sys.argv[1], die)\n"
    )
    run = subprocess.run([sys.executable, "-c", code, str(folder)], check=False)
    assert run.returncode == -9
    assert 0 < len(keys(s3)) < 40
    cloud.exchanges.clear()
    again = upload(folder)
    assert 0 < again.uploaded_bytes < 40 * 50_000
    for file in folder.iterdir():
        assert body(s3, f"leaves/{file.name}") == file.read_bytes()
    cloud.exchanges.clear()
    assert upload(folder).uploaded_bytes == 0
    assert len(cloud.exchanges) == 1


def test_datasets_whose_names_begin_alike_do_not_meet(s3, cloud, leaves):
    names = ["leaves", "leaves2", "leaves.old", "leaves-x", "leaves.tg"]
    for name in names:
        upload(leaves, name)
    (leaves / "a.csv").unlink()
    upload(leaves, "leaves")
    for name in names[1:]:
        assert keys(s3, f"{PREFIX}{name}/") == ["a.csv", "b.csv", "deep/ü c.csv"]
    cloud.exchanges.clear()
    upload(leaves, "leaves")
    assert len(cloud.exchanges) == 1


def test_a_folder_of_many_files_is_listed_and_removed_in_pages(s3, cloud, tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(1_050):
        (folder / f"{number}").write_bytes(b"x")
    upload(folder)
    cloud.exchanges.clear()
    assert upload(folder).uploaded_bytes == 0
    assert [e.method for e in cloud.exchanges] == ["GET", "GET"]


# ------------------------------------------------------------------ what cannot be


def test_a_dataset_that_is_not_here_is_told_before_anything_is_asked(s3, cloud, tmp_path):
    with pytest.raises(DatasetNotFoundError, match="no-such"):
        upload(tmp_path / "no-such")
    assert cloud.exchanges == []


def test_an_empty_folder_is_told(s3, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="empty"):
        upload(tmp_path / "empty")


def test_a_link_to_a_folder_is_told(s3, leaves, tmp_path):
    (leaves / "link").symlink_to(tmp_path)
    with pytest.raises(DataError, match="link to a folder"):
        upload(leaves)


@pytest.mark.parametrize("folder", [True, False])
def test_a_bucket_that_is_not_there_is_told(cloud, leaves, folder):
    with pytest.raises(AwsNotFoundError, match=r"no bucket 'tea-data'.*Create it"):
        upload(leaves if folder else leaves / "a.csv")


@pytest.mark.parametrize("folder", [True, False])
def test_a_bucket_of_somebody_else_is_told_with_the_permissions(answers, leaves, folder):
    denied = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
    answers.give(403, denied)
    with pytest.raises(AwsPermissionError, match=r"somebody else's.*s3:PutObject"):
        upload(leaves if folder else leaves / "a.csv")


def test_credentials_that_expire_on_the_way_are_told(answers, tmp_path):
    (tmp_path / "tea").write_bytes(b"x")
    answers.give(404, "")
    answers.give(400, "<Error><Code>ExpiredToken</Code><Message>old</Message></Error>")
    with pytest.raises(AwsCredentialsError, match="Log in again"):
        upload(tmp_path / "tea", "tea")


@pytest.mark.parametrize("name", [b"\xff.csv", b"a\nb.csv", b"bell\x07.csv"])
@pytest.mark.parametrize("folder", [False, True])
def test_a_file_name_that_is_none_in_s3_is_told_before_anything_is_asked(
    s3, cloud, tmp_path, name, folder
):
    path = tmp_path / "leaves"
    path.mkdir()
    odd = path / os.fsdecode(name)
    odd.write_bytes(b"x")
    with pytest.raises(DataError, match=r"cannot stand in S3.*Rename it") as caught:
        upload(path if folder else odd)
    str(caught.value).encode()  # it can be shown
    assert cloud.exchanges == []


def test_a_file_name_that_is_too_long_for_a_key_is_told_before_anything_is_read(
    s3, cloud, tmp_path
):
    deep = tmp_path.joinpath("leaves", *(["d" * 200] * 5))
    deep.mkdir(parents=True)
    (deep / "a.csv").write_bytes(b"x")
    with pytest.raises(NamingError, match="1024"):
        upload(tmp_path / "leaves")
    assert cloud.exchanges == []


def test_odd_names_that_s3_takes_arrive_as_they_are(s3, cloud, tmp_path):
    folder = tmp_path / "leaves"
    folder.mkdir()
    names = ["a b.csv", "50%25+1&c=d.csv", "\u8336\u3000\u00a0.csv", "'\"<>\\|.csv", "..a", " "]
    for name in names:
        (folder / name).write_text(name)
    upload(folder)
    assert keys(s3) == sorted(names)
    assert all(body(s3, f"leaves/{name}") == name.encode() for name in names)
    cloud.exchanges.clear()
    assert upload(folder).uploaded_bytes == 0
    assert cloud.count("PUT") == 0


def test_several_datasets_go_in_one_transfer_with_one_progress(s3, leaves, tmp_path):
    big = tmp_path / "big.bin"
    big.write_bytes(bytes(11 << 20))
    seen: list[tuple[int, int]] = []
    found = upload_datasets(
        AwsClients(),
        LAYOUT,
        {"leaves": leaves, "big.bin": big},
        lambda sent, total: seen.append((sent, total)),
        part_bytes=5 << 20,
    )
    assert {total for _, total in seen} == {10 + (11 << 20)}
    assert seen[-1][0] == 10 + (11 << 20)
    assert [found[name].uploaded_bytes for name in ("leaves", "big.bin")] == [10, 11 << 20]
    again = upload_datasets(AwsClients(), LAYOUT, {"leaves": leaves, "big.bin": big})
    assert [location.uploaded_bytes for location in again.values()] == [0, 0]


def test_nothing_is_asked_if_one_of_several_datasets_is_not_there(s3, cloud, leaves, tmp_path):
    with pytest.raises(DatasetNotFoundError, match="nowhere"):
        upload_datasets(AwsClients(), LAYOUT, {"leaves": leaves, "x": tmp_path / "nowhere"})
    assert cloud.exchanges == []


def test_a_bar_is_shown_for_what_is_large_and_really_sent(s3, tmp_path, capsys):
    path = tmp_path / "big.bin"
    path.write_bytes(bytes(1 << 20))
    for silent, large_bytes, is_shown in [
        (True, 1, False),
        (False, 2 << 20, False),
        (False, 1 << 20, True),
        (False, 1 << 20, False),  # it is there already
    ]:
        if is_shown:
            path.write_bytes(b"x" * (1 << 20))
        with upload_progress(silent=silent, large_bytes=large_bytes) as on_progress:
            upload(path, "big.bin", on_progress=on_progress)
        shown = "".join(capsys.readouterr())
        assert ("data to S3: 100%" in shown) == is_shown, shown
