"""What pytest does about tests marked ``docker``.

Without an engine, or without a base image, they are skipped, and one line of the summary says so.
With ``TG_REQUIRE_DOCKER=1`` a test that is skipped is a test that failed: there a green run means
that containers did run. After a session no container of ours may be left in the engine, and
the images that trainings ran in are removed by the last of the sessions that overlap.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import pytest

_RUN_LABEL = "training-grounds.kind=run"
_IMAGE_LABEL = "training-grounds.kind=image"
_ANSWER_SECONDS = 120
_REMOVAL_SECONDS = 60
_BRING_UP = 'eval "$(tests/engine/up)"'


@dataclass(kw_only=True)
class _Session:
    """What is known of the session's container tests."""

    skipped: Counter[str] = field(default_factory=Counter)
    elsewhere: list[str] = field(default_factory=list)


_SESSION = pytest.StashKey[_Session]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_SESSION] = _Session()


@pytest.hookimpl(trylast=True)  # after -m and -k have chosen
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip container tests for one reason; sessions without any never look for an engine."""
    marked = [item for item in items if _is_marked(item)]
    reason = _reason() if marked else ""
    if reason:
        for item in marked:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Count skipped container tests, or fail them.

    A skip has many sources: the missing engine, a mark, a fixture, ``pytest.skip`` in the test.
    All become a report, so this is the one place that sees each of them. Expected failures (xfail)
    are reported as skipped too, but did run.
    """
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and _is_marked(item):
        _count(item.config, report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Do the same with a module that is skipped as a whole while it is imported.

    Its tests have never been seen, nor their marks: its text has to tell whether it has any.
    """
    report = yield
    if report.skipped and isinstance(collector, pytest.Module):
        text = collector.path.read_text(encoding="utf-8", errors="replace")
        if "mark.docker" in text:
            _count(collector.config, report)
    return report


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    session = config.stash[_SESSION]
    for line in session.elsewhere:
        terminalreporter.write_line(f"left in the engine by others meanwhile: {line}", yellow=True)
    if session.skipped:
        count = session.skipped.total()
        what = "1 container test was" if count == 1 else f"{count} container tests were"
        verdict = "skipped, which TG_REQUIRE_DOCKER=1 forbids" if _is_required() else "skipped"
        why = "; ".join(session.skipped)
        terminalreporter.write_line(
            f"{what} {verdict}: {why}. To run them: {_BRING_UP}, then make test.", yellow=True
        )


@pytest.fixture(scope="session", autouse=True)
def _no_container_is_left(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Fail a session that leaves containers of runs in the engine."""
    if not any(map(_is_marked, request.session.items)) or _reason():
        yield
        return
    before = _containers()
    with _images_of_sessions():
        yield
    deadline = time.monotonic() + _REMOVAL_SECONDS
    while (left := _left(before, tmp_path_factory.getbasetemp()))[0]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.2)  # the engine may still be removing one
    ours, others = left
    request.config.stash[_SESSION].elsewhere.extend(others.values())
    if ours:
        listed = "\n".join(f"  {line}" for line in ours.values())
        pytest.fail(
            f"the session's tests left containers in the engine:\n{listed}\n"
            f"Remove them with: docker rm --force {' '.join(key[:12] for key in ours)}",
            pytrace=False,
        )


def _is_marked(item: pytest.Item) -> bool:
    return item.get_closest_marker("docker") is not None


def _is_required() -> bool:
    return os.environ.get("TG_REQUIRE_DOCKER", "") == "1"


def _count(config: pytest.Config, report: pytest.TestReport | pytest.CollectReport) -> None:
    longrepr = report.longrepr
    reason = str(longrepr[2] if isinstance(longrepr, tuple) else longrepr)
    reason = reason.removeprefix("Skipped: ")
    config.stash[_SESSION].skipped[reason] += 1
    if _is_required():
        report.outcome = "failed"
        report.longrepr = f"TG_REQUIRE_DOCKER=1, but this was skipped: {reason}"


