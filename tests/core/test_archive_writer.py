"""What a user would lose: hashes that mean something, an old archive after a failed write."""

from __future__ import annotations

import gzip
import hashlib
import os
import resource
import signal
import subprocess
import sys
import tarfile
import time
import unicodedata
import zlib
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tg.common._core.archive_reader import ArchiveReader
from tg.common._core.archive_writer import Member, write_tar_gz
from tg.common._core.errors import ArchiveError, ConfigError, NamingError, TgError

MEMBERS = [
    Member(name="pkg"),
    Member(name="pkg/b.py", content=b"print('b')\n"),
    Member(name="pkg/a.bin", content=bytes(range(256)) * 9),
    Member(name="pkg/empty", content=b""),
    Member(name="pkg/größe.txt", content=b"unicode"),
    Member(name="d/" + "x" * 120 + "/" + "y" * 90, content=b"long"),
    Member(name="z" * 200, content=b"longer than ustar allows"),
]


def written(members: list[Member], **options: bool | int) -> bytes:
    file = BytesIO()
    write_tar_gz(file, members, **options)
    return file.getvalue()


def contents(data: bytes) -> dict[str, bytes | None]:
    with ArchiveReader(lambda: BytesIO(data)) as archive:
        return {e.name: None if e.is_dir else archive.read(e.name) for e in archive.entries()}


part = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/\\"),
    min_size=1,
    max_size=70,
).filter(lambda text: text not in {".", ".."} and text[1:2] != ":" and len(text.encode()) < 250)


@st.composite
def trees(draw: st.DrawFn) -> list[Member]:
    """Members with safe names in any order, none of them a file and a folder at once."""
    names = draw(st.lists(st.lists(part, min_size=1, max_size=4).map("/".join), unique=True))
    folders = {n[:i] for n in names for i, letter in enumerate(n) if letter == "/"}
    return [
        Member(name=n, content=None if n in folders else draw(st.none() | st.binary(max_size=1500)))
        for n in names
    ]


@settings(deadline=None)
@given(trees(), st.booleans(), st.integers(0, 9))
def test_any_safe_tree_comes_back(members: list[Member], small_first: bool, level: int) -> None:
    data = written(members, small_first=small_first, compress_level=level)
    assert contents(data) == {m.name: m.content for m in members}


@settings(deadline=None)
@given(trees())
def test_others_read_the_same(members: list[Member]) -> None:
    with tarfile.open(fileobj=BytesIO(written(members)), mode="r:gz") as tar:
        theirs = {}
        for info in tar.getmembers():
            file = tar.extractfile(info)
            theirs[info.name] = file.read() if file else None
            assert (info.mtime, info.uid, info.gid, info.uname, info.gname) == (0, 0, 0, "", "")
            assert info.mode == (0o755 if info.isdir() else 0o644)
    assert theirs == {m.name: m.content for m in members}


def test_the_bytes_are_those_of_today() -> None:
    # a change here changes the hash of every package and makes every user's cache miss
    tar = gzip.decompress(written(MEMBERS))
    assert hashlib.sha256(tar).hexdigest() == (
        "e52ecb07da4fc943dc57f29549cd1c6d46558511c34c44f5160d32085dc81e4b"
    )
    data = written(MEMBERS)
    assert data[:10] == b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
    assert data[-8:] == (zlib.crc32(tar).to_bytes(4, "little") + len(tar).to_bytes(4, "little"))


