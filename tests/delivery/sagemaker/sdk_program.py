"""Programs that need the SageMaker SDK; each prints what a test compares, as JSON.

They run in an interpreter that has the SDK: it is too large to be a requirement of the tests.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import sys
import threading
from pathlib import Path
from typing import Any, ClassVar

from tg.common import Loc
from tg.common._core.errors import EngineError, TgError
from tg.common.delivery.docker.engine import DockerEngine
from tg.common.delivery.execution import ResultLoader
from tg.common.delivery.sagemaker import SagemakerRoutine

HYPERPARAMETERS = {"weight:float": 0.3}
NETWORK = "sagemaker-local"


def routine_of(task_class: str) -> SagemakerRoutine:
    sys.path.insert(0, str(Path.cwd()))
    from shop import tasks

    task = getattr(tasks, task_class)()
    routine = SagemakerRoutine(
        task, "tea.parquet", "tea", bucket="shop-bucket", role=f"arn:aws:iam::{'1' * 12}:role/train"
    )
    routine.config.settings.channels = {"more": "more"}
    return routine


def parity() -> dict[str, Any]:
    """Train the same job in a container of ours and in the SDK's local container mode."""
    routine = routine_of("SumTask")
    ours = routine.local()
    run_id = ours.execute(HYPERPARAMETERS)
    trainer = routine.config.model_trainer(hyperparameters=HYPERPARAMETERS)
    with removed_by_hand(trainer):
        trainer.train()
    theirs = ResultLoader(archive_of(trainer))
    own = ours.load_result(run_id)
    return {
        "images": [routine.config.containering.make_container().id, trainer.training_image],
        "names": [trainer.base_job_name, Path(trainer.local_container_root).name],
        "sdk_in_lock": "sagemaker"
        in json.dumps(routine.config.packaging.make_package().manifest.lock),
        "ours": described(own),
        "theirs": described(theirs),
    }


def failure() -> dict[str, Any]:
    """Train a job that raises."""
    trainer = routine_of("FailingTask").config.model_trainer()
    error = ""
    with removed_by_hand(trainer):
        try:
            trainer.train()
        except RuntimeError as exc:
            error = str(exc)
    return {"error": error}


def refusals() -> dict[str, Any]:
    """Ask for what cannot be."""
    remote = {"instance_type": "ml.m5.large", "image": "registry.example/tea:1"}
    odd = Path("odd:folder").absolute()
    (odd / "tea").mkdir(parents=True)
    for name in ("tea.parquet", "more"):
        (odd / "tea" / name).touch()
    return {
        "no image": refusal(instance_type="ml.m5.large"),
        "no field": refusal(**remote, hyperparameters={"wieght:float": 1.0}),
        "no bucket": refusal({"s3_bucket": None}, **remote),
        "no data": refusal({"dataset": "coffee.parquet"}),
        "odd path": refusal({"local_dataset_storage": odd}),
    }


def refusal(settings: dict[str, Any] | None = None, **options: Any) -> list[str]:
    config = routine_of("SumTask").config
    for name, value in (settings or {}).items():
        setattr(config.settings, name, value)
    try:
        config.model_trainer(**options)
    except TgError as exc:
        return [type(exc).__name__, str(exc)]
    return ["", ""]


def request() -> dict[str, Any]:
    """Submit to a server that notes what SageMaker is asked for."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), SagemakerStandIn)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    os.environ |= {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",  # pragma: allowlist secret
        "AWS_DEFAULT_REGION": "eu-west-1",
    }
    trainer = routine_of("SumTask").config.model_trainer(
        instance_type="ml.m5.large",
        instance_count=2,
        hyperparameters=HYPERPARAMETERS,
        environment={"COLOUR": "green"},
        metrics=["a+b"],
        name="A job whose name is longer than what the SDK leaves of it when it adds the time",
        image="registry.example/tea:1",
        checkpoint_uri="s3://shop-bucket/checkpoints",
        volume_gib=50,
        max_runtime_seconds=600,
        max_wait_seconds=900,
        tags={"team": "tea"},
    )
    trainer.train(wait=False)
    return {"requests": SagemakerStandIn.requests}


def described(result: ResultLoader) -> dict[str, Any]:
    return {
        "list": result.list(),
        "metrics": result.metrics,
        "total": result.unpickle("runs/1/model.pkl").total.hex(),
        "type": str(type(result.unpickle("runs/1/model.pkl"))),
        "table": result.get_path("runs/1/result_df.parquet").read_bytes().hex(),
    }


def archive_of(trainer: Any) -> Path:
    return Path(trainer.local_container_root) / "compressed_artifacts" / "model.tar.gz"


@contextlib.contextmanager
def removed_by_hand(trainer: Any) -> Any:
    """Remove what the SDK leaves in the engine."""
    engine = DockerEngine()
    had_network = bool(engine.lines(["network", "ls", "--quiet", "--filter", f"name={NETWORK}"]))
    project = Path(trainer.local_container_root).name
    try:
        yield
    finally:
        label = f"label=com.docker.compose.project={project}"
        for container in engine.lines(["ps", "--all", "--quiet", "--filter", label]):
            engine.call(["rm", "--force", "--volumes", container])
        if not had_network:
            with contextlib.suppress(EngineError):  # somebody else's container is in it by now
                engine.call(["network", "rm", NETWORK])


class SagemakerStandIn(http.server.BaseHTTPRequestHandler):
    """Takes a training job, and knows nothing of roles."""

    requests: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        arn = f"arn:aws:sagemaker:eu-west-1:{'1' * 12}:training-job/job"
        match self.headers.get("X-Amz-Target", "").partition(".")[2]:
            case "CreateTrainingJob":
                self.requests.append(json.loads(body))
                self.answer(200, json.dumps({"TrainingJobArn": arn}))
            case "DescribeTrainingJob":
                name = json.loads(body)["TrainingJobName"]
                known = {"TrainingJobName": name, "TrainingJobArn": arn, "CreationTime": 1}
                known |= {"ModelArtifacts": {"S3ModelArtifacts": "s3://shop-bucket/m"}}
                known |= {"TrainingJobStatus": "InProgress", "SecondaryStatus": "Starting"}
                known |= {"AlgorithmSpecification": {"TrainingInputMode": "File"}}
                known |= {"ResourceConfig": {"VolumeSizeInGB": 1}, "StoppingCondition": {}}
                self.answer(200, json.dumps(known))
            case _:
                code = "<Code>AccessDenied</Code><Message>no</Message>"
                self.answer(403, f"<ErrorResponse><Error>{code}</Error></ErrorResponse>")

    def answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/xml" if text[0] == "<" else "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    # so that a test can tell the comparison from the log
    comparison = globals()[sys.argv[1]]()
    (Loc.root_path / "comparison.json").write_text(json.dumps(comparison))
