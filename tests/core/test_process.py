"""What a user would lose: hung sweeps, leaked passwords, orphaned trainings, filled memory."""

import itertools
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tg.common._core.command_output import LineBuffer
from tg.common._core.errors import CommandError, ConfigError
from tg.common._core.process import run, start
from tg.common._core.redaction import Redactor, redact


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_until_dead(pid: int) -> bool:
    deadline = time.monotonic() + 60
    while is_alive(pid) and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    return not is_alive(pid)


def test_output_and_exit_code_come_back_with_standard_error_in_its_place():
    done = run(python("import sys; print('a'); sys.stdout.flush(); print('b', file=sys.stderr)"))
    assert (done.exit_code, done.output) == (0, "a\nb\n")


def test_lines_arrive_while_the_command_still_runs():
    child_waits_for_this = "import sys; print('first', flush=True); print(sys.stdin.readline())"
    process = start(python(child_waits_for_this), stdin_text="go\n")
    lines = process.lines()
    assert next(lines) == "first"
    assert [line for line in lines if line] == ["go"]
    assert process.wait() == 0


def test_a_progress_bar_is_shown_step_by_step():
    seen: list[str] = []
    run(python(r"print('1/2\r2/2\r\ndone')"), on_line=seen.append)
    assert seen == ["1/2", "2/2", "done"]


def test_bytes_that_are_not_text_do_not_break_a_log():
    code = r"import sys; sys.stdout.buffer.write(b'caf\xe9 \xe2\x82\xac\n')"
    assert run(python(code)).output == "caf\N{REPLACEMENT CHARACTER} €\n"


def test_a_failure_names_the_command_its_exit_code_and_what_it_said():
    with pytest.raises(CommandError) as caught:
        run(python("print('no space in registry'); raise SystemExit(7)"))
    assert caught.value.exit_code == 7
    assert "exit code 7" in str(caught.value)
    assert "no space in registry" in str(caught.value)
    assert caught.value.output == "no space in registry\n"
    assert pickle.loads(pickle.dumps(caught.value)).exit_code == 7


def test_a_failure_can_be_an_answer():
    assert run(python("raise SystemExit(3)"), check=False).exit_code == 3


def test_a_missing_program_is_named_with_what_to_do():
    with pytest.raises(CommandError, match=r"no program 'no-such-program'.*Install it"):
        run(["no-such-program", "--version"])


def test_a_missing_folder_is_not_blamed_on_the_program(tmp_path):
    with pytest.raises(CommandError, match="no folder"):
        run(python("pass"), cwd=tmp_path / "absent")


def test_a_command_in_one_string_is_refused_before_anything_runs():
    with pytest.raises(ConfigError, match=r"\['git', 'status'\]"):
        run("git status")
    with pytest.raises(ConfigError):
        run([])


def test_a_command_with_a_null_byte_is_a_typed_error():
    with pytest.raises(CommandError, match="null byte"):
        run([sys.executable, "a\0b"])


def test_variables_are_added_and_removed_and_the_rest_stays(monkeypatch):
    monkeypatch.setenv("TG_GONE", "1")
    monkeypatch.setenv("TG_STAYS", "1")
    code = "import os; print([os.environ.get(k) for k in ('TG_NEW', 'TG_GONE', 'TG_STAYS')])"
    done = run(python(code), env={"TG_NEW": "n", "TG_GONE": None})
    assert done.output == "['n', None, '1']\n"


def test_a_password_is_in_no_line_no_error_and_no_command():
    secret = "pa/ss word"
    seen: list[str] = []
    with pytest.raises(CommandError) as caught:
        run(
            [
                *python("import sys; print(sys.argv[1:]); raise SystemExit(1)"),
                secret,
                "pa%2Fss%20word",
            ],
            secrets=[secret, ""],
            on_line=seen.append,
        )
    everything = f"{caught.value} {caught.value.output} {seen}"
    assert "***" in everything
    assert "word" not in everything


