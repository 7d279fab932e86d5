"""What is installed into an image: the lock, as far as it holds there."""

from __future__ import annotations

import platform
import sys

import pytest

from tg.common.contract.manifest import PackageManifest
from tg.common.delivery.delivery import DependencyList, Packaging
from tg.common.delivery.delivery.image_requirements import ImageRequirements
from tg.common.delivery.delivery.machine import machine_of

HERE = f"linux/{'arm64' if platform.machine() in ('arm64', 'aarch64') else 'amd64'}"
ELSEWHERE = "linux/s390x"


@pytest.fixture
def manifest(project: object) -> PackageManifest:
    packaging = Packaging("Tea", "1", {"job": 1})
    packaging.dependencies = [DependencyList("own", ["jsonpickle", "six==1.17.0"])]
    packaging.silent = True
    return packaging.make_package().manifest


@pytest.mark.skipif(sys.platform != "linux", reason="no image is of this machine's platform")
def test_the_image_of_this_platform_has_the_lock_as_it_is(manifest: PackageManifest) -> None:
    found = ImageRequirements.of(manifest, None, HERE)
    assert found.lines == manifest.lock
    assert found.constraints == ()
    assert found.is_complete == manifest.lock_is_complete
    # what the package asks for is not asked for again
    asked = [DependencyList("own", manifest.requirements)]
    assert ImageRequirements.of(manifest, asked, HERE) == found


def test_on_another_platform_the_lock_holds_for_what_is_needed_there(
    manifest: PackageManifest,
) -> None:
    found = ImageRequirements.of(manifest, None, ELSEWHERE)
    assert set(found.lines) == set(manifest.requirements)
    assert set(found.constraints) == set(manifest.lock)
    assert not found.is_complete


@pytest.mark.parametrize("where", [HERE, ELSEWHERE])
def test_what_a_user_adds_is_added_and_wins(manifest: PackageManifest, where: str) -> None:
    lists = [DependencyList("gpu", ["Six==1.16.0", "tea-leaves>=2"])]
    found = ImageRequirements.of(manifest, lists, where)
    assert "tea-leaves>=2" in found.lines
    assert [line for line in found.lines if line.startswith("six")] == ["six==1.16.0"]
    assert not [line for line in found.constraints if line.startswith("six")]
    assert any(line.startswith("cloudpickle==") for line in found.constraints)
    assert not found.is_complete


@pytest.mark.parametrize(
    ("platform_name", "machine"),
    [
        ("linux/amd64", "x86_64"),
        ("linux/arm64", "aarch64"),
        ("linux/arm64/v8", "aarch64"),
        ("linux/ARM64", "aarch64"),
        ("arm64", "aarch64"),
        ("linux/s390x", "s390x"),
    ],
)
def test_a_processor_is_named_as_python_does(platform_name: str, machine: str) -> None:
    assert machine_of(platform_name) == machine
