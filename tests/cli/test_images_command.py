"""`tg images`: it shows and takes what is ours, and asks first."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from typing import Any

import pytest
from tiny_images import TinyImages

pytestmark = pytest.mark.docker


def start(*args: str, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tg.cli.main", "images", *args],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(*args: str, code: int = 0) -> str:
    child = start(*args)
    output, errors = child.communicate()
    assert child.returncode == code, errors
    return output if code == 0 else output + errors


def document(*args: str) -> dict[str, Any]:
    return json.loads(run(*args, "--json"))  # type: ignore[no-any-return]


def test_what_is_listed_is_ours_with_all_that_is_known_of_it(tiny: TinyImages) -> None:
    tiny.foreign("theirs")
    image = tiny.image("tea", "1")
    used = tiny.container("user", image, "/none", kind="run", start=False)
    listed = document("list", tiny.pattern)
    (row,) = listed["images"]
    assert row == {
        "called": f"{tiny.prefix}-tea:1",
        "kind": "image",
        "id": image,
        "tags": [f"{tiny.prefix}-tea:1"],
        "name": f"{tiny.prefix}-tea",
        "version": "1",
        "size_bytes": 1_000,
        "shared_bytes": 0,
        "made_at": row["made_at"],
        "platform": row["platform"],
        "commit": "",
        "used_by": [used],
    }
    assert row["platform"].startswith("linux/")
    (container,) = listed["containers"]
    assert (container["run"], container["kind"]) == (used, "run")
    text = run("list", tiny.pattern)
    assert f"{tiny.prefix}-tea:1" in text
    assert "theirs" not in text
    assert document("list", f"{tiny.prefix}-no")["images"] == []


def test_a_dry_run_tells_and_takes_nothing(tiny: TinyImages) -> None:
    tiny.image("tea", "1")
    told = document("prune", tiny.pattern, "--dry-run")
    assert told["dry_run"] is True
    assert [row["version"] for row in told["removed"]] == ["1"]
    assert told["freed_bytes"] == 1_000
    text = run("prune", tiny.pattern, "--dry-run")
    assert "To be removed" in text
    assert re.search(rf"{tiny.prefix}-tea:1 +1 kB ", text)
    assert text.splitlines()[-1] == "1 would go: 1 kB would be free again."
    assert tiny.tags() == {"tea:1"}


def test_without_a_terminal_and_without_yes_nothing_goes(tiny: TinyImages) -> None:
    tiny.image("tea", "1")
    assert "--yes" in run("prune", tiny.pattern, code=2)
    assert tiny.tags() == {"tea:1"}
    # and nobody has to say anything where there is nothing to do
    assert "Nothing to remove" in run("prune", f"{tiny.prefix}-no")


@pytest.mark.parametrize(("answer", "code", "left"), [("n", 1, {"tea:1"}), ("y", 0, set())])
def test_a_terminal_is_asked(tiny: TinyImages, answer: str, code: int, left: set[str]) -> None:
    tiny.image("tea", "1")
    ours, theirs = pty.openpty()
    child = start("prune", tiny.pattern, "--json", stdin=theirs)
    os.write(ours, f"{answer}\n".encode())
    output, errors = child.communicate()
    os.close(ours)
    os.close(theirs)
    assert child.returncode == code
    assert "Remove 1 thing, 1 kB?" in errors
    assert tiny.tags() == left
    if code == 0:
        assert len(json.loads(output)["removed"]) == 1


def test_the_newest_and_the_young_are_kept(tiny: TinyImages) -> None:
    for version in "123":
        tiny.image("tea", version)
    assert document("prune", tiny.pattern, "--older-than", "1", "--yes")["removed"] == []
    gone = document("prune", tiny.pattern, "--keep", "2", "--yes")
    assert [row["version"] for row in gone["removed"]] == ["1"]
    assert {row["reason"] for row in gone["kept"]} == {"one of the 2 newest of its name"}
    assert tiny.tags() == {"tea:2", "tea:3"}
    assert "Removed 2: 2 kB are free again." in run("prune", tiny.pattern, "--yes")


def test_endings_of_runs_go_only_with_a_word_of_their_own(tiny: TinyImages) -> None:
    image = tiny.image("tea", "1")
    name = tiny.container("run", image, "/none", kind="run", start=False)
    kept = document("prune", tiny.pattern, "--yes")["kept"]
    reasons = {row["called"]: row["reason"] for row in kept}
    assert reasons[name] == "holds the ending of a run"
    assert reasons[f"{tiny.prefix}-tea:1"] == f"used by the container {name}"
    gone = document("prune", tiny.pattern, "--runs", "--yes")["removed"]
    assert [row["called"] for row in gone] == [name, f"{tiny.prefix}-tea:1"]
    assert not tiny.has(name)


def test_several_that_prune_at_once_all_succeed(tiny: TinyImages) -> None:
    for version in range(6):
        tiny.image("tea", str(version))
    children = [start("prune", tiny.pattern, "--yes", "--json") for _ in range(3)]
    for child in children:
        output, errors = child.communicate()
        assert child.returncode == 0, output + errors
        json.loads(output)
    assert not tiny.images()
