"""The ``train`` command: loads the job of a package and runs it."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from ..._core.logger import Logger
from .entry_point import EntryPoint
from .folders import TrainingFolders
from .renaming import TravellerAliasFinder
from .stopping import StopRequested, StopSignal
from .told_number import EXIT_CODE, PID, tell_number

__all__ = ["flush_output", "main", "tell_exit_code", "train"]

_STOPPED = 128 + signal.SIGTERM


def main(module_name: str) -> NoReturn:
    """Train, then exit.

    The exit code is 0 on success, 143 after SIGTERM, what the job exits with, else 1.

    Parameters
    ----------
    module_name
        The root module of the package.
    """
    exit_code = train(module_name)
    if exit_code is None:
        sys.exit(1)
    tell_exit_code(exit_code)
    sys.exit(exit_code)


def train(module_name: str, open_package: Callable[[str], EntryPoint] = EntryPoint) -> int | None:
    """Run the job of a package under the SageMaker training contract.

    The end of the traceback goes to ``output/failure``. ``TG_TIMEOUT_SECONDS`` limits how long it
    may take: it is then stopped as by SIGTERM.

    Parameters
    ----------
    module_name
        The root module of the package.
    open_package
        Gives the way into it.

    Returns
    -------
    int or None
        The exit code; ``None`` if the training was given up before it began, and is not to begin.
    """
    if not _begins():
        return None
    pid = os.getpid()
    exit_code = _exit_code_of(module_name, open_package)
    if os.getpid() != pid:  # the training has forked it: it is not for this one to tell
        flush_output()
        os._exit(exit_code)
    return exit_code


def _exit_code_of(module_name: str, open_package: Callable[[str], EntryPoint]) -> int:
    folders = TrainingFolders.from_environment()
    stop = StopSignal()
    try:
        signal.signal(signal.SIGTERM, lambda _number, _frame: _on_signal(stop))
        _limit_time()
        _run(module_name, open_package, folders, stop)
    except StopRequested:
        Logger.warning("Stopped on request")
        return _STOPPED
    except SystemExit as exc:
        exit_code = _exit_code(exc.code)
        if exit_code:
            _report(folders)
        return exit_code
    except BaseException:  # noqa: BLE001 whatever ends a training must reach the failure file
        _report(folders)
        return 1
    return 0


def flush_output() -> None:
    """Write out what was printed, before a process ends that is not taken apart."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()


def tell_exit_code(exit_code: int) -> None:
    """Leave it for a platform that may not be watching when this process ends."""
    folder = os.environ.get("TG_RUN_FOLDER")
    if folder:
        tell_number(Path(folder), EXIT_CODE, exit_code)


def _run(
    module_name: str,
    open_package: Callable[[str], EntryPoint],
    folders: TrainingFolders,
    stop: StopSignal,
) -> None:
    Logger.info("Welcome to Training Grounds!")
    Logger.info("Loading job")
    entry_point = open_package(module_name)
    sys.meta_path.insert(0, TravellerAliasFinder(module_name, entry_point.manifest.travellers))
    job = entry_point.load_resource("job")
    Logger.info(f"Job of type {type(job)} is loaded")
    if hasattr(job, "run"):
        Logger.info("Job has `run` attribute")
        _call(job, entry_point, folders, stop)
    else:
        Logger.info("Job is callable")
        job()
    Logger.info("Job has exited successfully")
    Logger.info("DONE. Exiting Training Grounds.")


def _call(job: Any, entry_point: EntryPoint, folders: TrainingFolders, stop: StopSignal) -> None:
    # our own jobs take what the runtime has; any other object's run() takes nothing
    if getattr(job, "takes_runtime", False):
        job.run(entry_point=entry_point, folders=folders, stop=stop)
    else:
        job.run()


def _on_signal(stop: StopSignal) -> None:
    Logger.warning("Asked to stop")
    stop.request()


def _limit_time() -> None:
    """Ask this process to stop when its time is over, for platforms that do not."""
    seconds = os.environ.get("TG_TIMEOUT_SECONDS")
    if seconds:
        timer = threading.Timer(float(seconds), os.kill, (os.getpid(), signal.SIGTERM))
        timer.daemon = True
        timer.start()


def _exit_code(code: object) -> int:
    if code is None:
        return 0
    return code if isinstance(code, int) else 1


def _report(folders: TrainingFolders) -> None:
    text = traceback.format_exc()
    refusal = ""
    try:
        folders.write_failure(text)
    except OSError as exc:
        refusal = f"The failure file could not be written: {exc}"
    with contextlib.suppress(OSError, ValueError):  # the training may have closed the log
        encoding = sys.stdout.encoding or "utf-8"
        Logger.plain(text.rstrip().encode(encoding, "backslashreplace").decode(encoding))
        if refusal:
            Logger.error(refusal)


def _begins() -> bool:
    """Tell this process's id; whether nobody has given the training up before."""
    # for a platform that may not be watching when this process starts
    folder = os.environ.get("TG_RUN_FOLDER")
    if not folder:
        return True
    try:
        with Path(folder, PID).open("x", encoding="ascii") as file:
            file.write(str(os.getpid()))
    except FileExistsError:
        # whoever looked for long for what a dead process had started has written a zero there
        if Path(folder, PID).read_text(encoding="ascii") == "0":
            return False
        tell_number(Path(folder), PID, os.getpid())
    return True


if __name__ == "__main__":
    main(sys.argv[1])
