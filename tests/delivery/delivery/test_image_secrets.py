"""A build may ask a private index; nobody who has the image learns how."""

from __future__ import annotations

import base64
import gzip
import http.server
import io
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tarfile
import textwrap
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from tg.common._core.errors import ImageBuildError
from tg.common.delivery.delivery import Containering
from tg.common.delivery.delivery.build_secrets import BuildSecrets
from tg.common.delivery.delivery.index_settings import pip_settings

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("project")]

Make = Callable[..., Containering]
Docker = Callable[..., str]
BUILDERS = pytest.mark.parametrize("builder", ["buildkit", "classic"])
WHEEL = "tea_leaves-1.0-py3-none-any.whl"
AUTHORITY = """\
-----BEGIN CERTIFICATE-----
MIIBhTCCASugAwIBAgIULGy0lVk+uf55U58ska0ID+lT4XIwCgYIKoZIzj0EAwIw
FzEVMBMGA1UEAwwMVGVhIEhvdXNlIENBMCAXDTI2MTEyMTEwMTk1NFoYDzIxMjYx
MDI4MTAxOTU0WjAXMRUwEwYDVQQDDAxUZWEgSG91c2UgQ0EwWTATBgcqhkjOPQIB
BggqhkjOPQMBBwNCAARYfHwyVMz2IjcP1cBwhKUkUWCVr/xr2s87H1FR1/p/245L
d/Ap2AYk7jsSOjJzkBOkhs8YknOZs0tuuTzdmEc5o1MwUTAdBgNVHQ4EFgQUQQ3c
mzo172t+IqUG0zIj5EvbGg4wHwYDVR0jBBgwFoAUQQ3cmzo172t+IqUG0zIj5Evb
Gg4wDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEAqS4y70+1AfkG
p8WOsxjbMo/iHJHviUbJ6Y53kQv6XB8CIE/Q3c0e6/NnxxP1GjWQXQoqSVUUs+ZQ
/xA4lXD8FdFW
-----END CERTIFICATE-----
"""


