from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

pytest.importorskip("boto3", reason="needs the extra [aws]")
pytest.importorskip("moto", reason="needs the extra [rehearsal]")

from local_registry import PASSWORD, LocalRegistry
from moto.core.responses import ActionResult
from moto.ecr.models import Repository
from moto.ecr.responses import ECRResponse
from tiny_images import TinyImages

from tg.common._core.errors import (
    AwsCredentialsError,
    AwsPermissionError,
    ConfigError,
    NamingError,
    PushError,
)
from tg.common.delivery.delivery.training_image import Image
from tg.common.delivery.sagemaker.aws import AwsClients
from tg.common.delivery.sagemaker.ecr_pusher import EcrPusher


@pytest.fixture
def image(tiny: TinyImages) -> Image:
    return Image(
        id=tiny.foreign("tea"),  # without labels: no other session removes it
        reference=f"{tiny.prefix}-tea:1",
        content_hash=secrets.token_hex(32),
        dependencies="",
        was_built=True,
    )


@pytest.fixture
def registry(cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalRegistry]:
    """A registry that the offline AWS says is its own."""
    folder = tmp_path / "registry"
    folder.mkdir()
    plain = Repository.__init__
    with LocalRegistry(folder) as running:

        def make(self: Repository, *args: object, **kwargs: object) -> None:
            plain(self, *args, **kwargs)
            self.uri = f"{running.host}/{self.name}"

        monkeypatch.setattr(Repository, "__init__", make)
        yield running


@pytest.fixture
def tokens(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, timedelta]]:
    """The tokens that are given out, each with how long it lasts; the last one ever after."""
    given: list[tuple[str, timedelta]] = []

    def give(self: ECRResponse) -> ActionResult:
        password, lasts = given.pop(0) if len(given) > 1 else given[0]
        token = base64.b64encode(f"AWS:{password}".encode()).decode()
        until = datetime.now(UTC) + lasts
        data = {"authorizationToken": token, "expiresAt": until, "proxyEndpoint": "https://x"}
        return ActionResult({"authorizationData": [data]})

    monkeypatch.setattr(ECRResponse, "get_authorization_token", give)
    return given


HOURS = timedelta(hours=12)


@pytest.mark.docker
def test_the_repository_is_made_and_the_image_pushed(cloud, registry, image):
    address = EcrPusher(AwsClients(), "team/trainings").push(image)
    assert address.startswith(f"{registry.host}/team/trainings@sha256:")
    found = AwsClients().client("ecr").describe_repositories()["repositories"]
    assert [r["repositoryName"] for r in found] == ["team/trainings"]


@pytest.mark.docker
def test_the_second_submission_of_unchanged_code_sends_nothing(cloud, registry, image):
    first = EcrPusher(AwsClients()).push(image)
    before = len(registry.requests())
    cloud.exchanges.clear()
    assert EcrPusher(AwsClients()).push(image) == first
    assert [(m, status) for m, _, status in registry.requests()[before:]] == [("HEAD", 200)]
    assert len(cloud.exchanges) == 2  # the repository and the token


@pytest.mark.docker
def test_a_token_is_kept_until_it_expires(cloud, registry, image, tokens):
    tokens.append((PASSWORD, HOURS))
    pusher = EcrPusher(AwsClients())
    pusher.push(image)
    cloud.exchanges.clear()
    pusher.push(image)
    assert cloud.exchanges == []


@pytest.mark.docker
def test_a_token_about_to_expire_is_renewed(cloud, registry, image, tokens):
    tokens.append((PASSWORD, timedelta(minutes=1)))
    pusher = EcrPusher(AwsClients())
    pusher.push(image)
    cloud.exchanges.clear()
    pusher.push(image)
    assert len(cloud.exchanges) == 1


@pytest.mark.docker
def test_a_token_that_the_registry_refuses_is_renewed_once(cloud, registry, image, tokens):
    tokens += [("expired-before-its-time", HOURS), (PASSWORD, HOURS)]
    assert "@sha256:" in EcrPusher(AwsClients()).push(image)


