"""Whatever a package is called, its image has a name that the engine accepts."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tg.common._core.errors import NamingError
from tg.common.delivery.delivery.image_name import ImageName, legal_image_name, legal_tag

# the grammar as the distribution specification words it, see its "Object names"
PATH = re.compile(
    r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*", re.ASCII
)
TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}", re.ASCII)
ODD = st.text(alphabet="aB1._-é", max_size=20)


@given(st.text() | ODD)
@example("a_-__b")
@example("f" * 64)
@example("a" * 300)
@example("...")
@example("模型")
def test_any_package_gives_a_legal_name(name: str) -> None:
    legal = legal_image_name(name)
    assert PATH.fullmatch(legal)
    assert not re.fullmatch("[0-9a-f]{64}", legal)
    assert len(legal) <= 134
    assert legal_image_name(legal) == legal
    ImageName(legal, "1")


@given(st.text(min_size=1) | ODD)
@example("2026.1+cu130")
@example("-" * 200)
def test_any_version_gives_a_legal_tag(version: str) -> None:
    legal = legal_tag(version)
    assert TAG.fullmatch(legal)
    ImageName("tea", legal)


@given(st.from_regex(PATH, fullmatch=True))
def test_a_name_that_is_legal_without_a_folder_is_kept(name: str) -> None:
    if "/" not in name and len(name) <= 128 and not re.fullmatch("[0-9a-f]{64}", name):
        assert legal_image_name(name) == name


@pytest.mark.parametrize("name", ["Tea", "", "a/", "a//b", "a___b", "-a", "0" * 64, "a" * 256, 1])
def test_an_illegal_name_is_refused_with_one_that_is_legal(name: Any) -> None:
    with pytest.raises(NamingError) as caught:
        ImageName(name, "1")
    assert PATH.search(caught.value.hint)


@pytest.mark.parametrize("tag", ["", ".a", "-a", "a" * 129, "a b", "ä", None])
def test_an_illegal_tag_is_refused(tag: Any) -> None:
    with pytest.raises(NamingError, match="tag"):
        ImageName("tea", tag)


@pytest.mark.docker
def test_the_engine_agrees(run_docker: Callable[..., str], base: Any) -> None:
    names = ["a_-__b", "a" * 300, "Wide.Net_2", "a-._b", "é" * 3 + "x", "f" * 64]
    for name in names:
        tagged = str(ImageName.of_package(f"{name}{'' if name[0] == 'f' else base.token}", "1+b"))
        run_docker("image", "tag", base.id, tagged)
        run_docker("image", "rm", tagged)
    refused = subprocess.run(
        ["docker", "image", "tag", base.id, "f" * 64], capture_output=True, check=False
    )
    assert refused.returncode != 0