@functools.cache
def _reason() -> str:
    """Why container tests cannot run here; empty if they can."""
    client = _client()
    if client is None:
        return "no container engine answers"
    own = f"python:{sys.version_info.major}.{sys.version_info.minor}-slim"
    base = os.environ.get("TG_BASE_IMAGE") or own
    if _ask(client, "image", "inspect", base) is not None:
        return ""
    if base == own:
        return f"the engine has no {own}, and TG_BASE_IMAGE names no other image"
    return f"the engine has no {base}, which TG_BASE_IMAGE names"


@functools.cache
def _client() -> str | None:
    """The first ``docker`` on PATH that reaches an engine."""
    for folder in os.get_exec_path():
        program = shutil.which("docker", path=folder)
        if program and _ask(program, "version", "--format", "{{.Server.Version}}"):
            return program
    return None


def _ask(client: str, *arguments: str) -> str | None:
    try:
        completed = subprocess.run(
            [client, *arguments],
            check=False,
            capture_output=True,
            text=True,
            timeout=_ANSWER_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return completed.stdout if completed.returncode == 0 else None


def _containers() -> dict[str, str]:
    """Containers of runs by id, each with a line that describes it."""
    line = "{{.ID}}\t{{.Names}} ({{.Image}}): {{.Status}}"
    listing = ["ps", "--all", "--no-trunc", "--filter", f"label={_RUN_LABEL}", "--format", line]
    client = _client()
    output = client and _ask(client, *listing)
    if output is None:
        pytest.fail("the engine answered before the tests and does not any more", pytrace=False)
    return dict(row.split("\t", 1) for row in output.splitlines())


def _images() -> frozenset[str]:
    """Names of images that trainings ran in; those of dependencies serve the next session."""
    listing = ["image", "ls", "--filter", f"label={_IMAGE_LABEL}"]
    client = _client()
    output = client and _ask(client, *listing, "--format", "{{.Repository}}:{{.Tag}}")
    return frozenset(name for name in (output or "").splitlines() if "<none>" not in name)


@contextlib.contextmanager
def _images_of_sessions() -> Iterator[None]:
    """Remove the images of sessions that overlap, when the last of them ends.

    The first notes what was there before; each holds a shared lock on that note.
    """
    note = Path(tempfile.gettempdir(), f"training-grounds-test-images-{os.getuid()}")
    with note.open("a+", encoding="utf-8") as file:
        if _is_alone(file):
            file.truncate(0)
            file.write("\n".join(_images()))
            file.flush()
        fcntl.flock(file, fcntl.LOCK_SH)
        yield
        if _is_alone(file):
            file.seek(0)
            _remove_images(_images() - frozenset(file.read().splitlines()))


def _is_alone(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _remove_images(names: frozenset[str]) -> None:
    client = _client()
    for name in names:  # one by one: a container of somebody else may use one
        if client:
            _ask(client, "image", "rm", name)


def _left(before: Mapping[str, str], session_folder: Path) -> tuple[dict[str, str], dict[str, str]]:
    """What is new: containers of this session, and of others that use the engine meanwhile.

    A run has its folders mounted, and those of a test lie in the session's own folder. One without
    any cannot be told from ours, and counts as such.
    """
    new = {key: line for key, line in _containers().items() if key not in before}
    ours: dict[str, str] = {}
    others: dict[str, str] = {}
    for key, line in new.items():
        sources = _mounted(key)
        if sources is None:
            continue  # gone meanwhile
        is_ours = not sources or any(source.is_relative_to(session_folder) for source in sources)
        (ours if is_ours else others)[key] = line
    return ours, others


def _mounted(container: str) -> list[Path] | None:
    client = _client()
    output = client and _ask(client, "inspect", "--format", "{{json .Mounts}}", container)
    if output is None:
        return None
    return [Path(mount["Source"]) for mount in json.loads(output) if mount["Type"] == "bind"]
