"""The path of an image: repository, login, push, and a job that runs what was pushed."""

from __future__ import annotations

import base64
import json
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tg.rehearsal import Rehearsal

pytestmark = pytest.mark.rehearsal

Clients = Callable[[str], Any]
Asked = Callable[..., dict[str, Any]]
Ended = Callable[[str], dict[str, Any]]


def docker(folder: Path, *args: str, stdin: str = "") -> str:
    """Run the client with settings of its own."""
    argv = ["docker", "--config", str(folder), *args]
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def logged_in(client: Clients, tmp_path: Path) -> Path:
    """Settings of a client that has logged in with ECR's token."""
    [data] = client("ecr").get_authorization_token()["authorizationData"]
    user, _, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")
    assert user == "AWS"
    place = data["proxyEndpoint"]
    docker(tmp_path, "login", "--username", user, "--password-stdin", place, stdin=password)
    return tmp_path


@pytest.mark.docker
def test_an_image_is_pushed_with_the_token_and_a_job_runs_it(
    client: Clients, asked: Asked, ended: Ended, image: str, logged_in: Path
) -> None:
    registry = client("ecr")
    made = registry.create_repository(repositoryName="team/images")["repository"]
    reference = f"{made['repositoryUri']}:1"
    docker(logged_in, "tag", image, reference)
    docker(logged_in, "push", reference)

    [details] = registry.describe_images(
        repositoryName="team/images", imageIds=[{"imageTag": "1"}]
    )["imageDetails"]
    got = registry.batch_get_image(
        repositoryName="team/images", imageIds=[{"imageTag": "1"}, {"imageTag": "2"}]
    )
    assert got["images"][0]["imageId"]["imageDigest"] == details["imageDigest"]
    assert json.loads(got["images"][0]["imageManifest"])["schemaVersion"] == 2
    assert got["failures"][0]["failureCode"] == "ImageNotFound"
    listed = registry.list_images(repositoryName="team/images")["imageIds"]
    assert listed == [{"imageDigest": details["imageDigest"], "imageTag": "1"}]

    docker(logged_in, "image", "rm", reference)
    by_digest = f"{made['repositoryUri']}@{details['imageDigest']}"
    for name in (reference, by_digest):
        request = asked(name)
        client("sagemaker").create_training_job(**request)
        job = ended(request["TrainingJobName"])
        assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")


@pytest.mark.docker
def test_an_image_that_was_not_pushed_does_not_run(
    client: Clients, asked: Asked, ended: Ended, image: str, logged_in: Path
) -> None:
    made = client("ecr").create_repository(repositoryName="forgotten")["repository"]
    reference = f"{made['repositoryUri']}:1"
    docker(logged_in, "tag", image, reference)
    request = asked(reference)
    client("sagemaker").create_training_job(**request)
    assert "Cannot pull" in ended(request["TrainingJobName"])["FailureReason"]


def test_the_registry_asks_for_the_token(cloud: Rehearsal) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with pytest.raises(urllib.error.HTTPError) as caught:
        opener.open(f"http://{cloud.registry}/v2/", timeout=60)
    with caught.value as answer:
        assert answer.code == 401


def test_what_is_not_in_a_repository_is_told_as_ecr_tells_it(client: Clients) -> None:
    registry = client("ecr")
    with pytest.raises(registry.exceptions.RepositoryNotFoundException):
        registry.describe_images(repositoryName="nowhere")
    registry.create_repository(repositoryName="empty")
    assert registry.describe_images(repositoryName="empty")["imageDetails"] == []
    with pytest.raises(registry.exceptions.ImageNotFoundException, match="imageTag:'1'"):
        registry.describe_images(repositoryName="empty", imageIds=[{"imageTag": "1"}])
