"""The rooms and the arrows between them.

A broken arrow would put a client's library in an image.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "tg"
FILES = sorted(ROOT.rglob("*.py"))

# room: the rooms whose modules it may import, beside its own
ARROWS = {
    "_core": set(),
    "contract": {"_core"},
    "ml": {"_core", "contract"},
    "delivery.runtime": {"_core", "contract"},
    "delivery.naming": {"_core"},
    "delivery.docker": {"_core"},
    "delivery.delivery": {"_core", "contract", "delivery.docker"},
    "delivery.execution": {
        "_core",
        "contract",
        "delivery.delivery",
        "delivery.docker",
        "delivery.naming",
        "delivery.runtime",
    },
    "delivery.sagemaker": {
        "_core",
        "contract",
        "delivery.delivery",
        "delivery.docker",
        "delivery.execution",
        "delivery.naming",
        "delivery.runtime",
    },
    # the engine of those who own a cluster
    "delivery.ray": {
        "_core",
        "contract",
        "delivery.delivery",
        "delivery.docker",
        "delivery.execution",
        "delivery.naming",
        "delivery.runtime",
    },
    # no backend: it knows executors by their protocol alone
    "delivery.sweep": {"_core", "contract", "delivery.execution", "delivery.naming"},
}
# the command line and the rehearsal may import anything, and nobody else imports them
ARROWS["rehearsal"] = set(ARROWS)
ARROWS["cli"] = set(ARROWS)
# the rooms beside ``common``
OUTSIDE = ("cli", "rehearsal")
# files of a backend that run in a container, and so may import no more than the runtime may
CONTAINER_SIDE = {
    "delivery/sagemaker/job.py": "delivery.runtime",
    "delivery/sagemaker/environment.py": "delivery.runtime",
}
# the libraries that an image gets from what its own code imports
IMAGE_LIBRARIES = {
    "contract": set(),
    "delivery.runtime": {"cloudpickle", "jsonpickle"},
    "ml": {"numpy", "pandas", "sklearn", "tqdm"},
}


def room_of(path: Path) -> str:
    parts = path.relative_to(ROOT).parts
    if parts[0] != "common":
        return parts[0]
    parts = parts[1:]
    return ".".join(parts[: 2 if parts[0] == "delivery" and len(parts) > 2 else 1])


def imports_of(path: Path) -> Iterator[ast.Import | ast.ImportFrom]:
    """Every import that can run; those under TYPE_CHECKING never do."""
    pending: list[ast.AST] = [ast.parse(path.read_bytes())]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            pending += node.orelse
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        pending += ast.iter_child_nodes(node)


def target_of(path: Path, node: ast.ImportFrom) -> Path:
    base = path.parents[node.level - 1]
    return base.joinpath(*(node.module or "").split("."))


def rooms_imported(path: Path) -> set[str]:
    rooms = set()
    for node in imports_of(path):
        if isinstance(node, ast.ImportFrom) and node.level:
            target = target_of(path, node)
            if any(ROOT / top in (target, *target.parents) for top in ("common", *OUTSIDE)):
                rooms.add(room_of(target / "x"))
    return rooms


def libraries_imported(path: Path) -> set[str]:
    names = set()
    for node in imports_of(path):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif not node.level:
            names.add(str(node.module).partition(".")[0])
    return names - sys.stdlib_module_names


IN_ROOMS = [
    p
    for p in FILES
    if (len(p.relative_to(ROOT).parts) > 2 and p.parent.name != "delivery")
    or (p.parent.name == "delivery" and p.parent.parent.name == "delivery")
    or p.parent in [ROOT / top for top in OUTSIDE]
]


@pytest.mark.parametrize("path", IN_ROOMS, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_a_module_imports_only_what_its_room_may(path: Path) -> None:
    relative = path.relative_to(ROOT).as_posix().removeprefix("common/")
    room = room_of(path)
    allowed = ARROWS[CONTAINER_SIDE.get(relative, room)] | {room}
    if relative in CONTAINER_SIDE:
        allowed |= {"delivery.runtime"}
    assert rooms_imported(path) <= allowed


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_inside_the_library_imports_are_relative(path: Path) -> None:
    # the root is renamed in every package: an absolute import would find another copy, or none
    assert "tg" not in libraries_imported(path)


@pytest.mark.parametrize("path", IN_ROOMS, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_an_image_gets_no_library_of_the_client(path: Path) -> None:
    relative = path.relative_to(ROOT).as_posix().removeprefix("common/")
    room = CONTAINER_SIDE.get(relative, room_of(path))
    if room in IMAGE_LIBRARIES:
        assert libraries_imported(path) <= IMAGE_LIBRARIES[room]


def test_every_room_is_in_the_table() -> None:
    assert {room_of(path) for path in IN_ROOMS} == set(ARROWS)


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_a_module_is_one_noun(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 330


def modules_after(code: str) -> set[str]:
    listing = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return {name.partition(".")[0] for name in listing.split()}


def test_importing_the_front_doors_loads_no_heavy_library() -> None:
    loaded = modules_after(
        "import tg.common, tg.common.ml, tg.common.delivery.delivery\n"
        "import tg.common.delivery.execution, tg.common.delivery.sagemaker\n"
        "from tg.common import Loc, Logger"
    )
    assert not loaded & {"pandas", "sklearn", "boto3", "sagemaker", "docker", "cloudpickle"}


def test_a_config_is_built_without_boto3_an_sdk_or_docker() -> None:
    loaded = modules_after(
        "from tg.common.delivery.sagemaker import *\n"
        "from tg.common.delivery.delivery import *\n"
        "from tg.common.ml.training_core import FunctionTask\n"
        "def train(data, env): pass\n"
        "SagemakerRoutine(FunctionTask(train), 'd', 'p').process()"
    )
    assert not loaded & {"boto3", "botocore", "sagemaker", "docker", "matplotlib"}


def test_importing_does_no_work(tmp_path: Path) -> None:
    names = [
        ".".join(("tg", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")
        for path in FILES
    ]
    subprocess.run(
        [sys.executable, "-c", "\n".join(f"import {name}" for name in names)],
        cwd=tmp_path,
        check=True,
        env={"HOME": str(tmp_path), "PATH": "", "PYTHONPATH": str(ROOT.parent)},
    )
    assert list(tmp_path.iterdir()) == []
