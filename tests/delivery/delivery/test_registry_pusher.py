from __future__ import annotations

import base64
import concurrent.futures
import json
import logging
import os
import re
import secrets
import stat
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from local_registry import PASSWORD, USER, LocalRegistry
from tiny_images import TinyImages

from tg.common._core.errors import EngineUnavailableError, NamingError, PushError
from tg.common.delivery.delivery.registry_client import split_repository
from tg.common.delivery.delivery.registry_credentials import (
    RegistryCredentials,
    client_configuration,
    configured_credentials,
)
from tg.common.delivery.delivery.registry_pusher import RegistryPusher
from tg.common.delivery.delivery.training_image import Image
from tg.common.delivery.docker.engine import DockerEngine

LOGIN = RegistryCredentials(username=USER, password=PASSWORD)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[LocalRegistry]:
    folder = tmp_path / "registry"
    folder.mkdir()
    with LocalRegistry(folder) as running:
        yield running


@pytest.fixture(autouse=True)
def docker_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user who has not logged in anywhere."""
    folder = tmp_path / "docker"
    folder.mkdir()
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    return folder


def image_of(tiny: TinyImages, name: str = "tea") -> Image:
    return Image(
        id=tiny.foreign(name),  # without labels: no other session removes it
        reference=f"{tiny.prefix}-{name}:1",
        content_hash=secrets.token_hex(32),
        dependencies="",
        was_built=True,
    )


def sending(registry: LocalRegistry) -> list[str]:
    return [method for method, _, _ in registry.requests() if method not in ("GET", "HEAD")]


# ------------------------------------------------------------------ with a real registry


@pytest.mark.docker
def test_an_image_gets_an_address_that_can_be_pulled(tiny, registry):
    image = image_of(tiny)
    address = RegistryPusher(f"{registry.host}/team/tea", LOGIN, engine=tiny.engine).push(image)
    assert re.fullmatch(rf"{registry.host}/team/tea@sha256:[0-9a-f]{{64}}", address)
    with client_configuration(registry.host, LOGIN) as folder:
        tiny.engine.call(["pull", "--quiet", address], env={"DOCKER_CONFIG": str(folder)})
    found = tiny.engine.call(["image", "inspect", "--format", "{{.Id}}", address]).output.strip()
    assert found == image.id


@pytest.mark.docker
def test_an_image_that_is_there_costs_one_request_and_sends_nothing(tiny, registry):
    image = image_of(tiny)
    pusher = RegistryPusher(f"{registry.host}/tea", LOGIN)
    first = pusher.push(image)
    assert "PATCH" in sending(registry)
    before = len(registry.requests())
    assert pusher.push(image) == first
    new = registry.requests()[before:]
    assert [(method, status) for method, _, status in new] == [("HEAD", 200)]
    assert new[0][1].endswith(f"/tea/manifests/tg-{image.content_hash}")


@pytest.mark.docker
def test_other_content_is_another_image(tiny, registry):
    pusher = RegistryPusher(f"{registry.host}/tea", LOGIN)
    assert pusher.push(image_of(tiny, "green")) != pusher.push(image_of(tiny, "black"))


@pytest.mark.docker
def test_the_password_is_on_no_command_line_and_in_no_log(
    tiny, registry, caplog, tmp_path, monkeypatch
):
    caplog.set_level(logging.DEBUG)
    # what is started here is told from what other tests start meanwhile
    mark = f"TG_TEST_WATCHED={secrets.token_hex(8)}"
    monkeypatch.setenv(*mark.split("="))
    seen: set[str] = set()
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            for process in Path("/proc").glob("[0-9]*"):
                try:
                    is_ours = mark.encode() in (process / "environ").read_bytes()
                    line = (process / "cmdline").read_bytes() if is_ours else b""
                except OSError:
                    continue
                seen.add(line.replace(b"\0", b" ").decode(errors="replace"))

    # whoever watches may come too late for one that is quick: the client tells of itself as well
    client, told = tmp_path / "client", tmp_path / "told"
    client.write_text(f'#!/bin/sh\necho "docker $*" >> {told}\nexec docker "$@"\n')
    client.chmod(0o755)
    engine = DockerEngine(str(client))

    watcher = threading.Thread(target=watch)
    watcher.start()
    lines: list[str] = []
    try:
        pusher = RegistryPusher(f"{registry.host}/tea", LOGIN, engine=engine, on_line=lines.append)
        for name in ("a", "b", "c"):
            pusher.push(image_of(tiny, name))
    finally:
        stop.set()
        watcher.join()
    seen.update(told.read_text().splitlines())
    assert any(" push " in line and registry.host in line for line in seen), "nothing was watched"
    shown = "\n".join([*seen, *lines, caplog.text, registry.log, repr(LOGIN), repr(pusher)])
    assert PASSWORD not in shown
    assert LOGIN.basic not in shown
    assert lines


@pytest.mark.docker
def test_the_users_own_login_is_used_and_stays_as_it_is(tiny, registry, docker_folder):
    text = json.dumps({"auths": {registry.host: {"auth": LOGIN.basic}}})
    (docker_folder / "config.json").write_text(text)
    image = image_of(tiny)
    pusher = RegistryPusher(f"{registry.host}/tea")
    assert pusher.push(image) == pusher.push(image)
    assert registry.requests()[-1][::2] == ("HEAD", 200)
    assert (docker_folder / "config.json").read_text() == text


@pytest.mark.docker
def test_several_may_push_one_image_at_a_time(tiny, registry):
    image = image_of(tiny)
    pusher = RegistryPusher(f"{registry.host}/tea", LOGIN)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        addresses = set(pool.map(lambda _: pusher.push(image), range(4)))
    assert len(addresses) == 1


@pytest.mark.docker
def test_credentials_of_a_push_leave_nothing_behind(tiny, registry, docker_folder, tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tempfile.tempdir", str(scratch))
        RegistryPusher(f"{registry.host}/tea", LOGIN).push(image_of(tiny))
    assert list(scratch.iterdir()) == []
    assert list(docker_folder.iterdir()) == []


@pytest.mark.docker
def test_credentials_that_are_refused_are_asked_for_once_more(tiny, registry):
    asked: list[bool] = []

    def give(refused: bool) -> RegistryCredentials:
        asked.append(refused)
        return LOGIN if refused else RegistryCredentials(username=USER, password="expired")

    RegistryPusher(f"{registry.host}/tea", give).push(image_of(tiny))
    assert asked == [False, True]


@pytest.mark.docker
def test_wrong_credentials_end_in_one_error_that_says_what_to_do(tiny, registry):
    wrong = RegistryCredentials(username=USER, password="wr0ng-passw0rd")
    asked: list[bool] = []

    def give(refused: bool) -> RegistryCredentials:
        asked.append(refused)
        return wrong

    for credentials in (wrong, give):
        with pytest.raises(PushError, match="docker login") as caught:
            RegistryPusher(f"{registry.host}/tea", credentials).push(image_of(tiny))
        assert "wr0ng-passw0rd" not in f"{caught.value} {caught.value.output}"
        assert caught.value.reference.startswith(f"{registry.host}/tea:tg-")
    assert asked == [False, True]


@pytest.mark.docker
def test_no_credentials_are_told(tiny, registry):
    with pytest.raises(PushError, match=r"no basic auth.*docker login"):
        RegistryPusher(f"{registry.host}/tea").push(image_of(tiny))


@pytest.mark.docker
def test_a_registry_that_is_not_there_is_told_and_not_taken_for_the_engine(tiny):
    with pytest.raises(PushError, match="Does the registry run"):
        RegistryPusher("localhost:9/tea", LOGIN).push(image_of(tiny))


@pytest.mark.docker
def test_an_image_that_is_gone_is_told(tiny, registry):
    image = image_of(tiny)
    tiny.engine.call(["image", "rm", "--force", image.id])
    with pytest.raises(Exception, match=r"(?i)no such image"):
        RegistryPusher(f"{registry.host}/tea", LOGIN).push(image)


@pytest.mark.docker
def test_the_users_engine_is_the_one_that_pushes():
    """A context chosen by `docker context use` holds for a push with other credentials too."""
    subprocess.run(
        ["docker", "context", "create", "elsewhere", "--docker", "host=unix:///nowhere.sock"],
        check=True,
        capture_output=True,
    )
    subprocess.run(["docker", "context", "use", "elsewhere"], check=True, capture_output=True)
    with (
        client_configuration("localhost:9", LOGIN) as folder,
        pytest.raises(EngineUnavailableError, match=r"nowhere\.sock"),
    ):
        DockerEngine().call(["version"], env={"DOCKER_CONFIG": str(folder)})


# ------------------------------------------------------------------ without an engine


def test_without_an_engine_that_is_told(monkeypatch):
    image = Image(id="sha256:0", reference="a:1", content_hash="0", dependencies="", was_built=True)
    with pytest.raises(EngineUnavailableError):
        RegistryPusher("localhost:9/a", LOGIN, engine=DockerEngine("/nowhere/docker")).push(image)


@pytest.mark.parametrize("name", ["", "Tea", "a b", "https://registry.example.org/tea", "tea:1"])
def test_what_is_no_repository_is_refused_at_once(name):
    with pytest.raises(NamingError):
        RegistryPusher(name)


@pytest.mark.parametrize(
    ("repository", "parts"),
    [
        ("tea", ("docker.io", "library/tea")),
        ("team/tea", ("docker.io", "team/tea")),
        ("localhost/tea", ("localhost", "tea")),
        ("localhost:5000/a/b", ("localhost:5000", "a/b")),
        ("1.dkr.ecr.eu-west-1.amazonaws.com/a", ("1.dkr.ecr.eu-west-1.amazonaws.com", "a")),
    ],
)
def test_the_registry_is_told_from_the_name(repository, parts):
    assert split_repository(repository) == parts


def test_own_settings_keep_the_users_and_drop_their_logins(docker_folder):
    settings = {
        "auths": {"other.example.org": {"auth": "eDp5"}},
        "credsStore": "desktop",
        "credHelpers": {"a.example.org": "x"},
        "currentContext": "colima",
        "HttpHeaders": {"a": "b"},
    }
    (docker_folder / "config.json").write_text(json.dumps(settings))
    with client_configuration("r.example.org", LOGIN) as folder:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert json.loads((folder / "config.json").read_text()) == {
            "auths": {"r.example.org": {"auth": LOGIN.basic}},
            "currentContext": "colima",
            "HttpHeaders": {"a": "b"},
        }
    assert not folder.exists()


def test_logins_are_found_as_the_client_finds_them(docker_folder, tmp_path, monkeypatch):
    helper = tmp_path / "bin" / "docker-credential-tea"
    helper.parent.mkdir()
    helper.write_text(
        "#!/bin/sh\nread host\n"
        '[ "$host" = helped.example.org ] || exit 1\n'
        'echo \'{"ServerURL": "", "Username": "me", "Secret": "from-helper"}\'\n'
    )
    helper.chmod(0o700)
    monkeypatch.setenv("PATH", f"{helper.parent}{os.pathsep}{os.environ['PATH']}")
    plain = base64.b64encode(b"me:a:b").decode()
    settings = {
        "auths": {
            "plain.example.org": {"auth": plain},
            "https://index.docker.io/v1/": {"auth": plain},
            "broken.example.org": {"auth": "%"},
            "empty.example.org": {},
        },
        "credHelpers": {"helped.example.org": "tea", "gone.example.org": "no-such-helper"},
    }
    (docker_folder / "config.json").write_text(json.dumps(settings))
    found = configured_credentials("plain.example.org")
    assert (found.username, found.password) == ("me", "a:b")
    assert configured_credentials("docker.io").password == "a:b"
    assert configured_credentials("helped.example.org").password == "from-helper"
    for host in ("gone", "broken", "empty", "unknown"):
        assert configured_credentials(f"{host}.example.org") is None


@pytest.mark.parametrize("text", ["", "[]", "{", '{"auths": 3}', '{"credHelpers": []}'])
def test_odd_settings_of_the_client_are_no_login(docker_folder, text):
    (docker_folder / "config.json").write_text(text)
    assert configured_credentials("a.example.org") is None
