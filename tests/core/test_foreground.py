"""A command in the foreground behaves as if it had been started by itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tg.common._core.errors import CommandError
from tg.common._core.foreground import Foreground

# what the parent runs: the child's program is in its arguments
PARENT = """
import sys
from tg.common._core.foreground import Foreground
try:
    with Foreground() as foreground:
        if sys.argv[2] == "before":
            print("ready", flush=True)
            import time
            time.sleep(600)
        code = foreground.run([sys.executable, "-c", sys.argv[1]])
        print("undone", flush=True)
    raise SystemExit(code)
except (KeyboardInterrupt, SystemExit) as exc:
    print(type(exc).__name__, flush=True)
    raise
"""
WAITS = """
import os, signal, sys, time
def stop(number, frame):
    os.write(1, b"got %d\\n" % number)  # a signal amid a print must not print
    sys.exit(7)
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, stop)
os.write(1, b"ready\\n")
time.sleep(600)
"""


def started(program: str, when: str = "during") -> subprocess.Popen[str]:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, program, when],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        text=True,
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == "ready\n"
    return parent


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_reaches_the_command_and_its_exit_code_comes_back(number: signal.Signals) -> None:
    parent = started(WAITS)
    parent.send_signal(number)
    output, _ = parent.communicate(timeout=120)
    assert output.splitlines() == [f"got {int(number)}", "undone", "SystemExit"]
    assert parent.returncode == 7


def test_a_signal_before_the_command_runs_ends_it_by_an_exception() -> None:
    parent = started("", "before")
    parent.send_signal(signal.SIGTERM)
    output, _ = parent.communicate(timeout=120)
    assert output == "SystemExit\n"
    assert parent.returncode == 128 + signal.SIGTERM


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_the_command_is_started_leaves_no_command_behind(
    monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    # else the command goes on after all that it needs was undone, and nobody waits for it
    really = subprocess.Popen
    begun: list[subprocess.Popen[bytes]] = []

    def interrupted(argv: list[str]) -> subprocess.Popen[bytes]:
        begun.append(really(argv))
        os.kill(os.getpid(), number)
        return begun[0]

    with Foreground() as foreground:
        monkeypatch.setattr(subprocess, "Popen", interrupted)
        code = foreground.run(["sleep", "600"])  # no interpreter: that is deaf while it begins
    assert code == 128 + number
    assert begun[0].returncode == -number


def test_a_signal_while_a_program_is_looked_for_in_vain_ends_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(argv: list[str]) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        raise FileNotFoundError(2, "No such file", argv[0])

    monkeypatch.setattr(subprocess, "Popen", interrupted)
    with Foreground() as foreground, pytest.raises(SystemExit):
        foreground.run(["nothing"])


def test_output_is_untouched_and_comes_first(capfd: pytest.CaptureFixture[str]) -> None:
    program = "import sys; sys.stdout.buffer.write(b'\\xff\\x00'); sys.stderr.write('e')"
    sys.stdout.write("before\n")
    with Foreground() as foreground:
        assert foreground.run([sys.executable, "-c", program]) == 0
    out, err = capfd.readouterr()
    assert out.startswith("before\n")
    assert out.endswith("\x00")
    assert err == "e"


def test_a_command_that_a_signal_ended_has_the_code_that_shells_give() -> None:
    with Foreground() as foreground:
        program = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
        assert foreground.run([sys.executable, "-c", program]) == 137


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with Foreground() as foreground, pytest.raises(CommandError, match="no program"):
        foreground.run([str(tmp_path / "nothing")])


def test_handlers_are_put_back_and_later_signals_do_not_disturb_the_undoing() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Foreground() as foreground:
        assert foreground.run([sys.executable, "-c", ""]) == 0
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0)
    assert signal.getsignal(signal.SIGTERM) == before
