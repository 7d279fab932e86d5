"""Whose the things of a rehearsal are, and how they are removed."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..common._core.errors import EngineError, EngineUnavailableError
from ..common._core.files import atomic_write
from ..common.delivery.docker.engine import DockerEngine
from ..common.delivery.execution.process_identity import is_alive, process_identity

__all__ = [
    "FOLDER_PREFIX",
    "LABEL",
    "OWNER_LABEL",
    "is_abandoned",
    "note_owner",
    "owner",
    "remove_abandoned",
    "remove_from_engine",
    "remove_images",
]

LABEL = "training-grounds.rehearsal"
OWNER_LABEL = "training-grounds.rehearsal.owner"
FOLDER_PREFIX = "tg-rehearsal-"
_NOTE = "owner.json"
_PROTOCOL = 2


def owner() -> str:
    """Name this process so that no later one is taken for it: machine, id and start."""
    pid = os.getpid()
    return f"{_machine()}/{pid}/{process_identity(pid)}"


def note_owner(folder: Path, pids: Iterable[int] = (), registry_host: str = "") -> None:
    """Write down whose a rehearsal's folder is, and what is to go with it.

    Parameters
    ----------
    folder
        The folder.
    pids
        Processes that it started.
    registry_host
        The address of its registry; images of that name go as well.
    """
    note = {
        "protocol": _PROTOCOL,
        "owner": owner(),
        "processes": [{"pid": pid, "identity": process_identity(pid)} for pid in pids],
        "registry_host": registry_host,
    }
    atomic_write(folder / _NOTE, json.dumps(note).encode())


def remove_abandoned(engine: DockerEngine) -> None:
    """Remove what rehearsals left whose process was killed: processes, containers and folders."""
    for folder in Path(tempfile.gettempdir()).glob(f"{FOLDER_PREFIX}*"):
        note = _read_note(folder)
        if note is None or not is_abandoned(note["owner"]):
            continue
        for process in note["processes"]:
            if is_alive(process["pid"], process["identity"]):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process["pid"], signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)
        if note["registry_host"]:
            with contextlib.suppress(EngineUnavailableError):
                remove_images(engine, note["registry_host"])
    try:
        form = f'{{{{.Label "{LABEL}"}}}} {{{{.Label "{OWNER_LABEL}"}}}}'
        filters = ["--filter", f"label={LABEL}", "--format", form]
        lines = engine.lines(["ps", "--all", *filters])
        lines += engine.lines(["network", "ls", *filters])
    except EngineUnavailableError:
        return  # what is in an engine that is not there cannot be in anybody's way
    for line in set(lines):
        rehearsal_id, _, owner_text = line.partition(" ")
        if rehearsal_id and is_abandoned(owner_text):
            with contextlib.suppress(EngineUnavailableError):
                remove_from_engine(engine, rehearsal_id)


def _read_note(folder: Path) -> dict[str, Any] | None:
    """Read whose a folder is; ``None`` if that is not known, or another user may have written it.

    Everybody can make such a folder where temporary files are, and name any process in it.
    """
    try:
        if folder.lstat().st_uid != os.getuid():
            return None
        note = json.loads((folder / _NOTE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None  # one that begins just now
    known = isinstance(note, dict) and note.get("protocol") == _PROTOCOL
    return note if known else None


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


def is_abandoned(owner_text: str) -> bool:
    """Whether the process of that name, of this machine, is no more."""
    machine, _, rest = owner_text.partition("/")
    pid, _, identity = rest.partition("/")
    return machine == _machine() and pid.isdigit() and not is_alive(int(pid), identity)
