"""Containers in the engine."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from ..._core.errors import EngineUnavailableError
from .engine import DockerEngine, passing_over
from .inspection import inspect, parse_time, parsed
from .variables import pass_variables

__all__ = ["ContainerSpec", "ContainerState", "Containers", "Mount"]

_LONG_SECONDS = 86_400.0


@dataclass(frozen=True, kw_only=True)
class Mount:
    """A file or folder of this machine that a container sees; or, by name, a volume.

    Attributes
    ----------
    source
        The file, folder or volume.
    target
        Its path in the container.
    is_read_only
        Whether the container may not write there.
    """

    source: Path | str
    target: str
    is_read_only: bool = False

    @property
    def option(self) -> str:
        """The value of ``--mount``: one line of CSV, as a path may hold commas and quotes."""
        kind = "bind" if isinstance(self.source, Path) else "volume"
        fields = [f"type={kind}", f"source={self.source}", f"target={self.target}"]
        text = io.StringIO()
        csv.writer(text).writerow([*fields, "readonly"] if self.is_read_only else fields)
        return text.getvalue().removesuffix("\r\n")


@dataclass(frozen=True, kw_only=True)
class ContainerSpec:
    """One container to be run.

    Attributes
    ----------
    name
        What it is called; no other container may be called so.
    image
        The id or name of its image.
    command
        The program and its arguments.
    labels
        Its labels.
    mounts
        What it sees of this machine.
    environment
        Its variables; no command line shows their values.
    options
        Further options of ``docker run``.
    """

    name: str
    image: str
    command: tuple[str, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    mounts: tuple[Mount, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()

    @property
    def args(self) -> list[str]:
        """All that follows ``docker run``, but for the variables."""
        args = ["--name", self.name]
        for key, value in sorted(self.labels.items()):
            args += ["--label", f"{key}={value}"]
        for mount in self.mounts:
            args += ["--mount", mount.option]
        return [*args, *self.options, self.image, *self.command]


@dataclass(frozen=True, kw_only=True)
class ContainerState:
    """How a container is.

    Attributes
    ----------
    is_running
        Whether it has not ended yet.
    exit_code
        Of its first process; 128 + the signal's number if a signal ended it.
    is_out_of_memory
        Whether the kernel killed a process of it for taking too much memory.
    memory_limit_bytes
        Its limit; 0 for none.
    error
        Why the engine could not start it; empty if it could.
    started_at, ended_at
        UTC in ISO 8601; the year 1 for not yet.
    """

    is_running: bool
    exit_code: int
    is_out_of_memory: bool
    memory_limit_bytes: int
    error: str
    started_at: str
    ended_at: str

    @property
    def has_started(self) -> bool:
        """Whether its first process was ever started."""
        return _time(self.started_at) is not None

    @property
    def age_seconds(self) -> float:
        """How long it has run, or had run when it ended; 0 before it has started."""
        began = _time(self.started_at)
        if began is None:
            return 0.0
        ended = None if self.is_running else _time(self.ended_at)
        seconds = ((ended or datetime.now(began.tzinfo)) - began).total_seconds()
        return max(0.0, seconds)  # of a short one, the engine may note the end first


class Containers:
    """Runs, watches and removes containers.

    Parameters
    ----------
    engine
        Where they are.
    """

    def __init__(self, engine: DockerEngine) -> None:
        self._engine = engine

    def start(self, spec: ContainerSpec) -> None:
        """Create and start a container; it goes on without this process.

        Raises
        ------
        EngineError
            It cannot be started; nothing of it is left.
        """
        try:
            with pass_variables(spec.environment) as variables:
                args = ["run", "--detach", *variables.options, *spec.args]
                self._engine.call(args, env=variables.client)
        except EngineUnavailableError:
            raise
        except BaseException:
            self.remove(spec.name)  # one that was made but could not be started stays otherwise
            raise

    def run(
        self,
        spec: ContainerSpec,
        on_line: Callable[[str], None] | None = None,
        secrets: Iterable[str] = (),
    ) -> None:
        """Run a container to its end; it stays, for its files. `secrets` are not shown.

        Raises
        ------
        EngineError
            It failed; the ``CommandError`` with its output is the cause.
        """
        with pass_variables(spec.environment) as variables:
            self._engine.call(
                ["run", *variables.options, *spec.args],
                env=variables.client,
                timeout_seconds=_LONG_SECONDS,
                secrets=secrets,
                on_line=on_line,
            )

    def inspect(self, name: str) -> ContainerState | None:
        """Tell how a container is; ``None`` if there is none."""
        form = '{"state": {{json .State}}, "memory": {{json .HostConfig.Memory}}}'
        found = inspect(self._engine, "container", [name], form)
        return parsed("a container", lambda: _state(found[0])) if found else None

    def logs(self, name: str) -> Iterator[str]:
        """Give the lines of a container's output, those to come as well, until it ends.

        Raises
        ------
        EngineUnavailableError
            The engine does not answer.
        """
        return self._output(["logs", "--follow", name])

    def printed(self, name: str) -> Iterator[str]:
        """Give the lines that a container has printed so far; none if there is no container.

        Raises
        ------
        EngineUnavailableError
            The engine does not answer.
        """
        return self._output(["logs", name])

    def printed_since(self, name: str, since: str = "") -> Iterator[str]:
        """Give what a container has printed so far, each line after its time.

        The time is UTC in ISO 8601 with nine digits of a second. What was printed as one line and
        comes as several, for the carriage returns in it, has one time only.

        Parameters
        ----------
        name
            The container; if there is none, nothing is given.
        since
            Such a time: what was printed before is left out.

        Raises
        ------
        EngineUnavailableError
            The engine does not answer.
        """
        begin = ["--since", since] if since else []
        return self._output(["logs", "--timestamps", *begin, name])

    def _output(self, args: list[str]) -> Iterator[str]:
        child = self._engine.start(args)
        with child:
            yield from child.lines()
        if child.wait() != 0:
            self._engine.check_answers(child.tail)

    def save_log(self, name: str, path: Path) -> None:
        """Write all that a container has printed to a file, as it is."""
        self._engine.save_output(["logs", name], path)

    def wait(self, name: str, timeout_seconds: float | None) -> bool:
        """Wait until a container has ended.

        Returns
        -------
        bool
            Whether it has, or is not there.
        """
        with self._engine.start(["wait", name]) as child:
            if child.wait(timeout_seconds) is None:
                return False
            self._engine.check_answers(child.tail)
            return True

    def signal(self, name: str, signal_name: str) -> None:
        """Send a signal to a container's first process; one that has ended is left as it is."""
        with passing_over("is not running", "no such container"):
            self._engine.call(["kill", "--signal", signal_name, name])

    def remove(self, name: str) -> None:
        """Remove a container, running or not; one that is not there is left as it is."""
        with passing_over("no such container", "already in progress"):
            self._engine.call(["rm", "--force", "--volumes", name])


def _state(values: Mapping[str, Any]) -> ContainerState:
    state = values["state"]
    return ContainerState(
        is_running=state["Status"] not in ("exited", "dead", "created"),
        exit_code=int(state["ExitCode"]),
        is_out_of_memory=bool(state["OOMKilled"]),
        memory_limit_bytes=int(values["memory"]),
        error=str(state.get("Error") or ""),
        started_at=str(state["StartedAt"]),
        ended_at=str(state["FinishedAt"]),
    )


def _time(text: str) -> datetime | None:
    moment = parse_time(text)
    return None if moment.year == 1 else moment
