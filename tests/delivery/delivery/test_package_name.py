from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import parse_sdist_filename

from tg.common._core.errors import NamingError
from tg.common.delivery.delivery.package_name import PackageName

names = st.from_regex(r"[A-Za-z]([A-Za-z0-9_]{0,8}[A-Za-z0-9])?", fullmatch=True).filter(
    lambda name: name not in __import__("keyword").kwlist
)
versions = st.from_regex(r"[A-Za-z0-9]{1,4}(\.[A-Za-z0-9]{1,4}){0,3}", fullmatch=True)


def test_the_documented_name() -> None:
    assert PackageName(name="SingleFrameTrainingTask", version="0").module == (
        "SingleFrameTrainingTask__0"
    )


@given(names, versions)
def test_every_legal_name_is_a_module_and_an_sdist(name: str, version: str) -> None:
    package = PackageName(name=name, version=version)
    assert package.module.isidentifier()
    parsed_name, parsed_version = parse_sdist_filename(package.sdist_file)
    assert parsed_name == package.distribution
    assert str(parsed_version) == package.distribution_version


@given(st.tuples(names, versions), st.tuples(names, versions))
def test_two_packages_never_share_a_module(a: tuple[str, str], b: tuple[str, str]) -> None:
    one, two = (PackageName(name=name, version=version) for name, version in (a, b))
    assert (one.module == two.module) == (a == b)


@pytest.mark.parametrize(
    ("name", "better"),
    [
        ("my-task", "my_task"),
        ("1st", "task_1st"),
        ("class", "task_class"),
        ("a b/c", "a_b_c"),
        ("", "task"),
        ("été", "t"),
        ("_x", "x"),
        ("../../etc", "etc"),
    ],
)
def test_an_illegal_name_is_refused_with_one_that_would_do(name: str, better: str) -> None:
    with pytest.raises(NamingError, match=re.escape(repr(better))):
        PackageName(name=name, version="0")
    PackageName(name=better, version="0")


@pytest.mark.parametrize("version", ["", "1_0", "1..0", "1/0", "-1", "v 1", "é", "1.", "x" * 65])
def test_an_illegal_version_is_refused(version: str) -> None:
    with pytest.raises(NamingError, match="version"):
        PackageName(name="Task", version=version)