def test_clock_umask_locale_and_place_do_not_matter(tmp_path: Path) -> None:
    code = (
        "import os, sys; os.umask(int(sys.argv[3], 8))\n"
        "from pathlib import Path\n"
        "from tg.common._core.archive_writer import Member, write_tar_gz\n"
        "source = Path(sys.argv[2]); source.write_bytes(b'from disk' * 999)\n"
        "os.utime(source, (int(sys.argv[4]),) * 2)\n"
        "members = [Member(name='ä', content=source), Member(name='b', content=b'2')]\n"
        "write_tar_gz(Path(sys.argv[1]), members)\n"
    )
    results = set()
    for i, (umask, mtime, env) in enumerate(
        [
            ("022", "1", {"LC_ALL": "C", "TZ": "UTC", "PYTHONHASHSEED": "1"}),
            ("077", "2000000000", {"LC_ALL": "C.UTF-8", "TZ": "Asia/Tokyo", "PYTHONHASHSEED": "2"}),
        ]
    ):
        folder = tmp_path / str(i)
        folder.mkdir()
        subprocess.run(
            [sys.executable, "-c", code, folder / f"{i}.tar.gz", folder / f"f{i}", umask, mtime],
            check=True,
            env={**os.environ, **env},
        )
        results.add((folder / f"{i}.tar.gz").read_bytes())
    assert len(results) == 1


def test_isal_does_not_change_the_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    with_isal = written(MEMBERS)
    monkeypatch.setitem(sys.modules, "isal", None)
    assert written(MEMBERS) == with_isal
    assert contents(with_isal) == {m.name: m.content for m in MEMBERS}


def test_gnu_tar_reads_it_without_a_word(tmp_path: Path) -> None:
    write_tar_gz(tmp_path / "a.tar.gz", MEMBERS)
    run = subprocess.run(
        ["tar", "-xzf", "a.tar.gz"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert run.stderr == ""
    for member in MEMBERS:
        if isinstance(member.content, bytes):
            assert (tmp_path / member.name).read_bytes() == member.content


def test_order_is_kept_or_goes_by_size() -> None:
    members = [Member(name=n, content=b"x" * size) for n, size in (("c", 9), ("b", 2), ("a", 9))]
    members.append(Member(name="f"))
    assert list(contents(written(members))) == ["c", "b", "a", "f"]
    assert list(contents(written(members, small_first=True))) == ["f", "b", "c", "a"]


@settings(deadline=None)
@given(trees(), st.integers(3000, 9000))  # the longest header has 2,560 bytes
def test_a_table_of_the_end_changes_nothing(members: list[Member], beginning: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tg.common._core.archive_writer._BEGINNING", beginning)
        data = written(members, small_first=True)
    assert contents(data) == {m.name: m.content for m in members}
    with tarfile.open(fileobj=BytesIO(data), mode="r:gz") as tar:
        assert set(tar.getnames()) == {m.name for m in members}


def test_large_files_are_streamed(tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(300 << 20)
    code = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from tg.common._core.archive_writer import Member, write_tar_gz\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "write_tar_gz(Path(sys.argv[2]), [Member(name='l', content=Path(sys.argv[1]))])\n"
        "sys.stdout.write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, large, tmp_path / "a.tar.gz"], capture_output=True, check=True
    )
    assert int(run.stdout) < 20 << 10  # KiB


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "./a", "a/", "a//b", "/a", "../a", "a/../b", "a\\b", "C:/a"),
        *("a\0b", "a\nb", "a\x85", "x" * 256, "/".join("a" * 65), "/".join(["x" * 200] * 6)),
    ],
)
def test_unsafe_names_are_refused_before_anything_is_written(name: str, tmp_path: Path) -> None:
    with pytest.raises(NamingError) as caught:
        write_tar_gz(tmp_path / "a.tar.gz", [Member(name=name, content=b"")])
    assert repr(name) in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (Member(name="a", content=b""), Member(name="a", content=b"")),
        (Member(name="a"), Member(name="a")),
        (Member(name="a", content=b""), Member(name="a")),
        (Member(name="a", content=b""), Member(name="a/b", content=b"")),
        (Member(name="a/b/c", content=b""), Member(name="a", content=b"")),
    ],
)
def test_names_that_contradict_each_other_are_refused(first: Member, second: Member) -> None:
    with pytest.raises(NamingError):
        written([first, second])


