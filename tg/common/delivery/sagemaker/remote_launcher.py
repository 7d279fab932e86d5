"""Starting trainings at SageMaker."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from ..._core.errors import AwsError
from ...contract.run_state import RunState
from ..execution.launcher import Launcher, Training
from ..execution.task_payload import TaskPayload
from ..runtime.folders import JOB_CHANNEL
from .aws import AwsClients
from .aws_errors import translated
from .job_creation import create_job
from .preflight import Preflight
from .remote_options import RemoteOptions
from .remote_place import RemotePlace
from .remote_run import RemoteRun
from .s3_layout import S3Layout
from .s3_sending import HASH_KEY
from .submission import SubmissionNote
from .training_job import TrainingJob

__all__ = ["RemoteLauncher"]

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class RemoteLauncher(RemotePlace, Launcher):
    """Starts trainings of an image and data that SageMaker can reach.

    Attributes
    ----------
    name
        What jobs are called, with a hash, that have no name of their own.
    image_uri
        The image, in a registry.
    image_hash
        The hash of all that decides what is in it.
    channels
        Channel to the address of its data.
    data_hash
        The hash of the data.
    role_arn
        The role that trainings take.
    layout
        Where results and checkpoints go.
    provenance
        What a result is told of the project it comes from.
    """

    kind = "remote"

    name: str
    image_uri: str
    image_hash: str
    channels: Mapping[str, str]
    data_hash: str
    role_arn: str | None
    layout: S3Layout
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def start(self, training: Training) -> RemoteRun:
        """Create the job, or find it."""
        job = self._job(training)
        try:
            if training.run_id:
                return self._start_named(job, training)
            return self._start_next(job)
        except AwsError as exc:
            self._preflight(training.place).explain(exc)
            raise

    def record(self) -> dict[str, Any]:
        """Give all that :meth:`open` needs, as JSON."""
        return {
            **super().record(),
            "name": self.name,
            "image_uri": self.image_uri,
            "image_hash": self.image_hash,
            "channels": dict(self.channels),
            "data_hash": self.data_hash,
            "role_arn": self.role_arn,
            "bucket": self.layout.bucket,
            "project": self.layout.project,
            "options": json.loads(json.dumps(asdict(self.options), default=_as_json)),
            "runs_folder": str(self.runs_folder),
            "provenance": dict(self.provenance),
            "profile": self.clients.profile,
            "region": self.clients.region,
        }

    @classmethod
    def open(cls, record: Mapping[str, Any]) -> RemoteLauncher:
        """Go on with what :meth:`record` gave, with the credentials of this process."""
        return cls(
            name=record["name"],
            image_uri=record["image_uri"],
            image_hash=record["image_hash"],
            channels=record["channels"],
            data_hash=record["data_hash"],
            role_arn=record["role_arn"],
            layout=S3Layout(record["bucket"], record["project"]),
            options=RemoteOptions(**record["options"]),
            runs_folder=Path(record["runs_folder"]),
            provenance=record["provenance"],
            clients=AwsClients(record["profile"], record["region"]),
        )

    def _job(self, training: Training) -> TrainingJob:
        channels, data_hash = dict(self.channels), self.data_hash
        if training.payload is not None:
            channels[JOB_CHANNEL] = self._send(training.payload)
            data_hash += training.payload.digest
        return TrainingJob(
            base_name=self.name,
            content_hash=self.image_hash,
            data_hash=data_hash,
            image_uri=self.image_uri,
            role_arn=self.role_arn,
            channels=channels,
            layout=self.layout,
            hyperparameters=training.hyperparameters,
            options=self.options,
        )

    def _send(self, payload: TaskPayload) -> str:
        """Bring a task to the bucket: one small object, called by its content."""
        payload.check()
        place = self.layout.payload(payload.digest)
        client = self.clients.client("s3")
        with translated("s3.PutObject"):
            client.put_object(
                Bucket=place.bucket,
                Key=place.key,
                Body=payload.path.read_bytes(),
                Metadata={HASH_KEY: payload.digest},
            )
        return str(place)

    def _start_named(self, job: TrainingJob, training: Training) -> RemoteRun:
        run = self.run_of(training.run_id)
        request = job.request(run.id, self._variables(run.id), place=training.place)

        def described() -> Mapping[str, Any]:
            found = run.describe()
            resources = found["ResourceConfig"]
            if resources["InstanceType"] in self.options.instance_types:
                # the same training, which was started in another place
                resources = {**resources, **request["ResourceConfig"]}
            return {**found, "ResourceConfig": resources}

        if create_job(self.clients, request, described) is not None:
            _LOGGER.info("the training job %s was there already", run.id)
        return run

    def _start_next(self, job: TrainingJob) -> RemoteRun:
        """Create the job, or find it; after its end the next attempt has another name."""
        attempt = 1
        while True:
            run = self.run_of(job.name(attempt))
            note = SubmissionNote(self.runs_folder, run.id)
            was_open = note.is_open
            note.open()
            request = job.request(run.id, self._variables(run.id))
            existing = create_job(self.clients, request, run.describe)
            if existing is None:
                return run
            state = RunState(existing["TrainingJobStatus"])
            if not state.is_final:
                _LOGGER.info("the training job %s runs already", run.id)
                return run
            if was_open and state is RunState.COMPLETED:
                _LOGGER.info("the result of %s was not fetched yet: it is not trained anew", run.id)
                return run
            note.close()
            run.discard_checkpoints(existing)
            attempt += 1

    def _preflight(self, place: int) -> Preflight:
        return Preflight(
            self.clients,
            role_arn=self.role_arn,
            bucket=self.layout.bucket,
            options=self.options.at(place),
            project=self.layout.project,
        )

    def _variables(self, run_id: str) -> dict[str, str]:
        provenance = {
            "run_id": run_id,
            "executor": self.kind,
            "started_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            **self.provenance,
        }
        return {"TG_PROVENANCE": json.dumps(provenance)}


def _as_json(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    return str(value) if isinstance(value, Path) else list(value)  # type: ignore[call-overload] # any sequence
