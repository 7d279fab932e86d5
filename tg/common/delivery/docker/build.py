"""Building an image from a folder with a Dockerfile."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..._core.errors import CommandError, EngineError, EngineUnavailableError, ImageBuildError
from .build_output import BuildOutput
from .builder import Builder
from .engine import DockerEngine
from .recent_images import RECENT_IMAGES
from .scratch_folder import scratch_folder

__all__ = ["ImageBuild", "build_error", "check_still_there", "label_line"]

_BUILD_SECONDS = 7_200.0
_SHOWN_CHARACTERS = 3_000
# predefined build arguments: they are neither kept in the image nor in its history
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")


@dataclass(frozen=True, kw_only=True)
class ImageBuild:
    """One image to be built.

    Attributes
    ----------
    dockerfile
        The text of its Dockerfile; its last stage is the image.
    context
        The folder that holds what it copies.
    tag
        What the image is called, ``name:tag``; ``None`` for no name.
    labels
        Its labels. They are set at once, at the end: what an interrupted build leaves has none.
    platform
        Such as ``linux/amd64``; the engine's own if ``None``.
    network
        The network of its steps; the engine's default if ``None``.
    secrets
        Files that steps may mount, by id. BuildKit only.
    secret_texts
        What must not be shown.
    """

    dockerfile: str
    context: Path
    tag: str | None
    labels: Mapping[str, str] = field(default_factory=dict)
    platform: str | None = None
    network: str | None = None
    secrets: Mapping[str, Path] = field(default_factory=dict)
    secret_texts: Sequence[str] = ()

    def run(
        self,
        engine: DockerEngine,
        builder: Builder,
        on_line: Callable[[str], None] | None = None,
    ) -> str:
        """Build it.

        Parameters
        ----------
        engine
            Where it is built, and where it is then.
        builder
            What builds it.
        on_line
            Called with each line of progress.

        Returns
        -------
        str
            The image's id.

        Raises
        ------
        ImageBuildError
            A step failed; what it printed is in the error.
        EngineUnavailableError
            The engine is not there, or went away.
        """
        output = BuildOutput()

        def follow(line: str) -> None:
            shown = output.add(line)
            if on_line is not None and shown is not None:
                on_line(shown)

        with scratch_folder() as folder:
            id_file, dockerfile = folder / "id", folder / "Dockerfile"
            dockerfile.write_text(f"{self.dockerfile}\n{label_line(self.labels)}", encoding="utf-8")
            files = ["--iidfile", str(id_file), "--file", str(dockerfile)]
            try:
                engine.call(
                    [*self._args(builder), *files, str(self.context)],
                    program=builder.program,
                    env={"DOCKER_BUILDKIT": "1" if builder.is_buildkit else "0"},
                    timeout_seconds=_BUILD_SECONDS,
                    secrets=self.secret_texts,
                    on_line=follow,
                )
            except EngineError as exc:
                check_still_there(engine, exc)
                said = output.tail or str(exc)
                command = exc.__cause__
                if output.tail and isinstance(command, CommandError) and command.has_timed_out:
                    said = f"{output.tail}\n{exc.what}"
                raise build_error(self.tag or "of a stage", output.step, said) from exc
            finally:
                RECENT_IMAGES.clear()
            return id_file.read_text(encoding="ascii").strip()

    def _args(self, builder: Builder) -> list[str]:
        args = ["build", *(["--tag", self.tag] if self.tag else [])]
        if self.platform:
            args += ["--platform", self.platform]
        if self.network:
            args += ["--network", self.network]
        for proxy in _PROXIES:
            # by name: the client takes the value from the environment, no command line shows it
            for name in (proxy, proxy.lower()):
                args += ["--build-arg", name] if os.environ.get(name) else []
        if builder.is_buildkit:
            args += ["--progress", "plain"]
            for name, path in sorted(self.secrets.items()):
                args += ["--secret", f"id={name},src={path}"]
        else:
            args += ["--force-rm"]
        return args


def label_line(labels: Mapping[str, str]) -> str:
    r"""Give the one instruction that sets labels: the classic builder makes a layer of each.

    Example
    -------
    >>> print(label_line({"a.b": 'say "$1"'}))
    LABEL "a.b"="say \"\$1\""
    >>> label_line({})
    ''
    """
    pairs = (f"{_quoted(key)}={_quoted(value)}" for key, value in labels.items())
    return f"LABEL {' '.join(pairs)}" if labels else ""


def _quoted(text: str) -> str:
    escaped = re.sub(r'(["\\$])', r"\\\1", text)
    return f'"{escaped}"'


def build_error(tag: str, step: str, output: str) -> ImageBuildError:
    """Say which step of a build failed, why, and what to do."""
    where = f" at `{step[:200]}`" if step else ""
    return ImageBuildError(
        f"image {tag} could not be built{where}",
        step=step,
        output=output,
        hint=f"{_advice(output)}The end of its output:\n{output[-_SHOWN_CHARACTERS:]}",
    )


def _advice(output: str) -> str:
    if "no space left on device" in output.lower():
        return (
            "The engine's disk is full: `tg images prune` removes what was made here and is no "
            "longer used, `docker system df` shows the rest. "
        )
    if "exec format error" in output.lower():
        return (
            "The base image is for another processor than the engine's: set containering.platform "
            "to the engine's, or install its emulation (QEMU's binfmt handlers). "
        )
    return ""


def check_still_there(engine: DockerEngine, error: EngineError) -> None:
    """Tell an engine that went away during a build from a step that failed.

    The text of the error cannot: a step that reaches no index says what a client says that reaches
    no engine.

    Raises
    ------
    EngineUnavailableError
        The engine does not answer any more.
    """
    try:
        engine.version()
    except EngineUnavailableError as unavailable:
        raise EngineUnavailableError(
            f"the container engine went away during a build: {unavailable.what}",
            hint="Start it and build again: steps that were done are not done again.",
        ) from error
