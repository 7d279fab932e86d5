"""How `tg` behaves as a program: what scripts and people rely on whatever the command."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from tg_program import tg
from typer.testing import CliRunner

from tg.cli.app import app
from tg.cli.command import command, group
from tg.cli.output import Column, Output, size_text
from tg.common._core.errors import ConfigError, TgError

NO_ENGINE = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}


def commands(at: typer.Typer, words: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = [(*words, str(each.name)) for each in at.registered_commands]
    for each in at.registered_groups:
        assert each.typer_instance is not None
        found += commands(each.typer_instance, (*words, str(each.name)))
    return found


@pytest.mark.parametrize("words", commands(app), ids=" ".join)
def test_every_command_has_json_and_debug_and_documents_its_exit_codes(
    words: tuple[str, ...],
) -> None:
    done = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "200"})
    assert done.exit_code == 0
    for text in ("--json", "--debug", "Exit codes: 0 done"):
        assert text in done.stdout


def test_an_error_is_text_without_a_traceback_unless_asked_for() -> None:
    done = tg("images", env=NO_ENGINE)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("Error: the container engine does not answer")
    assert "The process executor needs none" in done.stderr
    assert "Traceback" not in done.stderr
    for args in (("images", "list", "--debug"), ("--debug", "images"), ("images", "--debug")):
        done = tg(*args, env=NO_ENGINE)
        assert done.returncode == 1
        assert "Traceback" in done.stderr
        assert "EngineUnavailableError" in done.stderr


def test_wrong_usage_ends_with_2_and_help_with_0() -> None:
    assert tg("images", "prune", "--keep", "-1").returncode == 2
    assert tg("imagse").returncode == 2
    assert tg("images", "--no-such-option").returncode == 2
    assert tg("--help").returncode == 0
    done = tg("--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip()


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("result", "steep-2026"), "tg result show steep-2026"),
        (("sweep", "evening"), "tg sweep status evening"),
        (("sweep", "tea.py"), "tg sweep run tea.py"),
        (("runs", "a b"), "tg runs list 'a b'"),
    ],
)
def test_who_names_a_thing_and_no_command_is_told_what_to_type(
    args: tuple[str, ...], said: str
) -> None:
    done = tg(*args)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "The commands are: " in done.stderr
    # a misspelt command is one
    assert "Did you mean 'status'?" in tg("sweep", "statsu").stderr


def test_without_typer_the_command_names_the_extra(tmp_path: Path) -> None:
    code = "import sys; sys.modules['typer'] = None; from tg.cli.main import main; main()"  # absent
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "pip install 'training-grounds[cli]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_fault_of_the_library_itself_is_not_taken_for_a_missing_extra() -> None:
    code = (
        "import sys; sys.modules['tg.cli.app'] = None; from tg.cli.main import main; main()"  # ours
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "ModuleNotFoundError" in done.stderr


def test_json_may_be_asked_for_before_or_after_the_command(project: Path) -> None:
    texts = {
        tg(*args, cwd=project).stdout
        for args in (
            ("packages", "--json"),
            ("packages", "list", "--json"),
            ("--json", "packages"),
            ("packages", "--json", "list"),
        )
    }
    (text,) = texts
    assert set(json.loads(text)) == {"packages", "folders"}


def test_starting_the_command_loads_no_heavy_library() -> None:
    code = "import sys, tg.cli.app\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    loaded = {name.partition(".")[0] for name in done}
    assert not loaded & {"pandas", "sklearn", "boto3", "sagemaker", "pyarrow", "numpy"}


def test_a_new_command_gets_errors_switches_and_the_log_for_free() -> None:
    own = typer.Typer()

    def default(output: Output) -> None:
        output.line("default")

    things = group(default, help_text="Things.")
    own.add_typer(things, name="things")

    @command(things, "break")
    def _(output: Output, *, name: str = "x", count: int = 1) -> None:
        """Break.

        A long
        text.
        """
        logging.getLogger("tg.common.something").info("seen only with --debug")
        logging.getLogger("tg.common.something").warning("always seen")
        if count == 2:
            raise ValueError("a fault of ours")
        if count == 3:
            raise ConfigError(f"{name} cannot be", hint="Choose another.")
        output.document({"name": name, "json": output.as_json})

    runner = CliRunner()
    assert runner.invoke(own, ["things"]).stdout == "default\n"
    done = runner.invoke(own, ["things", "break", "--json", "--name", "é"])
    assert json.loads(done.stdout) == {"name": "é", "json": True}
    assert "always seen" in done.stderr
    assert "only with" not in done.stderr
    assert "only with" in runner.invoke(own, ["things", "break", "--debug"]).stderr
    done = runner.invoke(own, ["things", "break", "--count", "3", "--json"])
    assert (done.exit_code, done.stdout) == (1, "")
    assert "Error: x cannot be\nChoose another.\n" in done.stderr
    assert isinstance(runner.invoke(own, ["things", "break", "--count", "2"]).exception, ValueError)
    assert "A long text." in runner.invoke(own, ["things", "break", "--help"]).stdout


def test_text_of_others_is_not_read_as_markup(capsys: pytest.CaptureFixture[str]) -> None:
    Output().table("T", [Column(title="A", key="a")], [{"a": "[red]x[/nothing] :smile:"}])
    assert "[red]x[/nothing] :smile:" in capsys.readouterr().out
    Output().error(TgError("what [bold]", hint=""))
    assert capsys.readouterr().err == "Error: what [bold]\n"


def test_a_metric_that_is_no_number_leaves_the_document_json(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Output(as_json=True).document({"m": {"loss": float("nan"), "r2": [-float("inf"), 0.5]}})

    def refuse(word: str) -> None:
        raise AssertionError(word)

    shown = json.loads(capsys.readouterr().out, parse_constant=refuse)
    assert shown == {"m": {"loss": "nan", "r2": ["-inf", 0.5]}}


def test_a_pipe_gets_whole_lines(capsys: pytest.CaptureFixture[str]) -> None:
    Output().table("T", [Column(title="A", key="a")], [{"a": "x" * 500}])
    assert "x" * 500 in capsys.readouterr().out


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (999, "999 B"), (999_600, "1 MB"), (5 * 10**15, "5e+03 TB")]
)
def test_sizes_are_short(size: int, text: str) -> None:
    assert size_text(size) == text


def test_a_reader_that_goes_away_is_no_traceback(project: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "tg.cli.main", "packages", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=project,
    )
    assert child.stdout is not None
    child.stdout.close()
    _, errors = child.communicate()
    assert "Traceback" not in errors
