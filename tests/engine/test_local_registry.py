"""A registry of its own for whoever starts one."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from local_registry import LocalRegistry

from tg.rehearsal import registry


def test_a_port_that_somebody_takes_first_is_not_taken_for_the_registry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Images would go to a stranger, or the rehearsal would not begin."""
    choose = registry._free_port
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        taken = stranger.getsockname()[1]
        chosen = [taken]
        monkeypatch.setattr(registry, "_free_port", lambda: chosen.pop() if chosen else choose())
        monkeypatch.setattr(registry, "_ASK_SECONDS", 0.1)  # this stranger never answers
        with LocalRegistry(tmp_path) as running:
            assert running.host != f"localhost:{taken}"
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with pytest.raises(urllib.error.HTTPError) as caught:
                opener.open(f"http://{running.host}/v2/", timeout=60)
            with caught.value as answer:
                assert answer.code == 401
