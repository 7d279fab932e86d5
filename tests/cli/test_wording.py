"""What to do next is told to a reader of the command line in commands, not in Python."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tg.cli.wording import WORDS, in_commands

LIBRARY = Path(__file__).parents[2] / "tg"
PYTHON = re.compile(
    r"Sweep\.open|\brun\.\w+\(|\bmake_package\(|\bclear\(\)|call run\(\)|\brows\(\)"
)


def text_of(node: ast.AST) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(map(text_of, node.values))
    if isinstance(node, ast.FormattedValue):
        return "'evening'" if node.conversion == ord("r") else "evening"
    return ""


def hints() -> Iterator[str]:
    for path in [*LIBRARY.glob("common/**/*.py"), *LIBRARY.glob("rehearsal/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "hint":
                yield text_of(node.value)


ALL = list(hints())


@pytest.mark.parametrize("said", [said for said, _ in WORDS])
def test_each_phrase_is_one_of_the_library(said: str) -> None:
    # a hint that is worded anew would be shown in Python again, and nobody would see it here
    assert any(re.search(said, hint) for hint in ALL), said


def test_no_hint_leaves_the_reader_with_a_call() -> None:
    assert len(ALL) > 300
    left = [hint for hint in map(in_commands, ALL) if PYTHON.search(hint)]
    assert left == []


def test_what_has_no_command_is_said_as_it_is() -> None:
    assert in_commands("Give a list of texts.") == "Give a list of texts."
    paused = "What runs goes on, and nothing is lost. Then: Sweep.open('a.b-1').run()."
    assert in_commands(paused).endswith("Then: tg sweep resume a.b-1 --only-left.")
