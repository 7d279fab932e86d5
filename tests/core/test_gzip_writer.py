"""What a user would lose: a result that others cannot read, or an hour for what saves nothing."""

from __future__ import annotations

import gzip
import io
import random
import subprocess
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tg.common._core.gzip_writer import GzipWriter

KINDS = {
    "text": lambda size, chance: (b"a line of text\n" * (size // 15 + 1))[:size],
    "dense": lambda size, chance: chance.randbytes(size),
    "mixed": lambda size, chance: chance.randbytes(size // 2) + bytes(size - size // 2),
}


def zipped(pieces: list[bytes], level: int = 1) -> bytes:
    file = io.BytesIO()
    writer = GzipWriter(file, level)
    for piece in pieces:
        writer.write(piece)
    writer.finish()
    return file.getvalue()


@st.composite
def pieces_of_many_kinds(draw: st.DrawFn) -> list[bytes]:
    chance = random.Random(draw(st.integers(0, 2**32)))
    kinds = draw(st.lists(st.sampled_from(sorted(KINDS)), max_size=6))
    sizes = st.sampled_from([0, 1, 4_095, 65_535, 65_536, 65_537, 131_071, 1 << 20])
    return [KINDS[kind](draw(sizes), chance) for kind in kinds]


@settings(deadline=None)
@given(pieces_of_many_kinds(), st.integers(0, 9))
def test_what_was_written_is_read_again(pieces: list[bytes], level: int) -> None:
    data = zipped(pieces, level)
    assert gzip.decompress(data) == b"".join(pieces)
    assert zipped(pieces, level) == data


@pytest.mark.parametrize("reader", ["isal", "gzip -dc"])
def test_others_read_what_is_stored_between_what_is_compressed(reader: str, tmp_path: Path) -> None:
    chance = random.Random(1)
    pieces = [b"x" * 300, chance.randbytes(200_000), b"x" * 300, chance.randbytes(70_000), b"end"]
    data = zipped(pieces)
    if reader == "isal":
        igzip = pytest.importorskip("isal.igzip")
        assert igzip.decompress(data) == b"".join(pieces)
    else:
        (tmp_path / "a.gz").write_bytes(data)
        read = subprocess.run(
            ["gzip", "-dc", tmp_path / "a.gz"], capture_output=True, check=True
        ).stdout
        assert read == b"".join(pieces)


def test_what_is_dense_grows_by_a_few_bytes_only_and_the_rest_becomes_small() -> None:
    dense = random.Random(2).randbytes(1 << 20)
    assert len(zipped([dense])) < len(dense) + 200
    assert len(zipped([bytes(1 << 20)])) < 10_000
    # half of it would become small: it is not stored
    mixed = dense[: 1 << 19] + bytes(1 << 19)
    assert len(zipped([mixed])) < 0.6 * len(mixed)


def test_large_pieces_are_not_copied() -> None:
    dense = random.Random(3).randbytes(32 << 20)

    class Nowhere(io.RawIOBase):
        def write(self, data: object) -> int:
            return len(data)  # type: ignore[arg-type]

    tracemalloc.start()
    writer = GzipWriter(Nowhere(), 1)  # type: ignore[arg-type]
    writer.write(dense)
    writer.finish()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20
