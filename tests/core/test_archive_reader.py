"""What a user would lose: results that are whole or refused, and files outside the target."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import random
import resource
import shutil
import signal
import stat
import subprocess
import sys
import tarfile
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tg.common._core.archive_names import Limits
from tg.common._core.archive_reader import ArchiveReader
from tg.common._core.archive_writer import Member, write_tar_gz
from tg.common._core.errors import ArchiveError, ConfigError, ResultError
from tg.common._core.tar_format import TableLine, member_header, size_header

END = bytes(1024)
FILES = {
    "manifest.json": b'{"protocol": 1}',
    "runs/0/metrics.pkl": b"metrics",
    "runs/0/model.pkl": bytes(range(256)) * 40,
    "runs/1/metrics.pkl": b"other metrics",
}


@pytest.fixture(params=["isal", "zlib"], autouse=True)
def decompressor(request: pytest.FixtureRequest) -> Iterator[None]:
    """Both ways to decompress have to refuse the same archives."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "zlib":
            patch.setitem(sys.modules, "isal", None)
        else:
            pytest.importorskip("isal")
        yield


# ---------------------------------------------------------------- archives built by hand


def header(
    name: bytes,
    size: int | bytes = 0,
    kind: bytes = b"0",
    link: bytes = b"",
    prefix: bytes = b"",
    magic: bytes = b"ustar\00000",
) -> bytes:
    length = size if isinstance(size, bytes) else b"%011o\0" % size
    block = bytearray(512)
    for start, field in (
        (0, name[:100]),
        (100, b"0000777\0"),
        (124, length),
        (136, b"14000000000\0"),
        (156, kind),
        (157, link[:100]),
        (257, magic),
        (345, prefix),
    ):
        block[start : start + len(field)] = field
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def pad(data: bytes) -> bytes:
    return data + bytes(-len(data) % 512)


def file(name: bytes, data: bytes = b"data", **fields: bytes) -> bytes:
    return header(name, len(data), **fields) + pad(data)


def record(key: bytes, value: bytes) -> bytes:
    rest = b" " + key + b"=" + value + b"\n"
    length = len(rest) + 1
    while len(str(length)) + len(rest) != length:
        length = len(str(length)) + len(rest)
    return str(length).encode() + rest


def pax(*records: bytes, kind: bytes = b"x") -> bytes:
    return file(b"PaxHeader", b"".join(records), kind=kind)


def longname(name: bytes) -> bytes:
    return file(b"././@LongLink", name + b"\0", kind=b"L", magic=b"ustar  \0")


def opened(data: bytes, limits: Limits | None = None) -> ArchiveReader:
    return ArchiveReader(lambda: BytesIO(data), limits, label="the.tar.gz")


def contents(data: bytes) -> dict[str, bytes]:
    with opened(data) as archive:
        return {e.name: archive.read(e.name) for e in archive.entries() if not e.is_dir}


def ours(files: dict[str, bytes] = FILES, *, small_first: bool = False) -> bytes:
    target = BytesIO()
    members = [Member(name=name, content=data) for name, data in files.items()]
    write_tar_gz(target, members, small_first=small_first)
    return target.getvalue()


