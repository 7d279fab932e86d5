from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tg.common._core.errors import ConfigError, NamingError
from tg.common.delivery.sagemaker.s3_layout import S3Layout, parse_s3_uri


def test_places_are_as_documented():
    layout = S3Layout("tea-data", "green_tea")
    assert layout.datasets == "s3://tea-data/sagemaker/green_tea/datasets/"
    assert layout.output == "s3://tea-data/sagemaker/green_tea/output"
    result = "s3://tea-data/sagemaker/green_tea/output/job-1/output/model.tar.gz"
    assert str(layout.result("job-1")) == result
    assert str(layout.uncompressed_result("job-1")) == result.replace(".tar.gz", "/")
    assert layout.checkpoints == "s3://tea-data/sagemaker/green_tea/checkpoints"


def test_equal_layouts_are_equal():
    assert S3Layout("tea-data", "a") == S3Layout("tea-data", "a")
    assert len({S3Layout("tea-data", "a"), S3Layout("tea-data", "a")}) == 1
    assert S3Layout("tea-data", "a") != S3Layout("tea-data", "b")


@pytest.mark.parametrize("name", ["tea", "a.b.c", "1-2", "a" * 63, "tea--x", "1.2.3.4.5"])
def test_buckets_may_be_called(name):
    assert S3Layout(name, "p").bucket == name


@pytest.mark.parametrize(
    "name",
    [
        *("", "ab", "a" * 64, "Tea", "te_a", "-tea", "tea-", ".tea", "tea.", "te..a"),
        *("192.168.5.4", "s3://tea", "tea/data", "tea\n", "té-a", None, 7),
        *("xn--tea", "sthree-tea", "amzn-s3-demo-tea", "tea-s3alias", "tea--ol-s3"),
        *("tea.mrap", "tea--x-s3", "tea--table-s3"),
    ],
)
def test_no_bucket_may_be_called(name):
    with pytest.raises(NamingError, match="no bucket may be called"):
        S3Layout(name, "p")


@pytest.mark.parametrize("project", ["", "..", "a/b", "a b", ".a", "a\n", "é", None])
def test_no_project_may_be_called(project):
    with pytest.raises(NamingError):
        S3Layout("tea-data", project)


@pytest.mark.parametrize("name", ["", "/a", "a/", "a//b", "../other/datasets/x", "a/./b", ".."])
def test_no_dataset_leaves_its_folder(name):
    with pytest.raises(ConfigError):
        S3Layout("tea-data", "p").dataset(name)


@given(st.text(min_size=1))
def test_what_is_accepted_stays_below_and_can_be_parsed_again(name):
    layout = S3Layout("tea-data", "p")
    try:
        place = layout.dataset(name)
    except ConfigError:
        return
    assert str(place).startswith(layout.datasets)
    assert parse_s3_uri(str(place)) == place


@given(st.from_regex(re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\Z"), fullmatch=True))
def test_a_bucket_that_is_accepted_survives_a_uri(name):
    try:
        S3Layout(name, "p")
    except NamingError:
        assert (
            ".." in name
            or re.match(r"xn--|sthree-|amzn-s3-demo-|\d+\.\d+\.\d+\.\d+$", name)
            or (re.search(r"(-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)$", name))
        )
    else:
        assert parse_s3_uri(f"s3://{name}/a/b").bucket == name


@pytest.mark.parametrize("uri", ["", "tea", "https://tea/x", "s3:/tea/x", "s3://", "s3:///x"])
def test_what_is_no_place_is_refused(uri):
    with pytest.raises(NamingError):
        parse_s3_uri(uri)


@pytest.mark.parametrize("job", ["", "-a", "a-", "a_b", "a" * 64, "a\n"])
def test_no_job_may_be_called(job):
    with pytest.raises(NamingError):
        S3Layout("tea-data", "p").result(job)


def test_a_key_too_long_for_s3_is_refused():
    with pytest.raises(NamingError, match="1024"):
        S3Layout("tea-data", "p").dataset("é" * 600)