class Index:
    """A package index with a password, of one library."""

    def __init__(self, host: str) -> None:
        self.user = "brewer"
        self.password = f"s3cr3t/{secrets.token_hex(8)}"
        self.answered: list[str] = []
        self.asked = threading.Event()
        self.hangs = False
        self._freed = threading.Event()
        self._server = http.server.ThreadingHTTPServer((host, 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        host, port = self._server.server_address[:2]
        return f"http://{self.user}:{quote(self.password, safe='')}@{host}:{port}/simple"

    @property
    def needles(self) -> list[bytes]:
        pair = f"{self.user}:{self.password}".encode()
        texts = [self.password, quote(self.password, safe=""), f"{self.user}:", f"{self.user}@"]
        line = AUTHORITY.splitlines()[4]
        return [base64.b64encode(pair), line.encode(), *(text.encode() for text in texts)]

    def close(self) -> None:
        self._freed.set()
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        index = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                index.asked.set()
                if index.hangs:
                    index._freed.wait()
                pair = base64.b64encode(f"{index.user}:{index.password}".encode()).decode()
                path = urlsplit(self.path).path  # a proxy is asked for whole addresses
                if self.headers.get("Authorization") != f"Basic {pair}":
                    self._send(401, b"")
                elif path == "/simple/tea-leaves/":
                    self._send(200, f'<a href="/files/{WHEEL}">{WHEEL}</a>'.encode())
                elif path.startswith("/files/"):
                    self._send(200, wheel())
                else:
                    self._send(404, b"")

            do_HEAD = do_GET

            def _send(self, code: int, body: bytes) -> None:
                if code == 200:
                    index.answered.append(urlsplit(self.path).path)
                self.send_response(code)
                if code == 401:
                    self.send_header("WWW-Authenticate", 'Basic realm="tea"')
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

        return Handler


def wheel() -> bytes:
    info = "tea_leaves-1.0.dist-info"
    files = {
        "tea_leaves.py": "COLOUR = 'green'\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: tea-leaves\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(name, text)
    return content.getvalue()


@pytest.fixture
def host(run_docker: Docker, base: Any) -> str:
    """This machine, as containers see it: where the default route leads."""
    routes = run_docker("run", "--rm", base.name, "cat", "/proc/net/route").splitlines()
    (gateway,) = [route.split()[2] for route in routes if route.split()[1] == "00000000"]
    address = socket.inet_ntoa(bytes.fromhex(gateway)[::-1])
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            pytest.skip("the engine runs on another machine, which does not see a server here")
    return address


@pytest.fixture
def make_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Index]]:
    made: list[Index] = []
    public = pip_settings(os.environ, Path(sys.prefix)).get("index-url", "https://pypi.org/simple")
    trusted = os.environ.get("SSL_CERT_FILE") or os.environ.get("PIP_CERT")

    def make(host: str) -> Index:
        index = Index(host)
        made.append(index)
        for name in list(os.environ):
            if name.startswith(("PIP_", "UV_")) or name == "SSL_CERT_DIR":
                monkeypatch.delenv(name)
        config = tmp_path / "pip.conf"
        config.write_text(f"[global]\nindex-url = {index.url}\nextra-index-url = {public}\n")
        monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
        if trusted:
            bundle = tmp_path / "authorities.pem"
            bundle.write_text(Path(trusted).read_text() + AUTHORITY)
            monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
        return index

    yield make
    for index in made:
        index.close()


def all_bytes(archive: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    """All that is in an image: its layers are archives, packed or not."""
    for member in archive:
        file = archive.extractfile(member)
        if file is not None:
            content = file.read()
            yield member.name, gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content


@BUILDERS
def test_what_opens_a_private_index_is_nowhere_in_the_image(
    containering_of: Make,
    make_index: Any,
    host: str,
    builder: str,
    base: Any,
    run_docker: Docker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    index = make_index(host)
    # proxies have passwords too: that of the environment, and that which the client is set up with
    proxy = index.url.removesuffix("/simple")
    monkeypatch.setenv("HTTP_PROXY", proxy)
    (tmp_path / "client").mkdir()
    proxies = {"default": {"httpProxy": proxy}}
    (tmp_path / "client" / "config.json").write_text(json.dumps({"proxies": proxies}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "client"))
    given = BuildSecrets.of()
    assert any(
        quote(index.password, safe="").encode() in content for content in given.files.values()
    )

    base.forget(base.id)
    containering = containering_of(dependencies=("tea-leaves==1.0",), builder=builder)
    containering.build_steps = ["RUN /opt/venv/bin/python -c 'import tea_leaves'"]
    containering.silent = False
    image = containering.make_container()
    assert f"/files/{WHEEL}" in index.answered

    made = base.images("--all")
    assert {image.id, base.id} < set(made)
    path = tmp_path / "images.tar"
    run_docker("save", "--output", str(path), *made)
    found = capfd.readouterr()
    texts = [
        ("the log", (found.out + found.err).encode()),
        *((f"history of {i}", run_docker("history", "--no-trunc", i).encode()) for i in made),
        *((f"image {i}", run_docker("image", "inspect", i).encode()) for i in made),
    ]
    assert b"tea-leaves==1.0" in texts[0][1]
    with tarfile.open(path) as archive:
        for where, content in (*texts, *all_bytes(archive)):
            for needle in index.needles:
                assert needle not in content, (where, needle)


@BUILDERS
def test_a_failing_installation_tells_why_and_no_password(
    containering_of: Make, make_index: Any, host: str, builder: str
) -> None:
    index = make_index(host)
    containering = containering_of(dependencies=("tea-leaves==2.0",), builder=builder)
    with pytest.raises(ImageBuildError) as caught:
        containering.make_container()
    assert "tea-leaves==2.0" in caught.value.output
    assert "install.sh" in caught.value.step
    chain: BaseException | None = caught.value
    while chain is not None:
        text = f"{chain} {vars(chain)}".encode()
        assert not [needle for needle in index.needles if needle in text], chain
        chain = chain.__cause__ or chain.__context__


@BUILDERS
def test_an_index_at_localhost_is_reached(
    containering_of: Make, make_index: Any, host: str, builder: str
) -> None:
    index = make_index("127.0.0.1")
    containering = containering_of(dependencies=("tea-leaves==1.0",), builder=builder)
    containering.build_steps = [f"ENV BUILT_BY={builder}"]
    assert containering.make_container().was_built
    assert index.answered


PROGRAM = """
    import sys

    from tg.common.delivery.delivery import Containering, DependencyList, Packaging

    name, base, builder = sys.argv[1:]
    packaging = Packaging("Tea", "1", {"job": 1})
    packaging.silent = True
    packaging.dependencies = [DependencyList("image", ["tea-leaves==1.0"])]
    containering = Containering.from_packaging(packaging)
    containering.image_name, containering.base_image = name, base
    containering.builder = builder
    containering.make_container()
"""


@BUILDERS
@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGKILL])
def test_a_build_that_is_broken_off_leaves_no_container_and_can_be_made_again(
    containering_of: Make,
    make_index: Any,
    host: str,
    builder: str,
    base: Any,
    run_docker: Docker,
    signal_number: signal.Signals,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    index = make_index(host)
    index.hangs = True
    name = f"training-grounds-test-{base.token}-tea"
    own_base = f"{name}-base"  # so that no builder finds an installation that another test made
    base.derive(f"FROM {base.name}\nENV BROKEN_OFF={builder}-{signal_number}", own_base)
    argv = [sys.executable, "-c", textwrap.dedent(PROGRAM), name, own_base, builder]
    monkeypatch.setenv("UV_HTTP_TIMEOUT", "3600")
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as program:
        try:
            is_asked = index.asked.wait(300)
            program.send_signal(signal_number if is_asked else signal.SIGKILL)
            code = program.wait(300)  # nobody waits for an index that says nothing
        finally:
            program.kill()
        assert is_asked, program.stdout and program.stdout.read()
        assert code != 0
    if (builder, signal_number) == ("classic", signal.SIGINT):
        # the installation obeyed the signal that was passed on: nobody had to kill it
        events = ["events", "--since", "1", "--until", f"{time.time():.3f}", *base.filter]
        code_of = ["--filter", "event=die", "--format", "{{.Actor.Attributes.exitCode}}"]
        assert run_docker(*events, *code_of).split()[-1:] == [str(128 + signal.SIGTERM)]
    left = base.containers()
    if (builder, signal_number) == ("classic", signal.SIGKILL):
        # there is nobody to remove it, but it can be told by its label
        form = '{{index .Config.Labels "training-grounds.kind"}}'
        assert [run_docker("inspect", "--format", form, i).strip() for i in left] == ["build"]
        run_docker("rm", "--force", *left)
    else:
        assert left == []
    index.hangs = False
    index._freed.set()
    containering = containering_of(
        dependencies=("tea-leaves==1.0",), builder=builder, base_image=own_base
    )
    image = containering.make_container()
    python = ("run", "--rm", image.id, "python", "-c", "import tea_leaves as t; print(t.COLOUR)")
    assert run_docker(*python).strip() == "green"
