"""What the README and the pages show is executed, and prints what they say.

A page's ``python`` blocks run in order, in one fresh interpreter and a fresh folder. A block whose
first line is the path of a ``.py`` file is written there instead. A ``text`` block that follows
shows the output, where ``...`` stands for anything. A ``sh`` block is executed if such a block
follows it: lines of ``tg``, ``python`` and ``cd``, with what they print on both streams. Times,
ids, hashes, versions, sizes, addresses and the fifth and further digits of fractions may differ,
and so may the lines that tell of an environment being made.

Blocks that start a container are marked: `` ```python container``. A page that has some is run
twice: with them where an engine answers, and without them everywhere.
"""

from __future__ import annotations

import doctest
import inspect
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cells import run_in_fresh_interpreter
from typer.core import TyperGroup
from typer.main import get_command

from tg.cli.app import app
from tg.common.delivery.delivery import Containering
from tg.common.delivery.execution import ContainerOptions
from tg.common.delivery.sagemaker import RemoteOptions
from tg.common.delivery.sweep import MedianStopping, Pace, RetryPolicy, Sweep, TaskState
from tg.common.delivery.sweep.plots import KINDS
from tg.common.delivery.sweep.settings import SweepSettings

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
BLOCK = re.compile(r"^```(\w*)( container)?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FILE = re.compile(r"# ([\w/]+\.py)\n")
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]*)(?:#([^)\s]*))?\)")
MAKE = re.compile(r"(?:`|^)make (?:[A-Z]+=\S+ )*([\w-]+)", re.MULTILINE)
COMMAND = re.compile(r"(?:`|^)tg ([^`#\n]+)", re.MULTILINE)
PATH = re.compile(r"`((?:tg|tests|docs|notebooks|templates|benchmarks|\.ci)/[\w/.-]*)`")

DIFFERS = {
    # whether an earlier test has made the environment is no matter of the page
    r"Making an environment of [\s\S]*?The environment is ready after [\d.]+ seconds\n": "",
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}": "TIME",
    r"\d{4}(-\d\d){5}-[0-9a-f]{8}": "ID",
    r"(?<=-)[0-9a-f]{8}-[0-9a-f]{12}": "RUN",  # of a sweep
    r"h[0-9a-f]{16}(?![0-9a-f])": "HASH",
    r"(?<=dependencies:)[0-9a-f]{20}": "KEY",
    r"==\d[\w.]*": "==VERSION",
    r"0x[0-9a-f]{8,}": "ADDRESS",
    r"\d[\d,]*(?= (?:files|bytes))": "N",
    r"(\.\d{4})\d+": r"\1",
    r"(?m)[ \t]+$": "",  # tables end with it, pages do not
}


def by_name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@dataclass(frozen=True, kw_only=True)
class Cell:
    source: str
    expected: str | None
    line: int


def cells_of(text: str, *, with_containers: bool) -> list[Cell]:
    cells: list[Cell] = []
    end_of_code = end_of_shell = -1
    shell = ""
    for block in BLOCK.finditer(text):
        language, mark, content = block.groups()
        if language == "sh":
            shell, end_of_shell = content, block.end()
        elif language == "text" and shell and not text[end_of_shell : block.start()].strip():
            line = text.count("\n", 0, block.start()) + 1
            cells.append(Cell(source=_commands(shell), expected=content, line=line))
        elif language == "python" and (with_containers or not mark):
            line = text.count("\n", 0, block.start()) + 1
            cells.append(Cell(source=_runnable(content), expected=None, line=line))
            end_of_code = block.end()
        elif language == "text" and cells and not text[end_of_code : block.start()].strip():
            last = cells.pop()
            cells.append(Cell(source=last.source, expected=content, line=last.line))
    return cells


def runs_of_pages() -> Iterator[Any]:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        if cells_of(text, with_containers=False):
            yield pytest.param(page, False, id=by_name(page))
        if "```python container\n" in text:
            yield pytest.param(
                page, True, id=f"{by_name(page)}-containers", marks=pytest.mark.docker
            )


def without_what_differs(text: str) -> str:
    for pattern, replacement in DIFFERS.items():
        text = re.sub(pattern, replacement, text)
    return text


def _runnable(content: str) -> str:
    file = FILE.match(content)
    if file is None:
        return content
    return (
        "from pathlib import Path as _Path\n"
        f"_file = _Path({file[1]!r})\n"
        "_file.parent.mkdir(parents=True, exist_ok=True)\n"
        f"_ = _file.write_text({content[file.end() :]!r}, encoding='utf-8')\n"
    )


def _commands(content: str) -> str:
    programs = {"python": ["python"], "tg": ["python", "-m", "tg.cli.main"]}
    source = "import os, subprocess, sys\n"
    for line in content.splitlines():
        program, *arguments = shlex.split(line, comments=True)
        if program == "cd":
            source += f"os.chdir({arguments[0]!r})\n"
            continue
        command = [*programs[program], *arguments]
        source += (
            f"_done = subprocess.run([sys.executable, *{command[1:]!r}], text=True, "
            "stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)\n"
            "print(_done.stdout, end='')\n"
        )
    return source


