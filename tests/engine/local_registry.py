"""A registry of images on this machine, with a login.

It is the program that registries run (Debian's package ``docker-registry``), as a process of the
test, on a free port and in a folder of its own.
"""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

__all__ = ["PASSWORD", "USER", "LocalRegistry"]

USER = "AWS"
PASSWORD = "123456789012-auth-token"  # what the offline AWS gives out
# of that password by bcrypt, the one scheme that the registry knows
_HASH = "$2b$04$XzySMJXk.w1G8BhnZkMW3.fU7Rg8jhNh0HTk0tNlHiqs0wfWwyMwO"
_START_SECONDS = 20
_CONFIGURATION = """\
version: 0.1
storage:
  filesystem: {{rootdirectory: {folder}/images}}
  delete: {{enabled: true}}
http: {{addr: "127.0.0.1:{port}"}}
auth: {{htpasswd: {{realm: tests, path: {folder}/htpasswd}}}}
"""
_REQUEST = re.compile(r'"([A-Z]+) (/v2/\S*) HTTP/[\d.]+" (\d+)')


class LocalRegistry:
    """Runs a registry, as a context.

    Parameters
    ----------
    folder
        An empty folder.
    """

    def __init__(self, folder: Path) -> None:
        self._program = shutil.which("docker-registry")
        self._folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.host = f"localhost:{free.getsockname()[1]}"

    def __enter__(self) -> Self:
        if self._program is None:
            pytest.skip("no program docker-registry: apt-get install docker-registry")
        port = self.host.rpartition(":")[2]
        settings = self._folder / "config.yml"
        settings.write_text(_CONFIGURATION.format(folder=self._folder, port=port))
        (self._folder / "htpasswd").write_text(f"{USER}:{_HASH}\n")
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [self._program, "serve", str(settings)],
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )
        self._await(port)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.wait(10)

    @property
    def log(self) -> str:
        """All that it wrote."""
        return (self._folder / "log").read_text(errors="replace")

    def requests(self) -> list[tuple[str, str, int]]:
        """Give the method, the path and the status of all requests so far."""
        return [(m, path, int(status)) for m, path, status in _REQUEST.findall(self.log)]

    def _await(self, port: str) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/", timeout=5):
                    return
            except urllib.error.HTTPError as exc:
                exc.close()
                return  # it asks for a login
            except OSError:
                assert self._process.poll() is None, self.log
                time.sleep(0.02)
        raise AssertionError(f"the registry does not answer: {self.log}")