@pytest.mark.docker
def test_tokens_that_are_refused_again_and_again_end_in_one_error(cloud, registry, image, tokens):
    tokens.append(("never-right-t0ken", HOURS))
    with pytest.raises(PushError) as caught:
        EcrPusher(AwsClients()).push(image)
    assert "never-right-t0ken" not in f"{caught.value} {caught.value.output} {registry.log}"


@pytest.mark.docker
def test_the_lifecycle_policy_is_written_when_asked_for(cloud, registry, image):
    EcrPusher(AwsClients(), keep_images=7).push(image)
    client = AwsClients().client("ecr")
    policy = client.get_lifecycle_policy(repositoryName="training-grounds")["lifecyclePolicyText"]
    assert json.loads(policy)["rules"][0]["selection"]["countNumber"] == 7


@pytest.mark.docker
def test_a_policy_of_somebody_else_stays(cloud, registry, image):
    client = AwsClients().client("ecr")
    client.create_repository(repositoryName="training-grounds")
    EcrPusher(AwsClients()).push(image)
    with pytest.raises(client.exceptions.LifecyclePolicyNotFoundException):
        client.get_lifecycle_policy(repositoryName="training-grounds")


# ------------------------------------------------------------------ without an engine

IMAGE = Image(id="sha256:0", reference="a:1", content_hash="0", dependencies="", was_built=True)
JSON = "application/x-amz-json-1.1"


@pytest.mark.parametrize("name", ["", "a", "Tea", "tea/", "a" * 257, "a--b", "r.example.org:1/a"])
def test_what_is_no_repository_is_refused_at_once(name):
    with pytest.raises(NamingError):
        EcrPusher(AwsClients(), name)


def test_keeping_no_image_is_refused():
    with pytest.raises(ConfigError, match="keep_images=0"):
        EcrPusher(AwsClients(), keep_images=0)


def test_a_missing_permission_is_told(answers):
    answers.give(400, '{"__type": "AccessDeniedException", "message": "not authorized"}', JSON)
    with pytest.raises(AwsPermissionError, match=r"ecr\.DescribeRepositories"):
        EcrPusher(AwsClients()).push(IMAGE)


def test_expired_credentials_are_told(answers):
    answers.give(400, '{"__type": "ExpiredTokenException", "message": "expired"}', JSON)
    with pytest.raises(AwsCredentialsError):
        EcrPusher(AwsClients()).push(IMAGE)


def test_a_repository_that_somebody_makes_at_the_same_moment_is_taken(answers, monkeypatch):
    answers.give(400, '{"__type": "RepositoryNotFoundException", "message": "none"}', JSON)
    answers.give(400, '{"__type": "RepositoryAlreadyExistsException", "message": "now"}', JSON)
    answers.give(200, '{"repositories": [{"repositoryUri": "localhost:9/tea"}]}', JSON)
    answers.give(400, '{"__type": "AccessDeniedException", "message": "no token"}', JSON)
    with pytest.raises(AwsPermissionError, match="GetAuthorizationToken"):
        EcrPusher(AwsClients()).push(IMAGE)
    assert len(answers.requests) == 4


@pytest.mark.docker
def test_what_is_looked_for_is_found_and_nothing_is_made(cloud, image, registry, tokens):
    tokens.append((PASSWORD, timedelta(hours=12)))
    clients = AwsClients()
    pusher = EcrPusher(clients)
    assert pusher.find(image.content_hash) is None
    assert clients.client("ecr").describe_repositories()["repositories"] == []
    address = pusher.push(image)
    before = len(registry.requests())
    assert pusher.find(image.content_hash) == EcrPusher(clients).find(image.content_hash) == address
    assert [method for method, _, _ in registry.requests()[before:]] == ["HEAD", "HEAD"]
    assert pusher.find("0" * 64) is None
    # the token is renewed where it is not taken any more
    tokens[:] = [(PASSWORD, timedelta(hours=12))]
    tired = EcrPusher(clients)
    tokens[:] = [("expired", timedelta(hours=12)), (PASSWORD, timedelta(hours=12))]
    assert tired.find(image.content_hash) == address
