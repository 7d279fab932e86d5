"""A push that goes wrong midway, slowly or with an old login: rehearsed before it happens."""

from __future__ import annotations

import base64
import gc
import secrets
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tg.rehearsal import Rehearsal

pytestmark = [pytest.mark.docker, pytest.mark.rehearsal]

Clients = Callable[[str], Any]


@pytest.fixture(autouse=True)
def _well_again(cloud: Rehearsal) -> Iterator[None]:
    yield
    cloud.faults.clear()


@pytest.fixture
def docker(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the client with settings of its own."""

    def run(*args: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        argv = ["docker", "--config", str(tmp_path), *args]
        return subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False)

    return run


@pytest.fixture
def login(client: Clients, docker: Callable[..., Any]) -> Callable[[], Any]:
    def log_in() -> Any:
        [data] = client("ecr").get_authorization_token()["authorizationData"]
        user, _, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")
        args = ["login", "--username", user, "--password-stdin", data["proxyEndpoint"]]
        return docker(*args, stdin=password)

    return log_in


@pytest.fixture
def reference(
    cloud: Rehearsal, client: Clients, docker: Callable[..., Any], login: Callable[[], Any]
) -> str:
    """The name of an image that nothing in the registry has a layer of, after a login."""
    name = f"faults/{secrets.token_hex(4)}"
    client("ecr").create_repository(repositoryName=name)
    found = f"{cloud.registry}/{name}:1"
    noise = "import sys, tarfile, os, io; t = tarfile.open(fileobj=sys.stdout.buffer, mode='w|');"
    noise += "i = tarfile.TarInfo('noise'); i.size = 3000000;"
    noise += "t.addfile(i, io.BytesIO(os.urandom(i.size))); t.close()"
    made = subprocess.run(
        f'python3 -c "{noise}" | docker import - {found}',
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    assert login().returncode == 0
    return found


def is_there(client: Clients, reference: str) -> bool:
    repository = reference.partition("/")[2].removesuffix(":1")
    return bool(client("ecr").list_images(repositoryName=repository)["imageIds"])


def test_a_push_is_counted_with_its_bytes(
    cloud: Rehearsal, client: Clients, docker: Callable[..., Any], reference: str
) -> None:
    before = cloud.calls("registry.*")
    done = docker("push", reference)
    assert done.returncode == 0, done.stderr
    assert (cloud.calls("registry.*") - before).received_bytes > 3_000_000
    for operation in ("StartUpload", "UploadLayer", "FinishUpload", "PutManifest"):
        assert cloud.calls(f"registry.{operation}").count >= 1
    uploads = cloud.calls("registry.StartUpload")
    assert docker("push", reference).returncode == 0
    assert cloud.calls("registry.StartUpload") == uploads
    assert is_there(client, reference)


@pytest.mark.parametrize("fault", ["server_error", "drop_during", "expired_token"])
def test_a_push_that_goes_wrong_midway_leaves_no_image_and_can_be_repeated(
    cloud: Rehearsal, client: Clients, docker: Callable[..., Any], reference: str, fault: str
) -> None:
    getattr(cloud.faults, fault)("registry.PutManifest", times=None)
    failed = docker("push", reference)
    assert failed.returncode != 0
    if fault == "expired_token":
        assert "authorization token has expired" in failed.stdout + failed.stderr
    assert not is_there(client, reference)
    cloud.faults.clear()
    assert docker("push", reference).returncode == 0
    assert is_there(client, reference)


def test_a_layer_that_breaks_off_once_is_sent_again_by_the_engine(
    cloud: Rehearsal, client: Clients, docker: Callable[..., Any], reference: str
) -> None:
    before = cloud.calls("registry.UploadLayer")
    cloud.faults.drop_during("registry.UploadLayer")
    assert docker("push", reference).returncode == 0
    assert (cloud.calls("registry.UploadLayer") - before).count >= 2
    assert is_there(client, reference)


def test_an_answer_that_is_lost_after_the_manifest_was_taken(
    cloud: Rehearsal, client: Clients, docker: Callable[..., Any], reference: str
) -> None:
    cloud.faults.drop_after("registry.PutManifest", times=None)
    assert docker("push", reference).returncode != 0
    assert is_there(client, reference)


def test_a_client_that_breaks_off_leaves_no_connection_and_no_words(
    cloud: Rehearsal, caplog: pytest.LogCaptureFixture
) -> None:
    # pushes end like that when another of their layers is refused; a warning would fail this test
    host, _, port = cloud.registry.partition(":")
    before, threads = cloud.calls("registry.UploadLayer").count, set(threading.enumerate())
    with socket.create_connection((host, int(port))) as client:
        client.sendall(
            f"PATCH /v2/faults/blobs/uploads/1 HTTP/1.1\r\nHost: {cloud.registry}\r\n"
            "Transfer-Encoding: chunked\r\n\r\n5\r\nlayer\r\n".encode()
        )
        while cloud.calls("registry.UploadLayer").count == before:
            time.sleep(0.01)
    deadline = time.monotonic() + 60
    while set(threading.enumerate()) - threads:  # the server answers each client in one of its own
        assert time.monotonic() < deadline
        time.sleep(0.01)
    gc.collect()
    assert "Error on request" not in caplog.text


def test_a_login_with_an_old_token_is_refused(cloud: Rehearsal, login: Callable[[], Any]) -> None:
    cloud.faults.expired_token("registry.Login", times=None)
    refused = login()
    assert refused.returncode != 0
    assert "403" in refused.stderr
    cloud.faults.clear()
    assert login().returncode == 0
