"""A name that the service refuses, or a suffix cut off, loses a run."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tg.common._core.errors import NamingError
from tg.common.delivery.naming import (
    DOCKER_REPOSITORY,
    DOCKER_TAG,
    PYTHON_MODULE,
    S3_KEY,
    SAGEMAKER_JOB,
    TARGETS,
    job_name,
    suffixed_name,
)

SUFFIXES = st.from_regex(r"[a-z0-9]{1,20}", fullmatch=True)
DOCUMENTED = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")


@given(st.text(min_size=1, max_size=200), SUFFIXES)
def test_any_base_gives_a_legal_name_that_keeps_its_suffix(base, suffix):
    name = job_name(base, suffix)
    assert DOCUMENTED.fullmatch(name)
    assert len(name) <= 63
    assert name.endswith(f"-{suffix}")
    assert name == job_name(base, suffix)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.title)
@given(base=st.text(min_size=1, max_size=300), suffix=SUFFIXES)
def test_any_target_gets_a_legal_name(target, base, suffix):
    assert target.is_legal(suffixed_name(base, suffix, target=target))


def test_the_documented_name_is_not_changed():
    stamp = "2022-12-20-16-37-38-243"
    assert job_name("singleframetrainingtask", stamp) == f"singleframetrainingtask-{stamp}"


def test_long_bases_that_begin_alike_stay_apart():
    base = "titanic-survival-with-all-features-and-more-" * 3
    stamp = "2026-01-31-16-37-38-ab12cd"
    one, other = job_name(base + "a", stamp), job_name(base + "b", stamp)
    assert one != other
    assert one.startswith("titanic-survival")
    assert len(one) <= 63
    assert job_name("模型", "1") != job_name("モデル", "1")


@pytest.mark.parametrize("suffix", ["", "-a", "a-", "a_b", "é", "a b", "a" * 55, "a" * 80])
def test_a_suffix_that_would_have_to_be_changed_is_refused(suffix):
    with pytest.raises(NamingError, match="suffix"):
        job_name("task", suffix)


def test_the_longest_suffix_fits():
    assert len(job_name("a" * 100, "b" * 54)) == 63


def test_an_empty_base_is_refused():
    with pytest.raises(NamingError, match="empty"):
        job_name("", "1")


@pytest.mark.parametrize(
    ("target", "legal", "illegal"),
    [
        (SAGEMAKER_JOB, ["a", "LR1-NS10", "a--b", "a" * 63], ["", "-a", "a-", "a_b", "a" * 64]),
        (SAGEMAKER_JOB, ["0"], ["a\n", "é"]),
        (DOCKER_TAG, ["a", "_a", "v1.0-b", "a" * 128], ["", ".a", "-a", "a/b", "a" * 129]),
        (DOCKER_REPOSITORY, ["a", "a/b", "a--b", "a__b"], ["A", "a___b", "a..b", "/a", "a-"]),
        (PYTHON_MODULE, ["a", "_a", "lr1"], ["", "1a", "class", "a-b", "é"]),
        (S3_KEY, ["a", "a/b.c", "a.b", "..a"], ["", "a/", "/a", "a//b", "a/../b", "."]),
        (S3_KEY, ["a" * 1024], ["a b", "a" * 1025]),
    ],
    ids=lambda value: getattr(value, "title", None),
)  # fmt: skip
def test_the_rules_of_each_target(target, legal, illegal):
    assert [name for name in legal if not target.is_legal(name)] == []
    assert [name for name in illegal if target.is_legal(name)] == []
    for name in illegal:
        with pytest.raises(NamingError):
            target.check(name)


@given(st.text(alphabet="aZ0-_", max_size=70))
def test_the_rule_for_job_names_is_the_documented_one(name):
    assert SAGEMAKER_JOB.is_legal(name) == (
        len(name) <= 63 and DOCUMENTED.fullmatch(name) is not None
    )