@pytest.mark.slow
@pytest.mark.parametrize(("page", "with_containers"), list(runs_of_pages()))
def test_the_code_of_a_page_prints_what_the_page_says(
    page: Path, with_containers: bool, tmp_path: Path
) -> None:
    cells = cells_of(page.read_text(encoding="utf-8"), with_containers=with_containers)
    outputs = run_in_fresh_interpreter([cell.source for cell in cells], tmp_path)
    checker = doctest.OutputChecker()
    for cell, output in zip(cells, outputs, strict=True):
        where = f"{by_name(page)}:{cell.line}\n"
        if cell.expected is None:
            assert not output.error, where + output.traceback
        else:
            expected, shown = (without_what_differs(t) for t in (cell.expected, output.shown))
            same = checker.check_output(expected, shown, doctest.ELLIPSIS)
            difference = f"expected:\n{cell.expected}\ngot:\n{output.shown}\n{output.traceback}"
            assert same, where + difference


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_the_targets_of_make_that_a_page_names_exist(page: Path) -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(MAKE.findall(page.read_text(encoding="utf-8"))) <= targets


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_links_and_paths_of_a_page_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target, anchor in LINK.findall(BLOCK.sub("", text)):
        if target.startswith(("http://", "https://")):
            continue
        file = page.parent / target if target else page
        assert file.exists(), target
        if anchor:
            titles = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            slugs = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
            assert anchor in slugs, f"{target}#{anchor}"
    for path in PATH.findall(text):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_the_commands_of_tg_that_a_page_names_are_understood(page: Path) -> None:
    for words in COMMAND.findall(page.read_text(encoding="utf-8")):
        command, arguments = get_command(app), shlex.split(words)
        while arguments and isinstance(command, TyperGroup):
            if arguments[0].startswith("-"):
                assert arguments[0] in {flag for option in command.params for flag in option.opts}
                break
            command = command.commands[arguments.pop(0)]
        if isinstance(command, TyperGroup) or not arguments:
            continue  # it is spoken of, not shown
        command.make_context("tg", arguments)  # raises for an option that there is not


@pytest.mark.parametrize("described", [Containering("a", "1"), ContainerOptions()])
def test_the_page_of_containers_tells_of_every_setting(described: object) -> None:
    page = (ROOT / "docs" / "containers.md").read_text(encoding="utf-8")
    for name in vars(described):
        assert name.startswith("_") or name == "engine" or f"`{name}`" in page, name


def test_the_page_of_commands_tells_of_every_command_and_its_options() -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    listed = [tuple(words.split()) for words in re.findall(r"^\| `tg ([a-z ]+)", page, re.M)]
    known = dict(_commands_of(get_command(app)))
    assert sorted(listed) == sorted(known)
    everywhere = {"--json", "--debug", "--help"}
    for words, command in known.items():
        for option in command.params:
            for flag in {*option.opts} - everywhere:
                assert not flag.startswith("--") or f"`{flag}" in page, (*words, flag)


def _commands_of(at: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, each in at.commands.items():
        if each.hidden:
            continue
        if isinstance(each, TyperGroup):
            yield from _commands_of(each, (*words, name))
        else:
            yield (*words, name), each


def test_the_pages_of_sweeps_tell_of_every_setting() -> None:
    planning = (ROOT / "docs" / "sweeps-planning.md").read_text(encoding="utf-8")
    settings = list(inspect.signature(Sweep).parameters)[2:]
    for name in (*settings, *vars(RetryPolicy()), *vars(Pace()), *vars(MedianStopping(metric="m"))):
        assert f"`{name}`" in planning, name
    resuming = (ROOT / "docs" / "sweeps-resuming.md").read_text(encoding="utf-8")
    for name in (*vars(SweepSettings()), *TaskState):
        assert f"`{name}`" in resuming, name
    reading = (ROOT / "docs" / "sweeps-reading.md").read_text(encoding="utf-8")
    for kind in KINDS:
        assert f'`"{kind}"`' in reading, kind


def test_the_page_of_remote_trainings_tells_of_every_option() -> None:
    page = (ROOT / "docs" / "remote.md").read_text(encoding="utf-8")
    for name in vars(RemoteOptions()):
        assert f"`{name}`" in page, name


def test_the_page_of_errors_shows_the_tree_of_errors() -> None:
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    source = (ROOT / "tg/common/_core/errors.py").read_text(encoding="utf-8")
    tree = re.search(r"^    TgError\n(?: +[│├└].*\n)+", source, re.MULTILINE)
    assert tree is not None
    wanted = [line.removeprefix("    ") for line in tree[0].splitlines()]
    assert "\n".join(wanted) in page
