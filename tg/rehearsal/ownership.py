"""Whose the things of a rehearsal are, and how they are removed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import tempfile
from pathlib import Path

from ..common._core.errors import EngineError, EngineUnavailableError
from ..common.delivery.docker.engine import DockerEngine
from ..common.delivery.execution.process_identity import is_alive, process_identity

__all__ = ["LABEL", "OWNER_LABEL", "owner", "remove_abandoned", "remove_from_engine"]

LABEL = "training-grounds.rehearsal"
OWNER_LABEL = "training-grounds.rehearsal.owner"
FOLDER_PREFIX = "tg-rehearsal-"
_NOTE = "owner.json"


def owner() -> str:
    """Name this process so that no later one is taken for it: machine, id and start."""
    pid = os.getpid()
    return f"{_machine()}/{pid}/{process_identity(pid)}"


def note_owner(folder: Path, registry_pid: int | None) -> None:
    """Write down whose a rehearsal's folder is, and its registry's process."""
    note = {
        "protocol": 1,
        "owner": owner(),
        "registry": registry_pid,
        "registry_process": process_identity(registry_pid) if registry_pid else "",
    }
    (folder / _NOTE).write_text(json.dumps(note), encoding="utf-8")


def remove_abandoned(engine: DockerEngine) -> None:
    """Remove what rehearsals left whose process was killed: processes, containers and folders."""
    for folder in Path(tempfile.gettempdir()).glob(f"{FOLDER_PREFIX}*"):
        try:
            note = json.loads((folder / _NOTE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue  # another user's, or one that begins just now
        if not _is_abandoned(note["owner"]):
            continue
        if note["registry"] and is_alive(note["registry"], note["registry_process"]):
            os.kill(note["registry"], signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)
    try:
        form = f'{{{{.Label "{LABEL}"}}}} {{{{.Label "{OWNER_LABEL}"}}}}'
        filters = ["--filter", f"label={LABEL}", "--format", form]
        lines = engine.lines(["ps", "--all", *filters])
        lines += engine.lines(["network", "ls", *filters])
    except EngineUnavailableError:
        return  # what is in an engine that is not there cannot be in anybody's way
    for line in set(lines):
        rehearsal_id, _, owner_text = line.partition(" ")
        if rehearsal_id and _is_abandoned(owner_text):
            remove_from_engine(engine, rehearsal_id)


def remove_from_engine(engine: DockerEngine, rehearsal_id: str) -> None:
    """Remove a rehearsal's containers and networks."""
    mine = ["--quiet", "--filter", f"label={LABEL}={rehearsal_id}"]
    for kind, removal in (("container", ["rm", "--force", "--volumes"]), ("network", ["rm"])):
        listing = ["container", "ls", "--all"] if kind == "container" else ["network", "ls"]
        names = engine.lines([*listing, *mine])
        for name in names:
            _try(engine, [kind, *removal, name])


def remove_images(engine: DockerEngine, registry_host: str) -> None:
    """Take from the engine's images the names of a registry that is no more."""
    form = "{{.Repository}}:{{.Tag}} {{.Repository}}@{{.Digest}}"
    args = ["image", "ls", "--digests", "--format", form, "--filter"]
    for line in engine.lines([*args, f"reference={registry_host}/*/*"]) + engine.lines(
        [*args, f"reference={registry_host}/*"]
    ):
        for name in line.split():
            if "<none>" not in name:
                _try(engine, ["image", "rm", name])


def _try(engine: DockerEngine, args: list[str]) -> None:
    try:
        engine.call(args)
    except EngineUnavailableError:
        raise
    except EngineError:
        return  # it went meanwhile, or somebody uses it


def _machine() -> str:
    """Tell this machine, or this container, from others that talk to the same engine."""
    try:
        return f"{socket.gethostname()}.{os.stat('/proc/self/ns/pid').st_ino}"  # noqa: PTH116 a link that leads nowhere
    except OSError:
        return socket.gethostname()


def _is_abandoned(owner_text: str) -> bool:
    machine, _, rest = owner_text.partition("/")
    pid, _, identity = rest.partition("/")
    return machine == _machine() and pid.isdigit() and not is_alive(int(pid), identity)