def on_disk(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


# ---------------------------------------------------------------- reading


def test_names_entries_and_files() -> None:
    with opened(ours()) as archive:
        assert archive.names() == list(FILES)
        assert [(e.size, e.is_dir) for e in archive.entries()] == [
            (len(data), False) for data in FILES.values()
        ]
        for name in [*FILES, *reversed(FILES)]:
            assert archive.read(name) == FILES[name]


def test_a_wrong_name_gets_the_nearest_ones() -> None:
    with opened(ours()) as archive:
        with pytest.raises(ResultError, match=r"'runs/0/metrics\.pkl'"):
            archive.read("runs/0/metric.pkl")
        with pytest.raises(ResultError, match="no 'runs/9'"):
            archive.extract("runs/9", Path("unused"))
    folder = gzip.compress(header(b"runs/", kind=b"5") + END)
    with opened(folder) as archive, pytest.raises(ResultError, match="folder"):
        archive.read("runs")
    with opened(gzip.compress(END)) as archive, pytest.raises(ResultError, match="empty"):
        archive.read("a")


def test_open_files_do_not_disturb_each_other() -> None:
    with opened(ours()) as archive:
        with archive.open("runs/0/model.pkl") as model, archive.open("manifest.json") as manifest:
            head = model.read(100)
            assert manifest.read() == FILES["manifest.json"]
            assert archive.read("runs/1/metrics.pkl") == FILES["runs/1/metrics.pkl"]
            assert head + model.read() == FILES["runs/0/model.pkl"]
            assert model.read() == b""
        assert archive.read("runs/0/metrics.pkl") == b"metrics"


def test_an_archive_left_open_is_no_warning(tmp_path: Path) -> None:
    # results are kept in notebooks, where nobody closes them; warnings are errors here
    path = tmp_path / "a.tar.gz"
    path.write_bytes(ours())
    reader = ArchiveReader(path)
    handle = reader.open("manifest.json")
    del reader, handle


class Counting(io.FileIO):
    total = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(-1 if size is None else size)
        Counting.total += len(data)
        return data


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20 MB that do not compress, 7 small files first, 1 small one last in the foreign one."""
    folder = tmp_path_factory.mktemp("large")
    noise = random.Random(0).randbytes(20 << 20)
    models = {"model.pkl": noise[: 12 << 20], "second/model.pkl": noise[12 << 20 :]}
    small = {f"runs/{i}/metrics.pkl": b"m" * 9000 for i in range(7)}
    with (folder / "ours.tar.gz").open("wb") as target:
        members = [Member(name=n, content=d) for n, d in {**models, **small}.items()]
        write_tar_gz(target, members, small_first=True)
    with tarfile.open(folder / "theirs.tar.gz", "w:gz", compresslevel=1) as tar:
        for name, data in {**models, **small}.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, BytesIO(data))
    return folder


def test_small_files_and_the_listing_need_only_the_beginning(large: Path) -> None:
    Counting.total = 0
    archive = ArchiveReader(lambda: Counting(large / "ours.tar.gz"))
    assert archive.names()[-2:] == ["second/model.pkl", "model.pkl"]
    assert len(archive.names()) == 9
    listed = archive.entries()
    assert archive.read("runs/3/metrics.pkl") == b"m" * 9000
    with pytest.raises(ResultError):
        archive.read("runs/8/metrics.pkl")
    assert Counting.total < 1 << 20
    archive.verify()
    assert archive.entries() == listed
    archive.close()


def test_reading_goes_on_where_it_stopped(large: Path) -> None:
    Counting.total = 0
    with ArchiveReader(lambda: Counting(large / "theirs.tar.gz")) as archive:
        for i in range(7):
            assert archive.read(f"runs/{i}/metrics.pkl") == b"m" * 9000
    assert Counting.total <= (large / "theirs.tar.gz").stat().st_size + 4


def test_memory_is_flat(large: Path, tmp_path: Path) -> None:
    with ArchiveReader(large / "theirs.tar.gz") as archive:
        tracemalloc.start()
        try:
            archive.extract("model.pkl", tmp_path / "one")
            archive.extract_all(tmp_path / "all")
            archive.verify()
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < 6 << 20


def test_a_cut_off_archive_of_ours_is_noticed_at_once(large: Path) -> None:
    data = (large / "ours.tar.gz").read_bytes()
    for length in (len(data) - 1, len(data) - 4, len(data) // 2, 5 << 20):
        with pytest.raises(ArchiveError, match="cut off"):
            opened(data[:length])


def test_a_cut_off_foreign_archive_is_noticed_before_it_is_used(
    large: Path, tmp_path: Path
) -> None:
    data = (large / "theirs.tar.gz").read_bytes()[:-9]
    with opened(data) as archive:
        for use in (
            archive.verify,
            lambda: archive.extract_all(tmp_path / "all"),
            lambda: archive.extract("runs", tmp_path / "some"),
        ):
            with pytest.raises(ArchiveError, match="cut off"):
                use()
    assert list(tmp_path.iterdir()) == []


def test_a_replaced_archive_is_not_mixed_up(large: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    shutil.copy(large / "ours.tar.gz", path)
    with ArchiveReader(path) as archive:
        archive.read("model.pkl")
        write_tar_gz(path, [Member(name="runs/0/metrics.pkl", content=b"new")])
        with pytest.raises(ArchiveError, match="replaced"):
            archive.read("runs/0/metrics.pkl")


def test_a_missing_archive_and_other_files(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match=r"gone\.tar\.gz") as caught:
        ArchiveReader(tmp_path / "gone.tar.gz")
    assert isinstance(caught.value.__cause__, FileNotFoundError)
    for data, why in (
        (b"", "empty"),
        (b"PK\3\4 a zip", "no gzip file"),
        (gzip.compress(b""), "cut off"),
        (gzip.compress(b"text" * 512), "header"),
        (gzip.compress(bytes(512)), "cut off"),
    ):
        with pytest.raises(ArchiveError, match=why):
            opened(data)


# ---------------------------------------------------------------- archives of others


@pytest.mark.parametrize("dialect", ["gnu", "pax", "ustar", "v7", "oldgnu"])
def test_gnu_tar(dialect: str, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    files = dict(FILES)
    if dialect in {"gnu", "pax", "oldgnu"}:
        files["f" * 90 + "/" + "g" * 200] = b"long name"
        files["größe"] = b"unicode"
    for name, data in files.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_bytes(data)
    (tree / "none").mkdir()
    # "." as SageMaker and `tar -C` do it
    target = tmp_path / "a.tar.gz"
    subprocess.run(["tar", f"--format={dialect}", "-C", tree, "-czf", target, "."], check=True)
    assert contents(target.read_bytes()) == files
    with ArchiveReader(target) as archive:
        assert "none" in archive.names()
        assert on_disk(archive.extract_all(tmp_path / "out")) == files
        assert (tmp_path / "out/none").is_dir()


@pytest.mark.parametrize("dialect", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_python_tarfile(dialect: int, tmp_path: Path) -> None:
    for name, data in FILES.items():
        (tmp_path / "t" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "t" / name).write_bytes(data)
        os.utime(tmp_path / "t" / name, (1.5, 1234567890.25))  # a pax record
    target = tmp_path / "a.tar.gz"
    with tarfile.open(target, "w:gz", format=dialect) as tar:
        tar.add(tmp_path / "t", "m")
    assert contents(target.read_bytes()) == {f"m/{name}": data for name, data in FILES.items()}


def test_records_of_bsdtar_and_macos() -> None:
    tar = pax(
        record(b"path", "é/".encode() + b"n" * 150),
        record(b"mtime", b"1234567890.123456789"),
        record(b"LIBARCHIVE.creationtime", b"1"),
        record(b"SCHILY.xattr.user.a", b"binary=\0\n\xff"),
        record(b"hdrcharset", b"BINARY"),
        record(b"size", b"4"),
    )
    tar += file(b"short") + pax(record(b"comment", b"0123abc"), kind=b"g") + file(b"b")
    assert contents(gzip.compress(tar + END)) == {"é/" + "n" * 150: b"data", "b": b"data"}


def test_several_gzip_members_are_one_archive() -> None:
    tar = gzip.decompress(ours())
    for cut in (1, 511, 512, 700, len(tar) - 3):
        data = gzip.compress(tar[:cut]) + gzip.compress(b"") + gzip.compress(tar[cut:])
        assert contents(data) == FILES


def test_a_recompressed_archive_is_accepted(large: Path) -> None:
    tar = gzip.decompress((large / "ours.tar.gz").read_bytes())
    data = gzip.compress(tar[: 8 << 20], 1) + gzip.compress(tar[8 << 20 :], 1)
    assert opened(data).read("runs/0/metrics.pkl") == b"m" * 9000


# ---------------------------------------------------------------- extraction


def test_one_file_or_folder(tmp_path: Path) -> None:
    with opened(ours()) as archive:
        path = archive.extract("runs/0/metrics.pkl", tmp_path / "x")
        assert path == tmp_path / "x/runs/0/metrics.pkl"
        assert on_disk(tmp_path / "x") == {"runs/0/metrics.pkl": b"metrics"}
        (tmp_path / "x/own").write_text("mine")
        assert archive.extract("runs/0/", tmp_path / "x") == tmp_path / "x/runs/0"
    assert on_disk(tmp_path / "x") == {
        "own": b"mine",
        **{name: data for name, data in FILES.items() if name.startswith("runs/0/")},
    }
    assert sorted(p.name for p in (tmp_path / "x").iterdir()) == ["own", "runs"]


def test_modes_do_not_depend_on_umask_or_archive(tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        with opened(gzip.compress(file(b"d/suid") + END)) as archive:
            archive.extract_all(tmp_path / "all")
            archive.extract("d", tmp_path / "all2")
            (tmp_path / "all3").mkdir()
            archive.extract("d", tmp_path / "all3")
    finally:
        os.umask(old)
    for name in ("all", "all2", "all3"):
        assert stat.S_IMODE((tmp_path / name / "d").stat().st_mode) == 0o755
        assert stat.S_IMODE((tmp_path / name / "d/suid").stat().st_mode) == 0o644
    assert stat.S_IMODE((tmp_path / "all").stat().st_mode) == 0o755


def test_extract_all_touches_nothing_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full/own").write_text("mine")
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to("empty")
    (tmp_path / "dangling").symlink_to("nowhere")
    with opened(ours()) as archive:
        for name in ("full", "file", "link", "dangling"):
            with pytest.raises(ConfigError, match=name):
                archive.extract_all(tmp_path / name)
        assert on_disk(archive.extract_all(tmp_path / "empty")) == FILES
    assert on_disk(tmp_path / "full") == {"own": b"mine"}
    assert not (tmp_path / "nowhere").exists()


def test_links_in_the_target_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "0").mkdir(parents=True)
    (outside / "precious").write_text("mine")
    target = tmp_path / "target"
    target.mkdir()
    (target / "runs").symlink_to(outside)
    (target / "manifest.json").symlink_to(outside / "precious")
    with opened(ours()) as archive:
        for name in ("runs", "runs/0/metrics.pkl"):
            with pytest.raises(ConfigError, match="runs"):
                archive.extract(name, target)
        path = archive.extract("manifest.json", target)
    assert not path.is_symlink()
    assert path.read_bytes() == FILES["manifest.json"]
    assert on_disk(outside) == {"precious": b"mine"}
    assert sorted(p.name for p in target.iterdir()) == ["manifest.json", "runs"]


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.tar.gz").write_bytes(ours({"a": b"small", "big": bytes(1 << 20)}))
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from tg.common._core.archive_reader import ArchiveReader\n"
        "from tg.common._core.errors import StorageError\n"
        "try:\n"
        "    ArchiveReader(Path('a.tar.gz')).extract_all(Path('out'))\n"
        "except StorageError as exc:\n"
        "    assert isinstance(exc.__cause__, OSError)\n"
        "    sys.exit(str(exc))\n"
    )

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        preexec_fn=limit,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert "'big' from the archive a.tar.gz" in run.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["a.tar.gz"]


# ---------------------------------------------------------------- hostile archives

LONG = b"/".join([b"d" * 247] * 16)
SPARSE = pax(record(b"GNU.sparse.major", b"1"), record(b"GNU.sparse.name", b"etc"))
HOSTILE = {
    "absolute": file(b"/etc/passwd"),
    "parent": file(b"../up"),
    "parent inside": file(b"a/../../up"),
    "backslash": file(b"..\\up"),
    "drive": file(b"C:/up"),
    "drive after dot": file(b"./C:up"),
    "newline": file(b"a\nb"),
    "escape": file(b"a\x1b[2Jb"),
    "no utf-8": file(b"a\xff"),
    "no name": file(b""),
    "dot as a file": file(b"./."),
    "symlink": header(b"a", kind=b"2", link=b"/etc"),
    "symlink, then through it": header(b"a", kind=b"2", link=b"..") + file(b"a/up"),
    "hard link": header(b"a", kind=b"1", link=b"/etc/passwd"),
    "hard link, then over it": header(b"a", kind=b"1", link=b"/etc/passwd") + file(b"a"),
    # CVE-2025-4517: links whose resolved path is longer than PATH_MAX
    "long folders and links": header(b"d" * 99, kind=b"5")
    + header(b"d" * 99 + b"/a", kind=b"2", link=b"d" * 99)
    + pax(record(b"path", LONG), record(b"linkpath", b"../" * 40))
    + header(b"l", kind=b"2")
    + file(b"l/up"),
    "path of 4 kB": pax(record(b"path", LONG)) + file(b"a"),
    "character device": header(b"a", kind=b"3"),
    "block device": header(b"a", kind=b"4"),
    "fifo": header(b"a", kind=b"6"),
    "contiguous": file(b"a", kind=b"7"),
    "sparse": file(b"a", kind=b"S"),
    "pax sparse": SPARSE + file(b"a"),
    "volume": header(b"a", kind=b"V"),
    "multi-volume": file(b"a", kind=b"M"),
    "long link": file(b"././@LongLink", b"/etc\0", kind=b"K") + file(b"a"),
    "unknown type": file(b"a", kind=b"Z"),
    "twice": file(b"a") + file(b"a"),
    "twice with a dot": file(b"a") + file(b"./a"),
    "twice with slashes": file(b"a/b") + file(b"a//b"),
    "folder twice": header(b"a/", kind=b"5") * 2,
    "file and folder": file(b"a") + header(b"a/", kind=b"5"),
    "folder and file": header(b"a/", kind=b"5") + file(b"a"),
    "file in a file": file(b"a") + file(b"a/b"),
    "file over a folder of files": file(b"a/b/c") + file(b"a"),
    "slash but regular": file(b"a/"),
    "slash but old regular with data": file(b"a/", kind=b"\0"),
    "folder with data": file(b"a/", kind=b"5"),
    "size negative": header(b"a", size=b"-0000000001\0"),
    "size negative in base 256": header(b"a", size=b"\xff" * 12),
    "size huge in base 256": header(b"a", size=b"\x80" + b"\xff" * 11),
    "size beyond the end": header(b"a", size=10_000),
    "size is no number": header(b"a", size=b"12x\0"),
    "pax size negative": pax(record(b"size", b"-4")) + file(b"a"),
    "pax size huge": pax(record(b"size", b"9" * 19)) + file(b"a"),
    "pax size hides a header": pax(record(b"size", b"0")) + file(b"a", b"x" * 512),
    "pax path": pax(record(b"path", b"../up")) + file(b"a"),
    "pax path with nul": pax(record(b"path", b"a\0../up")) + file(b"a"),
    "pax path empty": pax(record(b"path", b"")) + file(b"a"),
    "pax path twice": pax(record(b"path", b"a"), record(b"path", b"../b")) + file(b"a"),
    "pax twice": pax(record(b"path", b"a")) + pax(record(b"path", b"b")) + file(b"c"),
    "pax without end": pax(b"9999 path=a\n") + file(b"a"),
    "pax without number": pax(b"path=a\n") + file(b"a"),
    "pax of length 0": pax(b"0 path=a\n") + file(b"a"),
    "pax of a superscript": pax("² path=a\n".encode()) + file(b"a"),
    "pax for nothing": pax(record(b"path", b"a")),
    "pax too large": header(b"x", 1 << 30, kind=b"x") + file(b"a"),
    "global path": pax(record(b"path", b"up"), kind=b"g") + file(b"a"),
    "global size": pax(record(b"size", b"0"), kind=b"g") + file(b"a"),
    "global flood": pax(record(b"comment", b"a"), kind=b"g") * 99 + file(b"a"),
    "gnu long name": longname(b"../up") + file(b"a"),
    "gnu long name with nul": longname(b"a\0/../up") + file(b"a"),
    "gnu long name twice": longname(b"a") + longname(b"b") + file(b"c"),
    "gnu and pax": longname(b"a") + pax(record(b"path", b"b")) + file(b"c"),
    "gnu long name for nothing": longname(b"a"),
    "prefix": file(b"up", prefix=b".."),
    "absolute prefix": file(b"up", prefix=b"/etc"),
    "checksum": b"b" + file(b"a")[1:],
    "deep": file(b"a/" * 49 + b"a") + pax(record(b"path", b"a/" * 64 + b"a")) + file(b"b"),
    "one zero block, then more": file(b"a") + bytes(512) + file(b"b"),
    "data after the end": file(b"a") + END + file(b"b"),
}


@contextlib.contextmanager
def guarded_folder() -> Iterator[Path]:
    """A folder in a tree of sentinels; nothing but what is below ``target`` may change."""
    with tempfile.TemporaryDirectory() as root:
        base = Path(root) / "one/two"
        base.mkdir(parents=True)
        for folder in (Path(root), Path(root) / "one", base):
            for name in ("up", "etc", "passwd"):
                (folder / name).write_text("sentinel")
        before = on_disk(Path(root))
        yield base
        after = {n: d for n, d in on_disk(Path(root)).items() if not n.startswith("one/two/target")}
        assert after == before


@pytest.mark.parametrize("tar", HOSTILE.values(), ids=HOSTILE)
def test_hostile_archives_are_refused_whole(tar: bytes) -> None:
    data = gzip.compress(file(b"good") + tar + END)
    with guarded_folder() as base:
        (base / "a.tar.gz").write_bytes(data)
        with pytest.raises(ArchiveError) as caught:
            ArchiveReader(base / "a.tar.gz").extract_all(base / "target")
        assert str(base / "a.tar.gz") in str(caught.value)
        assert caught.value.hint
        assert not (base / "target").exists()
        (base / "a.tar.gz").unlink()


@pytest.mark.parametrize("tar", HOSTILE.values(), ids=HOSTILE)
def test_hostile_members_behind_a_large_one_are_refused_too(tar: bytes) -> None:
    # large archives are not read to their end when they are opened
    large = file(b"large", NOISE)
    with guarded_folder() as base:
        data = BytesIO()
        with gzip.GzipFile(fileobj=data, mode="wb", compresslevel=0) as target:
            target.write(large + tar + END)
        with opened(data.getvalue()) as archive:
            assert archive.read("large") == NOISE
            with pytest.raises(ArchiveError):
                archive.extract_all(base / "target")
            with pytest.raises(ArchiveError):
                archive.verify()
        assert not (base / "target").exists()


NOISE = random.Random(1).randbytes((4 << 20) + 1)


@pytest.mark.parametrize("size", [b"7", b"-7", b"", b"00000000000000002561"])
def test_a_recorded_size_that_is_wrong_is_refused(size: bytes) -> None:
    comment = pax(record(b"comment", b"TG.archive_bytes=" + size), kind=b"g")
    with pytest.raises(ArchiveError, match="recorded"):
        opened(gzip.compress(comment + file(b"a") + END))


@pytest.mark.parametrize(
    "lines",
    [
        [TableLine("c", 4, False)],
        [TableLine("b", 5, False)],
        [TableLine("b", 4, True)],
        [TableLine("b", 4, False), TableLine("c", 4, False)],
        [TableLine("../b", 4, False)],
        [TableLine("b", 4, False), TableLine("a\x1b", 4, False)],
    ],
)
def test_a_table_that_lies_is_refused(lines: list[TableLine]) -> None:
    members = file(b"a") + file(b"b") + END
    assert contents(gzip.compress(with_table(members, 1, [TableLine("b", 4, False)]))) == {
        "a": b"data",
        "b": b"data",
    }
    for before in (0, 1, 2, 3):
        with pytest.raises(ArchiveError):
            opened(gzip.compress(with_table(members, before, lines)))


def with_table(members: bytes, before: int, table: list[TableLine]) -> bytes:
    size = len(size_header(0, before, table)) + len(members)
    return size_header(size, before, table) + members


@pytest.mark.parametrize("text", ["1", "x\n4 b", "1\nx b", "1\n4", "1\n", "-1\n4 b"])
def test_a_malformed_table_is_refused(text: str) -> None:
    comment = record(b"comment", b"TG.archive_bytes=00000000000000004096\n" + text.encode())
    tar = pax(comment, kind=b"g") + file(b"a") + file(b"b") + END
    assert len(tar) == 4096
    with pytest.raises(ArchiveError):
        opened(gzip.compress(tar))


@pytest.mark.parametrize(
    "tail", [b"\0", b"\0" * 512, b"garbage", b"\x1f\x8b", gzip.compress(b"x", mtime=0)], ids=repr
)
def test_nothing_may_follow_the_archive(tail: bytes) -> None:
    with pytest.raises(ArchiveError):
        opened(ours() + tail)


def test_limits_are_kept() -> None:
    data = ours({**FILES, "zeros": bytes(50_000)})
    opened(data)
    for limits, why in (
        (Limits(max_members=3), "max_members"),
        (Limits(max_total_bytes=20_000), "max_total_bytes"),
        (Limits(max_name_bytes=10), "max_name_bytes"),
        (Limits(max_depth=2), "max_depth"),
        (Limits(max_ratio=20, ratio_free_bytes=1000), "max_ratio"),
    ):
        with pytest.raises(ArchiveError, match=why):
            opened(data, limits)


def test_a_bomb_is_stopped_early() -> None:
    bomb = BytesIO()
    with gzip.GzipFile(fileobj=bomb, mode="wb", compresslevel=9) as target:
        target.write(header(b"bomb", 8**11 - 1))
        for _ in range(64):
            target.write(bytes(1 << 20))
    started = time.thread_time()
    with pytest.raises(ArchiveError, match="max_ratio"):
        opened(bomb.getvalue(), Limits(ratio_free_bytes=16 << 20)).verify()
    with pytest.raises(ArchiveError, match="max_total_bytes"):
        opened(bomb.getvalue(), Limits(max_total_bytes=1 << 30))
    assert time.thread_time() - started < 2


@pytest.fixture(scope="module")
def million() -> bytes:
    """A million empty members in 10 MB."""
    names = range(100_000)
    block = b"".join(member_header(f"{i}", 0, is_dir=False) for i in names)
    return gzip.compress(block, 1) * 10


def test_a_million_members_are_bounded_in_time(million: bytes) -> None:
    started = time.thread_time()
    with pytest.raises(ArchiveError, match="max_members"):
        opened(million).verify()
    assert time.thread_time() - started < 10


def test_many_tiny_gzip_members_are_bounded_in_time() -> None:
    started = time.thread_time()
    with pytest.raises(ArchiveError, match="pieces"):
        opened(gzip.compress(b"") * 100_000)
    assert time.thread_time() - started < 2


# ---------------------------------------------------------------- any bytes at all

WHOLE = ours()


def extracted_or_refused(data: bytes) -> dict[str, bytes] | None:
    with guarded_folder() as base:
        try:
            with opened(data) as archive:
                return on_disk(archive.extract_all(base / "target"))
        except ArchiveError:
            assert list(base.glob("target*")) == []
            assert not [p for p in base.iterdir() if p.name.startswith(".")]
            return None


mutations = st.lists(
    st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), min_size=1, max_size=4
)


@settings(deadline=None)
@given(mutations)
def test_a_damaged_archive_gives_everything_or_nothing(changes: list[tuple[int, int]]) -> None:
    data = bytearray(WHOLE)
    for position, value in changes:
        data[position] = value
    # some bytes do not matter: the time in the header, or a match that is found elsewhere too
    assert extracted_or_refused(bytes(data)) in (None, FILES)


@settings(deadline=None)
@given(st.integers(0, len(WHOLE) - 1))
def test_a_cut_off_archive_gives_nothing(length: int) -> None:
    assert extracted_or_refused(WHOLE[:length]) is None


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 511), st.binary(min_size=1, max_size=30)), min_size=1, max_size=3
    ),
    st.sampled_from(
        [file(b"a"), header(b"d/", kind=b"5"), pax(record(b"path", b"p")), longname(b"l")]
    ),
)
def test_no_header_writes_outside(changes: list[tuple[int, bytes]], block: bytes) -> None:
    forged = bytearray(block)
    for position, value in changes:
        forged[position : position + len(value)] = value[: 512 - position]
    forged[148:156] = b" " * 8
    forged[148:156] = b"%06o\0 " % sum(forged[:512])
    extracted_or_refused(gzip.compress(bytes(forged) + file(b"next") + END))


hostile_names = st.lists(
    st.sampled_from(
        ["..", ".", "", "a", "up", "/", "\\", "C:", "\0", "~", "a" * 300, "é", " ", "…"]
    ),
    min_size=1,
    max_size=6,
).map("/".join)


@settings(deadline=None)
@given(st.lists(st.tuples(hostile_names, st.sampled_from([b"0", b"5", b"\0", b"2", b"1"]))))
def test_no_name_writes_outside(members: list[tuple[str, bytes]]) -> None:
    tar = b"".join(
        pax(record(b"path", name.encode())) + header(b"x", kind=kind, link=b"../up")
        for name, kind in members
    )
    extracted_or_refused(gzip.compress(tar + END))


@settings(deadline=None)
@given(st.binary(max_size=2000))
def test_any_bytes_are_refused_with_the_right_error(data: bytes) -> None:
    assert extracted_or_refused(data) is None
    extracted_or_refused(gzip.compress(data + END))


@settings(deadline=None)
@given(st.binary(max_size=600))
def test_any_pax_data_is_refused_with_the_right_error(data: bytes) -> None:
    extracted_or_refused(gzip.compress(pax(data) + file(b"a") + END))
