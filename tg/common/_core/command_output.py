"""The output of a command: read from a pipe or a file, cut into lines, its tail kept."""

from __future__ import annotations

import codecs
import contextlib
import io
import math
import os
import queue
import select
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Protocol

from .redaction import Redactor

__all__ = ["FileOutput", "LineBuffer", "Output", "PipeOutput", "follow_file"]

_CHUNK_BYTES = 65_536
_LINE_CHARACTERS = 65_536
# What a command printed is in its pipe when it ends. Whoever has emptied that, and waited this long
# in all for more, or has read this much more, listens to a grandchild that kept the pipe.
_IDLE_SECONDS = 0.5
_REST_BYTES = 4_194_304
# how long a silent file is left alone: a short command is not waited for longer than it takes
_FIRST_STEP_SECONDS, _LAST_STEP_SECONDS = 0.001, 0.05


class Output(Protocol):
    """Where the bytes of a command come from."""

    def read(self, timeout_seconds: float, *, ended: bool) -> bytes | None:
        """Return what there is; empty if nothing came in time, ``None`` at the end."""

    def close(self) -> None:
        """Stop reading."""


class PipeOutput:
    """Reads the pipe of a command in a thread, at most a megabyte ahead of its reader.

    Parameters
    ----------
    process
        The command, with its standard output piped.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._chunks: queue.Queue[bytes | None] = queue.Queue(maxsize=16)
        self._closed = threading.Event()
        self._stream = process.stdout
        self._handing_over = threading.Lock()
        self._idle_seconds = 0.0
        self._rest_bytes = 0
        self._at_end = False
        if process.stdout is not None:
            # a daemon: a grandchild may hold the pipe for longer than this process lives
            threading.Thread(
                target=self._pump,
                args=(process.stdout,),
                name=f"output-{process.pid}",
                daemon=True,
            ).start()

    def read(self, timeout_seconds: float, *, ended: bool) -> bytes | None:
        """Return what there is; empty if nothing came in time, ``None`` at the end."""
        if self._at_end:
            return None
        began = time.monotonic()
        try:
            chunk = self._chunks.get(timeout=timeout_seconds)
        except queue.Empty:
            chunk = b""
        if chunk is None or (ended and self._is_all(time.monotonic() - began, len(chunk))):
            self._at_end = True
            self.close()
        return chunk

    def close(self) -> None:
        """Stop reading; the thread ends with the pipe."""
        self._closed.set()

    def _is_all(self, waited_seconds: float, size: int) -> bool:
        """Whether a command that has ended has said no more than what was read by now."""
        self._idle_seconds += waited_seconds
        self._rest_bytes += size
        if self._rest_bytes > _REST_BYTES:
            return True
        return self._idle_seconds > _IDLE_SECONDS and self._is_drained()

    def _is_drained(self) -> bool:
        """Whether nothing is on its way: on a busy machine the thread that reads may be late."""
        if self._closed.is_set() or self._stream is None:
            return True
        if not self._handing_over.acquire(blocking=False):
            return False  # it has something in its hands
        try:
            return self._chunks.empty() and not _waiting(self._stream).poll(0)
        finally:
            self._handing_over.release()

    def _pump(self, stream: IO[bytes]) -> None:
        with stream:
            waiting = _waiting(stream)
            while True:
                waiting.poll()
                with self._handing_over:
                    # os.read returns what is there instead of waiting for a full chunk
                    chunk = os.read(stream.fileno(), _CHUNK_BYTES)
                    self._put(chunk or None)
                if not chunk:
                    return

    def _put(self, chunk: bytes | None) -> None:
        while not self._closed.is_set():
            with contextlib.suppress(queue.Full):
                self._chunks.put(chunk, timeout=0.1)
                return


def _waiting(stream: IO[bytes]) -> select.poll:
    """Make what tells when something can be read, or the end."""
    waiting = select.poll()
    waiting.register(stream, select.POLLIN)
    return waiting


class FileOutput:
    """Follows the file that a command writes to.

    Parameters
    ----------
    path
        The file; one that is not there yet is empty.
    offset
        Where to begin, in bytes: what stands before was written by others.
    """

    def __init__(self, path: Path, offset: int) -> None:
        self._path = path
        self._offset = offset
        self._step_seconds = _FIRST_STEP_SECONDS

    def read(self, timeout_seconds: float, *, ended: bool) -> bytes | None:
        """Return what there is; empty if nothing came in time, ``None`` at the end."""
        chunk = b""
        with contextlib.suppress(FileNotFoundError), self._path.open("rb") as stream:
            stream.seek(self._offset)
            chunk = stream.read(_CHUNK_BYTES)
        self._offset += len(chunk)
        if chunk:
            self._step_seconds = _FIRST_STEP_SECONDS
        elif ended:
            return None
        else:
            time.sleep(min(timeout_seconds, self._step_seconds))
            self._step_seconds = min(2 * self._step_seconds, _LAST_STEP_SECONDS)
        return chunk

    def close(self) -> None:
        """Nothing is held open between two reads."""


class LineBuffer:
    r"""Cuts bytes into lines of text without secrets and keeps the last of them.

    ``\n``, ``\r\n`` and the lone ``\r`` of a progress bar end a line; bytes that are not UTF-8
    are replaced; a longer line than allowed comes in pieces.

    Parameters
    ----------
    redactor
        Takes the secrets out.
    tail_characters
        How much is kept.
    line_characters
        How long a line may be.

    Example
    -------
    >>> buffer = LineBuffer(Redactor(["s3cret"]), tail_characters=100)
    >>> buffer.feed(b"key s3c"), buffer.feed(b"ret\nnext"), buffer.finish()
    ([], ['key ***'], ['next'])
    """

    def __init__(
        self,
        redactor: Redactor,
        tail_characters: int,
        line_characters: float = _LINE_CHARACTERS,
    ) -> None:
        utf8 = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._decoder = io.IncrementalNewlineDecoder(utf8, translate=True)
        self._redact = redactor
        self._pieces: list[str] = []
        self._pending = 0
        self._lines: deque[str] = deque()
        self._kept = 0
        self._limit = tail_characters
        self._line_limit = line_characters

    @property
    def tail(self) -> str:
        """The last lines, each with its line break."""
        return "".join(self._lines)[-self._limit :]

    def feed(self, chunk: bytes) -> list[str]:
        """Take bytes; return the lines that are complete now."""
        return self._cut(self._decoder.decode(chunk))

    def finish(self) -> list[str]:
        """Return the last line if it has no line break."""
        lines = self._cut(self._decoder.decode(b"", final=True))
        rest = "".join(self._pieces)
        self._pieces, self._pending = [], 0
        return [*lines, *self._keep([rest])] if rest else lines

    def _cut(self, text: str) -> list[str]:
        head, newline, rest = text.rpartition("\n")
        lines: list[str] = []
        if newline:
            lines = ("".join(self._pieces) + head).split("\n")
            self._pieces, self._pending = [], 0
        if rest:
            self._pieces.append(rest)
            self._pending += len(rest)
        kept = self._keep(lines)
        # what may be the beginning of a secret stays until its end is there, and one character in
        # any case: the line break to come ends a piece, not an empty line
        if self._pending > self._line_limit + 2 * self._redact.longest:
            whole = "".join(self._pieces)
            at = self._redact.safe_cut(whole, len(whole) - max(1, self._redact.longest))
            self._pieces, self._pending = [whole[at:]], len(whole) - at
            kept += self._keep([whole[:at]])
        return kept

    def _keep(self, lines: list[str]) -> list[str]:
        shown = [self._redact(line) for line in lines]
        for line in shown:
            self._lines.append(line + "\n")
            self._kept += len(line) + 1
        while self._lines and self._kept - len(self._lines[0]) >= self._limit:
            self._kept -= len(self._lines.popleft())
        return shown


def follow_file(path: Path, has_ended: Callable[[], bool]) -> Iterator[str]:
    r"""Yield the lines of a file that others write to, those to come as well.

    Parameters
    ----------
    path
        The file.
    has_ended
        Whether nobody writes any more; what was written before is given all the same.

    Example
    -------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "log")
    >>> _ = path.write_bytes(b"one\ntwo")
    >>> list(follow_file(path, lambda: True))
    ['one', 'two']
    """
    output, buffer = FileOutput(path, 0), LineBuffer(Redactor(), 0, math.inf)
    ended = False
    while (chunk := output.read(_LAST_STEP_SECONDS, ended=ended)) is not None:
        yield from buffer.feed(chunk)
        ended = ended or has_ended()
    yield from buffer.finish()