def test_names_that_only_look_alike_are_different_files() -> None:
    # such trees are legitimate where training runs; see NameTree
    names = ["Model", "model", "ä", unicodedata.normalize("NFD", "ä")]
    members = [Member(name=n, content=n.encode()) for n in names]
    assert contents(written(members)) == {n: n.encode() for n in names}


def test_wrong_arguments_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="10"):
        written([], compress_level=10)
    with pytest.raises(ConfigError, match="no regular file"):
        written([Member(name="a", content=tmp_path)])
    with pytest.raises(ArchiveError, match="gone") as caught:
        written([Member(name="a", content=tmp_path / "gone")])
    assert isinstance(caught.value.__cause__, FileNotFoundError)


@pytest.mark.parametrize("change", [b"", b"longer than it was"])
def test_a_file_that_changes_while_it_is_read_is_noticed(change: bytes, tmp_path: Path) -> None:
    source = tmp_path / "log"
    source.write_bytes(b"x" * 10)

    class Target(BytesIO):
        def write(self, data: bytes) -> int:
            source.write_bytes(change)  # the plan is made, the file is not yet read
            return super().write(data)

    with pytest.raises(ArchiveError, match="changed its size"):
        write_tar_gz(Target(), [Member(name="log", content=source)])


def test_a_full_disk_leaves_the_old_archive(tmp_path: Path) -> None:
    target = tmp_path / "a.tar.gz"
    write_tar_gz(target, MEMBERS)
    old = target.read_bytes()

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from tg.common._core.archive_writer import Member, write_tar_gz\n"
        "from tg.common._core.errors import TgError\n"
        "try:\n"
        "    write_tar_gz(Path(sys.argv[1]), [Member(name='r', content=os.urandom(3 << 20))])\n"
        "except TgError as exc:\n"
        "    assert isinstance(exc.__cause__, OSError), exc.__cause__\n"
        "    sys.exit(str(exc))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, target],
        preexec_fn=limit,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert str(target) in run.stderr
    assert target.read_bytes() == old
    assert list(tmp_path.iterdir()) == [target]


def test_a_stream_that_cannot_be_written_is_a_typed_error() -> None:
    class Full(BytesIO):
        def write(self, data: bytes) -> int:
            raise OSError(28, "No space left on device")

    with pytest.raises(TgError, match="No space left") as caught:
        write_tar_gz(Full(), MEMBERS)
    assert isinstance(caught.value.__cause__, OSError)


def test_kill_9_leaves_the_old_archive(tmp_path: Path) -> None:
    target = tmp_path / "a.tar.gz"
    write_tar_gz(target, MEMBERS)
    old = target.read_bytes()
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from tg.common._core.archive_writer import Member, write_tar_gz\n"
        "zeros = bytes(64 << 20)\n"
        "members = [Member(name=str(i), content=zeros) for i in range(500)]\n"
        "write_tar_gz(Path(sys.argv[1]), members)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, target]) as process:
        deadline = time.monotonic() + 120
        while not any(p.stat().st_size > 100_000 for p in tmp_path.iterdir() if p != target):
            assert process.poll() is None
            assert time.monotonic() < deadline
        process.kill()
    assert target.read_bytes() == old
    assert contents(old) == {m.name: m.content for m in MEMBERS}


def test_sizes_beyond_ustar_get_a_pax_record() -> None:
    # 8 GiB and more do not fit into eleven octal digits; nobody wants to write them in a test
    from tg.common._core.tar_format import member_header

    header = member_header("model.pkl", 8**11, is_dir=False)
    info = tarfile.TarInfo.frombuf(header[1024:1536], "utf-8", "strict")
    assert (info.name, info.size) == ("model.pkl", 0)
    assert b"19 size=8589934592\n" in header
    assert len(member_header("model.pkl", 8**11 - 1, is_dir=False)) == 512
