"""The container engine, reached through its command-line client."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..._core.errors import CommandError, EngineError, EngineUnavailableError, StorageError
from ..._core.process import Child, Completed, Runner, run, start

__all__ = ["DockerEngine", "passing_over"]

# what the clients since 20.10 say if the engine does not answer
_UNREACHABLE = re.compile(
    r"cannot connect to the docker daemon|is the docker daemon running|error during connect"
    r"|failed to connect to the docker api|dial unix|connection refused|no such host"
    r"|error dialing|unexpected EOF\s*$|EOF\s*$|server misbehaving|i/o timeout",
    re.IGNORECASE,
)
_DAEMON = "Error response from daemon: "
# what the client says after the reason: "Run 'docker run --help' for more information"
_ADVICE = re.compile(r"(Run|See) '[^']* --help'|Usage: ", re.IGNORECASE)
_FORBIDDEN = re.compile(r"permission denied while trying to connect", re.IGNORECASE)
_WITHOUT = "The process executor needs none: it runs the same package in a fresh interpreter."
_INSTALL = f"Install Docker and start it: https://docs.docker.com/engine/install/. {_WITHOUT}"
_START = f"Start it. If it runs, is it where DOCKER_HOST or `docker context ls` says? {_WITHOUT}"
# A builder that a user chose for other projects may not see the engine's own images.
_ENVIRONMENT: Mapping[str, str | None] = {"BUILDX_BUILDER": None, "DOCKER_CLI_HINTS": "false"}
_SLOW = "The engine itself answers: is the registry, the network or the disk slow? Ask again."
_LEAST_ROOM_BYTES = 65_536
_MAKE_ROOM = "Free some space and ask again: nothing is lost until then."


class DockerEngine:
    """Talks to the engine that the ``docker`` program is set up for.

    Parameters
    ----------
    program
        The client; ``TG_DOCKER`` of the environment, or ``docker`` on ``PATH``, if ``None``.
    runner
        Runs it.
    call_seconds
        How long the engine may take to answer.

    Example
    -------
    >>> DockerEngine("/nowhere/docker").call(["version"])
    Traceback (most recent call last):
        ...
    tg.common._core.errors.EngineUnavailableError: there is no program '/nowhere/docker'. ...
    """

    def __init__(
        self,
        program: str | None = None,
        runner: Runner = run,
        *,
        call_seconds: float = 120.0,
    ) -> None:
        self._program = program
        self._runner = runner
        self._call_seconds = call_seconds
        self._security_options: str | None = None

    @property
    def program(self) -> str:
        """The client program."""
        return self._program or os.environ.get("TG_DOCKER") or "docker"

    def call(
        self,
        args: Sequence[str],
        *,
        program: str | None = None,
        env: Mapping[str, str | None] | None = None,
        timeout_seconds: float | None = None,
        secrets: Iterable[str] = (),
        on_line: Callable[[str], None] | None = None,
    ) -> Completed:
        """Run one command of the client.

        Parameters
        ----------
        args
            Its arguments.
        program
            Another client for this command.
        env
            Changes to its environment.
        timeout_seconds
            How long it may take; as long as the engine has for an answer if ``None``.
        secrets
            What must not be shown.
        on_line
            Called with each line of its output.

        Raises
        ------
        EngineUnavailableError
            There is no client, or no engine answers it.
        EngineError
            The engine refused the command; the ``CommandError`` is its cause.
        """
        argv = [program or self.program, *args]
        try:
            return self._runner(
                argv,
                env={**_ENVIRONMENT, **(env or {})},
                timeout_seconds=timeout_seconds or self._call_seconds,
                secrets=secrets,
                on_line=on_line,
            )
        except CommandError as exc:
            # a registry or a disk may be slow where the engine itself is not
            if timeout_seconds and exc.has_timed_out and self._answers(timeout_seconds):
                what = f"{_called(argv)} was ended: it took more than {timeout_seconds:g} seconds"
                raise EngineError(what, hint=_SLOW) from exc
            raise self._translated(exc, argv) from exc

    def version(self) -> str:
        """Ask for the engine's version, which tells whether it answers.

        Raises
        ------
        EngineUnavailableError
            It does not.
        """
        return self.call(["version", "--format", "{{.Server.Version}}"]).output.strip()

    def lines(self, args: Sequence[str]) -> list[str]:
        """Run one command and give all lines of its output, however many."""
        lines: list[str] = []
        self.call(args, on_line=lines.append)
        return lines

    @property
    def security_options(self) -> str:
        """What the engine says of how it shields its containers; asked once."""
        if self._security_options is None:
            form = "{{json .SecurityOptions}}"
            self._security_options = self.call(["info", "--format", form]).output
        return self._security_options

    def start(self, args: Sequence[str]) -> Child:
        """Start a command of the client that goes on."""
        try:
            return start([self.program, *args], env=_ENVIRONMENT)
        except CommandError as exc:
            raise self._translated(exc, [self.program, *args]) from exc

    def save_output(self, args: Sequence[str], path: Path) -> None:
        """Write all that one command prints to a file, as it is, whole or not at all.

        Raises
        ------
        EngineError
            The command failed.
        StorageError
            There is no room for it.
        """
        part = path.with_name(f"{path.name}.part")
        argv = [self.program, *args]
        try:
            part.unlink(missing_ok=True)
            with start(argv, env=_ENVIRONMENT, output_path=part) as child:
                has_failed = child.wait() != 0
            if has_failed:
                _check_room(path)
                failed = CommandError(f"{child.command_line} failed", output=child.tail)
                raise self._translated(failed, argv) from failed
            part.replace(path)
        except OSError as exc:
            raise StorageError(f"{path} cannot be written: {exc}", hint=_MAKE_ROOM) from exc
        finally:
            part.unlink(missing_ok=True)

    def check_answers(self, output: str) -> None:
        """Raise if a command's output says that the engine did not answer it.

        Raises
        ------
        EngineUnavailableError
            It does.
        """
        if _FORBIDDEN.search(output):
            raise EngineUnavailableError(
                f"this user may not talk to the container engine: {_last_line(output)}",
                hint="Add the user to the group `docker`, or use a rootless engine. "
                "The process executor needs none.",
            )
        # what the engine reports, of a registry for instance, is an answer
        if _UNREACHABLE.search(output) and _DAEMON not in output:
            raise EngineUnavailableError(
                f"the container engine does not answer: {_last_line(output).rstrip('?.')}",
                hint=_START,
            )

    def _answers(self, after_seconds: float) -> bool:
        """Whether the engine answers after a command that may take longer than an answer."""
        if after_seconds <= self._call_seconds:
            return False
        try:
            self.version()
        except EngineError:
            return False
        return True

    def _translated(self, error: CommandError, argv: Sequence[str]) -> EngineError:
        if error.exit_code is None and not error.output and shutil.which(argv[0]) is None:
            return EngineUnavailableError(f"there is no program {argv[0]!r}", hint=_INSTALL)
        if error.has_timed_out:
            return EngineUnavailableError(
                f"the container engine does not answer: {error.what}",
                hint="Restart it. What runs in it may have gone on.",
            )
        try:
            self.check_answers(error.output)
        except EngineUnavailableError as unavailable:
            return unavailable
        said = _reason(error.output) or error.what
        return EngineError(f"{_called(argv)} failed: {said}", hint=error.hint)


def _called(argv: Sequence[str]) -> str:
    return f"`docker {' '.join(argv[1:3])}`"


@contextmanager
def passing_over(*answers: str) -> Iterator[None]:
    """Go on where the engine refuses something with one of these answers, in lower case.

    That no engine answers is never passed over.

    Example
    -------
    >>> with passing_over("no such container"):
    ...     raise EngineError("`docker rm` failed: No such container: tea")
    """
    try:
        yield
    except EngineUnavailableError:
        raise
    except EngineError as exc:
        said = str(exc).lower()
        if not any(answer in said for answer in answers):
            raise


def _check_room(path: Path) -> None:
    # the client's own complaint goes to the file that has no room for it
    if shutil.disk_usage(path.parent).free < _LEAST_ROOM_BYTES:
        raise StorageError(f"{path} cannot be written: no space left on device", hint=_MAKE_ROOM)


def _reason(output: str) -> str:
    """Find what the engine said among what the client adds to it."""
    said = [line.partition(_DAEMON)[2] for line in output.splitlines() if _DAEMON in line]
    return said[-1].strip() if said else _last_line(output)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    said = [line for line in lines if not _ADVICE.match(line)]
    return (said or lines or [""])[-1]
