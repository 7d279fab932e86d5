"""What is kept of a run on this machine."""

from __future__ import annotations

import json
import math
import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..._core.archive_writer import write_tar_gz
from ..._core.errors import (
    FormatError,
    RunCancelledError,
    RunNotFoundError,
    RunTimeoutError,
    StorageError,
)
from ..._core.file_lock import FileLock
from ..._core.files import atomic_write
from ..._core.protocol import check_protocol
from ...contract.run_state import RunState
from ..naming.legal_name import job_name
from .failure_kind import FailureKind
from .folder_removal import remove_folder
from .model_folder import ModelFolder
from .result_loader import ResultLoader
from .run_record import PROTOCOL, RunRecord

__all__ = ["RunFolder"]

_STEP_SECONDS = 0.02
_SETTLING_SECONDS = 3600.0


class RunFolder:
    """A folder for one run: ``run.json``, ``log.txt`` and ``output/model.tar.gz``.

    The result's place is that which SageMaker gives it below the output path.

    Parameters
    ----------
    path
        The folder; its name is the run's id.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.log_file = path / "log.txt"
        self.result_file = path / "output" / "model.tar.gz"
        self.work = path / "work"
        self._record_file = path / "run.json"

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.path.name

    @classmethod
    def create(
        cls,
        runs_folder: Path,
        base_name: str,
        executor: str,
        details: Mapping[str, Any] | None = None,
        opener: Mapping[str, Any] | None = None,
    ) -> RunFolder:
        """Make the folder of a new run, under an id that no other run has."""
        # the id is a legal name for a SageMaker job and for a container
        stamp = datetime.now(UTC).strftime("%Y-%m-%d-%H-%M-%S")
        while True:
            run_id = job_name(base_name.lower(), f"{stamp}-{secrets.token_hex(4)}")
            folder = cls(runs_folder / run_id)
            if folder._make():
                folder.write_pending(executor, details or {}, opener)
                return folder

    @classmethod
    def reserve(cls, runs_folder: Path, run_id: str) -> RunFolder:
        """Give the folder of a run whose id is known before it is started; it is there then."""
        folder = cls(runs_folder / run_id)
        folder._make()
        return folder

    def _make(self) -> bool:
        """Make it; ``False`` if it was there."""
        runs_folder = self.path.parent
        try:
            runs_folder.mkdir(parents=True, exist_ok=True)
            self.path.mkdir()
        except FileExistsError:
            if runs_folder.is_dir():
                return False
            raise _unwritable(runs_folder, "a file is in its place") from None
        except OSError as exc:
            raise _unwritable(runs_folder, str(exc)) from exc
        return True

    def lock(self) -> FileLock:
        """Give the lock of who starts or settles the run."""
        # another process may be writing a large archive
        return FileLock(self.path / "lock", timeout_seconds=_SETTLING_SECONDS)

    @property
    def has_record(self) -> bool:
        """Whether anything is known of the run: one without has not begun."""
        return self._record_file.is_file()

    def show_in(self, runs_folder: Path) -> None:
        """Show the run among those of another folder as well: by a link."""
        if runs_folder == self.path.parent:
            return
        try:
            runs_folder.mkdir(parents=True, exist_ok=True)
            (runs_folder / self.run_id).symlink_to(self.path.absolute(), target_is_directory=True)
        except FileExistsError:
            return  # it is shown there
        except OSError as exc:
            raise _unwritable(runs_folder, str(exc)) from exc

    def write_pending(
        self,
        executor: str,
        details: Mapping[str, Any],
        opener: Mapping[str, Any] | None = None,
    ) -> RunRecord:
        """Write that the run is about to begin."""
        record = RunRecord(
            run_id=self.run_id,
            executor=executor,
            state=RunState.PENDING,
            started_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
            details=details,
            opener=opener or {},
        )
        self.write(record)
        return record

    def forget(self) -> None:
        """Remove all that is kept of a run that did not begin, but for its lock."""
        self._record_file.unlink(missing_ok=True)  # first: without it there is no run
        remove_folder(self.work)
        self.log_file.unlink(missing_ok=True)

    @classmethod
    def known(cls, runs_folder: Path, run_id: str) -> RunFolder | None:
        """Find the folder of a run; ``None`` if there is none of that id."""
        folder = cls(runs_folder / run_id)
        return folder if Path(run_id).name == run_id and folder.has_record else None

    @classmethod
    def find(cls, runs_folder: Path, run_id: str) -> RunFolder:
        """Find the folder of a run.

        Raises
        ------
        RunNotFoundError
            There is none of that id.
        """
        folder = cls.known(runs_folder, run_id)
        if folder is None:
            names = (path.name for path in runs_folder.glob("*/"))
            # an id ends with the time, in six parts, and a token
            known = sorted(names, key=lambda name: name.split("-")[-7:], reverse=True)[:3]
            raise RunNotFoundError(
                f"there is no run {run_id!r} in {runs_folder}",
                hint=f"The latest are: {', '.join(known)}." if known else "Nothing ran there yet.",
            )
        return folder

    def read(self) -> RunRecord:
        """Read what is known of the run.

        Raises
        ------
        FormatError, ProtocolError
            The record is damaged or of a newer version.
        """
        try:
            values = json.loads(self._record_file.read_bytes())
            check_protocol(values["protocol"], PROTOCOL, str(self._record_file))
            known = {f.name for f in fields(RunRecord)}
            record = RunRecord(**{k: v for k, v in values.items() if k in known})
            return replace(
                record,
                state=RunState(record.state),
                failure_kind=FailureKind(record.failure_kind),
            )
        except (OSError, ValueError, KeyError, TypeError) as exc:
            raise FormatError(
                f"the record of a run, {self._record_file}, cannot be read: {exc}",
                hint="Delete the run's folder if the run is of no use any more.",
            ) from exc

    def write(self, record: RunRecord) -> None:
        """Write what is known of the run, whole or not at all."""
        # before its end, what an older record says is true as well, and is looked up again
        data = json.dumps(asdict(record)).encode()
        atomic_write(self._record_file, data, lasting=record.state.is_final)

    def update(self, **changes: Any) -> RunRecord:
        """Change the record; a final state brings the time with it."""
        record = replace(self.read(), **changes)
        if record.state.is_final and not record.ended_at:
            record = replace(record, ended_at=datetime.now(UTC).isoformat(timespec="milliseconds"))
        self.write(record)
        return record

    def read_number(self, name: str) -> int | None:
        """Read what the training left in a file of the run's folder: its pid or its exit code."""
        try:
            return int((self.path / name).read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None

    def wait_for_number(self, name: str, timeout_seconds: float) -> int | None:
        """Read what the training leaves as soon as it has; ``None`` if it has not in time."""
        deadline = time.monotonic() + timeout_seconds
        while (number := self.read_number(name)) is None and time.monotonic() < deadline:
            time.sleep(_STEP_SECONDS)
        return number

    def log_age_seconds(self) -> float:
        """Tell how long ago the log was written to; infinite if there is none."""
        try:
            return time.time() - self.log_file.stat().st_mtime
        except OSError:
            return math.inf

    def log_tail(self, size: int) -> str:
        """Give the end of the log, at most so many characters."""
        try:
            with self.log_file.open("rb") as file:  # it may be larger than the memory
                file.seek(max(0, file.seek(0, os.SEEK_END) - 4 * size))
                data = file.read()
        except OSError:
            return ""
        return data.decode("utf-8", "replace")[-size:].strip()

    def archive(self, model: ModelFolder) -> None:
        """Write the result's archive, small files first, whole or not at all."""
        self.result_file.parent.mkdir(parents=True, exist_ok=True)
        write_tar_gz(self.result_file, model.members(), small_first=True)

    def remove_work(self) -> None:
        """Remove what the training worked on; its result is elsewhere."""
        remove_folder(self.work)

    def raise_for_state(self) -> None:
        """Raise what every state other than completed means.

        Raises
        ------
        TrainingFailedError, RunCancelledError
        RunTimeoutError
            The run has not ended.
        """
        record = self.read()
        if not record.state.is_final:
            raise RunTimeoutError(
                f"run {self.run_id} is {record.state.value}", hint="Wait for it to end."
            )
        if record.state is RunState.FAILED:
            last_line = record.failure.strip().rpartition("\n")[2]
            raise record.failure_kind.error(
                f"run {self.run_id} failed: {last_line}",
                exit_code=record.exit_code,
                traceback_tail=record.failure,
                hint=f"Its log is {self.log_file}; it ends with:\n{record.failure}",
            )
        if record.state is RunState.STOPPED:
            raise RunCancelledError(
                f"run {self.run_id} was stopped",
                hint="Submit it again: it resumes from its checkpoints.",
            )

    def result(self) -> ResultLoader:
        """Open the result.

        Raises
        ------
        TrainingFailedError, RunCancelledError
            The run has none.
        """
        self.raise_for_state()
        return ResultLoader(self.result_file)


def _unwritable(folder: Path, why: str) -> StorageError:
    return StorageError(
        f"no run can be kept in {folder}: {why}",
        hint="Make the folder writable, or set TG_ROOT to a project that is.",
    )
