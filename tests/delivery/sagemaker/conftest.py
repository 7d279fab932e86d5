from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from executor_suite import PRICES, TASKS

from tg.common import Loc
from tg.common._core.file_lock import FileLock

ROOT = Path(__file__).parents[3]


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


@pytest.fixture(scope="session")
def sdk_python(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An interpreter with the SDK: this one, or that of an environment that is made once."""
    if importlib.util.find_spec("sagemaker"):
        return sys.executable
    parts = [(ROOT / "pyproject.toml").read_text(), sys.version, sys.executable]
    key = hashlib.sha256("".join(parts).encode()).hexdigest()[:16]
    cache = getattr(pytestconfig, "cache", None)  # pytest can be run without
    folder = cache.mkdir("sagemaker-sdk") if cache else tmp_path_factory.mktemp("sdk")
    # tests that run side by side share it
    with FileLock(folder.with_name(f"{folder.name}.lock")):
        return _sdk_python(folder, key)


def _sdk_python(folder: Path, key: str) -> str:
    environment, ready = folder / key, folder / f"{key}.ready"
    python = environment / "bin" / "python"
    if not ready.exists():
        shutil.rmtree(folder)  # one of older requirements has 700 MB
        folder.mkdir()
        uv = [sys.executable, "-m", "uv", "--quiet"]
        made = [*uv, "venv", "--python", sys.executable, str(environment)]
        filled = [*uv, "pip", "install", "--python", str(python), "--extra", "sagemaker"]
        # uv builds images; a user's environment has that or pip
        for command in (made, [*filled, "--requirement", str(ROOT / "pyproject.toml"), "uv"]):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.skip(f"the SageMaker SDK cannot be installed: {done.stderr[-300:].strip()}")
        ready.touch()
    return str(python)


@pytest.fixture
def tea_shop(project: Path, write_files: Callable[..., None]) -> Path:
    """A project with tasks, and with data in two channels."""
    write_files({"shop/__init__.py": "", "shop/tasks.py": TASKS, "shop/prices.py": PRICES})
    folder = Loc.data_cache_path / "datasets" / "tea"
    (folder / "more").mkdir(parents=True)
    (folder / "more" / "notes.txt").write_text("green")
    pd.DataFrame({"x": [0.1, 0.2, 0.7]}).to_parquet(folder / "tea.parquet")
    return project


@pytest.fixture
def run_sdk(sdk_python: str, project: Path, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Run a program that needs the SDK, in the project, and give what it compares."""
    settings = tmp_path / "sdk.yaml"
    silent = "SageMaker: {PythonSDK: {Modules: {TelemetryOptOut: true}}}"
    settings.write_text(f"SchemaVersion: '1.0'\n{silent}\n")
    own = {
        "PYTHONPATH": str(ROOT),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "SAGEMAKER_ADMIN_CONFIG_OVERRIDE": str(settings),
        "SAGEMAKER_USER_CONFIG_OVERRIDE": str(settings),
    }

    def run(program: Path, name: str, variables: Mapping[str, str] | None = None) -> dict[str, Any]:
        clean = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        done = subprocess.run(
            [sdk_python, str(program), name],
            cwd=project,
            env={**clean, **own, **(variables or {})},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        compared = json.loads((project / "comparison.json").read_text())
        return {**compared, "log": done.stdout}

    return run