def test_a_key_of_several_lines_is_hidden_line_by_line():
    key = "-----BEGIN KEY-----\nMIIabc\n-----END KEY-----\n"
    assert "MIIabc" not in run(python(f"print({key!r})"), secrets=[key]).output


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://me:pw@host/x", "https://***@host/x"),
        ("git+https://tok@host/x.git", "git+https://***@host/x.git"),
        ("git+ssh://git@host/x.git", "git+ssh://git@host/x.git"),
        ("http://tok@host", "http://***@host"),
        ("https://me:p@ss@host/x", "https://***@host/x"),
        ("see https://host/a@b", "see https://host/a@b"),
        ("me@example.org", "me@example.org"),
    ],
)
def test_credentials_in_urls_are_hidden_without_being_told(text, shown):
    assert redact(text) == shown


@given(
    secret=st.text(alphabet="abc*", min_size=1, max_size=8),
    text=st.text(alphabet="abc \n", max_size=60),
    cuts=st.lists(st.integers(0, 60), max_size=5),
)
def test_a_secret_is_hidden_wherever_the_chunks_of_a_pipe_end(secret, text, cuts):
    data = text.encode()
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    buffer = LineBuffer(Redactor([secret]), tail_characters=1_000)
    pieces = [data[a:b] for a, b in itertools.pairwise(edges)]
    lines = [line for piece in pieces for line in buffer.feed(piece)] + buffer.finish()
    expected = text.split("\n")
    if expected[-1] == "":
        expected.pop()
    assert lines == [line.replace(secret, "***") for line in expected]


def test_a_secret_across_the_pieces_of_an_endless_line_is_hidden():
    buffer = LineBuffer(Redactor(["abc", "abcdef"]), tail_characters=1_000_000)
    text = "." * 65_530 + "abcdef" + "abc" * 50_000 + "def"
    pieces = [
        line
        for at in range(0, len(text), 1_000)
        for line in buffer.feed(text[at : at + 1_000].encode())
    ] + buffer.finish()
    shown = "".join(pieces)
    assert len(pieces) > 1
    assert not set(shown) - {".", "*"}


def test_a_hundred_megabytes_of_output_do_not_fill_the_memory():
    # its own process: the peak of this one is what earlier tests needed
    code = f"""
import resource, sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from tg.common._core.process import run
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = peak()
count = 0
def line(text):
    global count
    count += len(text)
run([sys.executable, '-c', '''
import sys
for _ in range(50): sys.stdout.write("x" * 999_999 + "\\\\n")
for _ in range(5_000): sys.stdout.write(("y" * 99 + "\\\\n") * 100)
'''], on_line=line)
print(count, peak() - before)
"""
    count, grown_kilobytes = map(int, run(python(code)).output.split())
    assert count > 99_000_000
    assert grown_kilobytes < 20_000


def test_a_timeout_ends_the_command_and_its_children(tmp_path):
    pid_file = tmp_path / "pid"
    code = (
        "import subprocess, sys, pathlib;"
        "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
        f"pathlib.Path({str(pid_file)!r}).write_text(str(p.pid)); print('on', flush=True); p.wait()"
    )
    for seconds in (1.5, 6, 24, 96):  # the first in which a busy machine begins both of them
        with pytest.raises(CommandError, match=rf"more than {seconds} seconds") as caught:
            run(python(code), timeout_seconds=seconds)
        assert caught.value.exit_code is None
        if caught.value.output:
            break
    assert caught.value.output == "on\n"
    assert wait_until_dead(int(pid_file.read_text()))


def test_a_training_may_save_itself_before_it_is_killed():
    code = (
        "import os, signal, sys, time\n"
        "def stop(*_): os.write(1, b'checkpoint\\n'); sys.exit(5)\n"  # may come amid a print
        "signal.signal(signal.SIGTERM, stop)\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)"
    )
    child = start(python(code))
    lines = child.lines()
    assert next(lines) == "ready"
    assert child.terminate(grace_seconds=60) == 5
    assert list(lines) == ["checkpoint"]


def test_a_command_deaf_to_sigterm_is_killed():
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "print('ready', flush=True); time.sleep(60)"
    )
    child = start(python(code))
    assert next(child.lines()) == "ready"
    assert child.terminate(grace_seconds=0.1) == -signal.SIGKILL


def test_an_error_in_the_callback_ends_the_command():
    pids: list[int] = []

    def fail(line: str) -> None:
        pids.append(int(line))
        raise ValueError("broken progress bar")

    code = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    with pytest.raises(ValueError, match="broken progress bar"):
        run(python(code), on_line=fail)
    assert not is_alive(pids[0])


