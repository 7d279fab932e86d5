"""Threads that make the calls of a sweep end with it, whatever comes in between."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable

import pytest

from tg.common.delivery.sweep.call_threads import CallThreads


def test_ctrl_c_while_a_thread_begins_keeps_no_other_one_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # else a notebook whose cell was interrupted takes half a minute to come back
    ended: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
    threads = CallThreads(2, "interrupted", 900.0, ended.put, time.monotonic)
    threads.submit(int, lambda *_: None)
    ended.get(timeout=60)
    really = threading.Thread.start

    def interrupted(thread: threading.Thread) -> None:
        really(thread)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", interrupted)
        with pytest.raises(KeyboardInterrupt):
            threads.submit(int, lambda *_: None)
    ended.get(timeout=60)
    threads.close()
    deadline = time.monotonic() + 60
    while any(thread.name == "interrupted" for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
