from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One request as the server saw it."""

    method: str
    path: str
    query: str
    received: int
    sent: int


@dataclass(kw_only=True)
class Cloud:
    """Moto's server, which counts what it is asked."""

    url: str
    exchanges: list[Exchange] = field(default_factory=list)

    def count(self, *methods: str) -> int:
        return sum(exchange.method in methods for exchange in self.exchanges)

    def sent(self) -> int:
        return sum(exchange.sent for exchange in self.exchanges)


def _counting(app: Callable[..., Any], cloud: Cloud) -> Callable[..., Any]:
    def counted(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        body = b"".join(app(environ, start_response))
        head = environ["REQUEST_METHOD"] == "HEAD"
        cloud.exchanges.append(
            Exchange(
                method=environ["REQUEST_METHOD"],
                path=environ["PATH_INFO"],
                query=environ["QUERY_STRING"],
                received=int(environ.get("CONTENT_LENGTH") or 0),
                sent=0 if head else len(body),
            )
        )
        return [body]

    return counted


@pytest.fixture
def no_aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which nothing is set up for AWS."""
    for name in os.environ:
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "aws-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def aws_settings(no_aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials and a region of no real account."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "rehearsed-secret-key")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")


@pytest.fixture
def cloud(aws_settings: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """A fresh offline AWS behind the endpoint variable."""
    pytest.importorskip("boto3")
    server_module = pytest.importorskip("moto.moto_server.threaded_moto_server")
    from moto.moto_api._internal import moto_api_backend

    cloud = Cloud(url="")
    plain = server_module.DomainDispatcherApplication
    monkeypatch.setattr(
        server_module,
        "DomainDispatcherApplication",
        lambda factory: _counting(plain(factory), cloud),
    )
    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    cloud.url = f"http://{host}:{port}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.url)
    moto_api_backend.reset()
    yield cloud
    moto_api_backend.reset()
    server.stop()


@dataclass(kw_only=True)
class Answers:
    """A server that gives each request the next of some answers, and the last one ever after."""

    url: str
    answers: list[tuple[int, str, Mapping[str, str], bool]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def give(
        self,
        status: int,
        body: str,
        kind: str = "application/xml",
        *,
        cut: bool = False,
        **more: str,
    ) -> None:
        """Have it answer so; with `cut` it hangs up before the last byte, with status 0 at once."""
        headers = {"Content-Type": kind, **{k.replace("_", "-"): v for k, v in more.items()}}
        self.answers.append((status, body, headers, cut))


@pytest.fixture
def answers(aws_settings: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Answers]:
    """An AWS that says what a test has it say."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            told.requests.append(f"{self.command} {self.path}")
            first = told.answers[0] if len(told.answers) == 1 else told.answers.pop(0)
            status, body, headers, cut = first
            if status == 0:
                self.close_connection = True
                return
            data = body.encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data[:-1] if cut else data)
            self.close_connection = self.close_connection or cut

        do_POST = do_PUT = do_HEAD = do_DELETE = do_GET

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        told = Answers(url=f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("AWS_ENDPOINT_URL", told.url)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield told
        server.shutdown()
        thread.join()