def test_an_interrupt_in_the_notebook_ends_the_command():
    outer = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from tg.common._core.process import run
run([sys.executable, '-c', 'import os, time; print(os.getpid(), flush=True); time.sleep(60)'],
    on_line=lambda line: print(line, flush=True))
"""
    process = subprocess.Popen(
        python(outer), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    inner_pid = int(process.stdout.readline())
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert "KeyboardInterrupt" in errors
    assert not is_alive(inner_pid)


def test_a_stop_event_ends_the_command():
    stop = threading.Event()
    code = "import time; print('on', flush=True); time.sleep(60)"
    with pytest.raises(CommandError, match="was stopped"):
        run(python(code), stop_event=stop, on_line=lambda _: stop.set())


@pytest.mark.parametrize("chatter", ["", "print('z', flush=True);"])
def test_a_grandchild_that_keeps_the_pipe_does_not_hang_the_reader(chatter):
    grandchild = f"import time\nfor _ in range(60_000): time.sleep(0.02); {chatter}"
    code = (
        "import subprocess, sys;"
        f"p = subprocess.Popen([sys.executable, '-c', {grandchild!r}]); print(p.pid, flush=True)"
    )
    output = run(python(code), timeout_seconds=120).output
    # the grandchild may speak first
    pid = next(int(word) for word in output.split() if word.isdigit())
    try:
        assert is_alive(pid), "what a command leaves running on purpose is left running"
    finally:
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize(
    ("whose", "who", "what"), [(os, "output-", "read"), (queue.Queue, "MainThread", "get")]
)
def test_what_a_command_said_is_read_on_a_machine_that_stalls(whose, who, what, monkeypatch):
    """A thread that has no turn for a second loses no image's id, nor half of a list."""
    plain = getattr(whose, what)

    def stalled(*args, **options):
        got = plain(*args, **options)
        if threading.current_thread().name.startswith(who):
            threading.Event().wait(0.8)
        return got

    monkeypatch.setattr(whose, what, stalled)
    child = start(["echo", "ready"])
    while child.poll() is None:
        threading.Event().wait(0.01)
    assert child.wait() == 0
    assert child.tail == "ready\n"


def test_all_that_a_command_says_at_its_end_is_read_by_a_slow_reader():
    seen: list[str] = []

    def slow(line: str) -> None:
        if len(seen) % 5_000 == 0:
            threading.Event().wait(0.2)
        seen.append(line)

    run(python("for i in range(20_000): print(i, 'x' * 50)"), on_line=slow)
    assert len(seen) == 20_000


def test_waiting_drains_a_pipe_that_nobody_reads():
    child = start(python("print('x' * 1_000_000); print('end')"))
    assert child.wait(timeout_seconds=120) == 0
    assert child.tail.endswith("x\nend\n")


def test_a_wait_in_vain_returns_none_and_the_command_goes_on():
    with start(python("import time; time.sleep(60)")) as child:
        assert child.wait(timeout_seconds=0.05) is None
        assert child.poll() is None
        assert is_alive(child.pid)
    assert child.poll() == -signal.SIGTERM


def test_output_to_a_file_needs_no_reader_and_can_be_followed_without_secrets(tmp_path):
    log = tmp_path / "log.txt"
    log.write_text("earlier\n")
    code = "print('x' * 1_000_000); print('token s3cret')"
    child = start(python(code), output_path=log, secrets=["s3cret"])
    assert list(child.lines())[-1] == "token ***"
    assert child.wait() == 0
    assert log.read_text().startswith("earlier\nxxx")


def test_output_to_a_folder_that_is_not_there_is_a_typed_error(tmp_path):
    with pytest.raises(CommandError, match="Make the folder first"):
        start(python("pass"), output_path=tmp_path / "absent" / "log.txt")


def test_a_command_that_does_not_read_its_input_is_no_error():
    assert run(python("pass"), stdin_text="x" * 1_000_000).exit_code == 0


def test_a_prompt_cannot_hang_a_sweep():
    with pytest.raises(CommandError, match="EOFError"):
        run(python("input('Password: ')"))
