from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tg.common._core.errors import (
    ArchiveError,
    ConfigError,
    FormatError,
    ProtocolError,
    ResultError,
)
from tg.common.delivery.execution import ResultLoader
from tg.common.delivery.sagemaker import SagemakerRoutine
from tg.common.ml.training_core import FunctionTask


def train(data: pd.DataFrame, env: Any, *, scale: float = 1.0) -> dict[str, float]:
    env.store_artifact(["runs", 0], "model", {"scale": scale})
    env.store_artifact(["runs", 0], "result_df", data)
    env.store_artifact(["runs", 0, "curves"], "loss", [3, 2, 1])
    return {"total": float(data["x"].sum()) * scale}


@pytest.fixture
def result_file(project: Path) -> Path:
    folder = project / "datasets" / "p"
    folder.mkdir(parents=True)
    pd.DataFrame({"x": [1, 2]}).to_parquet(folder / "d.parquet")
    routine = SagemakerRoutine(
        FunctionTask(train), "d.parquet", "p", datasets_folder=project / "datasets", name="Small"
    )
    return routine.attached().submit().result().path


def rewritten(
    source: Path, target: Path, change: Callable[[dict[str, bytes]], Mapping[str, bytes]]
) -> Path:
    """Write the archive as another tool would, with other content."""
    with tarfile.open(source) as archive:
        files = {m.name: archive.extractfile(m).read() for m in archive if m.isfile()}
    with tarfile.open(target, "w:gz") as archive:
        for name, data in change(files).items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return target


def test_artifacts_are_opened_one_by_one(result_file: Path) -> None:
    result = ResultLoader(result_file)
    assert result.metrics == {"total": 3.0}
    assert result.model == {"scale": 1.0}
    assert result.result_df["x"].tolist() == [1, 2]
    assert result.unpickle("runs/0/curves/loss.pkl") == [3, 2, 1]
    path = result.get_path("runs/0/result_df.parquet")
    assert pd.read_parquet(path)["x"].tolist() == [1, 2]
    assert result.get_path("runs/0/result_df.parquet") == path


def test_a_folder_is_unpacked_whole(result_file: Path) -> None:
    folder = ResultLoader(result_file).get_path("runs/0/curves")
    assert [path.name for path in folder.iterdir()] == ["loss.pkl"]
    everything = ResultLoader(result_file).get_path("runs/")
    assert (everything / "0" / "model.pkl").is_file()
    assert (everything / "0" / "curves" / "loss.pkl").is_file()


def test_a_notebook_shows_metrics_and_names_and_escapes_them(result_file: Path) -> None:
    html = ResultLoader(result_file)._repr_html_()
    assert "<td>total</td><td>3</td>" in html
    assert "runs/0/model.pkl" in html
    assert str(result_file) in repr(ResultLoader(result_file))


def test_the_other_documented_name_of_the_package_is_read(
    result_file: Path, tmp_path: Path
) -> None:
    def rename(files: dict[str, bytes]) -> dict[str, bytes]:
        files["package.tar.gz"] = files.pop("package.tag.gz")
        return files

    result = ResultLoader(rewritten(result_file, tmp_path / "model.tar.gz", rename))
    assert result.package.manifest.name == "Small"
    assert result.list()[0] == "package.tar.gz"


def test_another_archive_at_the_same_path_is_another_result(
    result_file: Path, tmp_path: Path
) -> None:
    def change(files: dict[str, bytes]) -> dict[str, bytes]:
        files["task.json"] = b"changed"
        return files

    assert ResultLoader(result_file).get_path("task.json").read_bytes() != b"changed"
    rewritten(result_file, tmp_path / "new.tar.gz", change).replace(result_file)
    assert ResultLoader(result_file).get_path("task.json").read_bytes() == b"changed"


def test_unknown_protocols_are_refused(result_file: Path, tmp_path: Path) -> None:
    def future(files: dict[str, bytes]) -> dict[str, bytes]:
        for name in ("manifest.json", "metrics.json"):
            files[name] = json.dumps({**json.loads(files[name]), "protocol": 77}).encode()
        return files

    result = ResultLoader(rewritten(result_file, tmp_path / "f.tar.gz", future))
    with pytest.raises(ProtocolError, match="77"):
        _ = result.metrics
    with pytest.raises(ProtocolError, match="77"):
        _ = result.model


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b"\xff", b'{"protocol": 1}'])
def test_damaged_json_is_told(result_file: Path, tmp_path: Path, text: bytes) -> None:
    def damage(files: dict[str, bytes]) -> dict[str, bytes]:
        return {**files, "metrics.json": text, "manifest.json": text}

    result = ResultLoader(rewritten(result_file, tmp_path / "f.tar.gz", damage))
    with pytest.raises(FormatError, match=r"metrics\.json"):
        _ = result.metrics
    with pytest.raises(FormatError, match=r"manifest\.json"):
        _ = result.manifest


def test_missing_parts_are_named(result_file: Path, tmp_path: Path) -> None:
    result = ResultLoader(
        rewritten(result_file, tmp_path / "f.tar.gz", lambda f: {"runs/0/model.pkl": b""})
    )
    with pytest.raises(ResultError, match=r"metrics\.json"):
        _ = result.metrics
    with pytest.raises(ResultError, match="package"):
        _ = result.package
    with pytest.raises(ConfigError, match="tomorrow"):
        ResultLoader(result_file).unpickle("runs/0/model.pkl", code="tomorrow")


def test_a_truncated_or_absent_result_does_not_open(result_file: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.tar.gz"
    cut.write_bytes(result_file.read_bytes()[:-100])
    with pytest.raises(ArchiveError):
        ResultLoader(cut)
    with pytest.raises(ArchiveError, match="nowhere"):
        ResultLoader(tmp_path / "nowhere.tar.gz")


def test_threads_forks_and_copies_read_the_same(result_file: Path) -> None:
    import copy
    import multiprocessing
    import pickle
    from concurrent.futures import ThreadPoolExecutor

    result = ResultLoader(result_file)
    names = [name for name in result.list() if name.endswith(".pkl")] * 20
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(result.unpickle, names)) == [result.unpickle(n) for n in names]
    with multiprocessing.get_context("fork").Pool(3) as pool:
        assert pool.map(result.unpickle, names) == [result.unpickle(n) for n in names]
    assert pickle.loads(pickle.dumps(result)).metrics == result.metrics
    assert copy.deepcopy(result).metrics == result.metrics


def test_a_frame_that_parquet_cannot_hold_is_kept_as_it_is(project: Path) -> None:
    def odd(data: pd.DataFrame, env: Any) -> None:
        env.store_artifact(["runs", 0], "result_df", pd.DataFrame({"a": [1, "x", object]}))

    folder = project / "datasets" / "p"
    folder.mkdir(parents=True)
    pd.DataFrame({"x": [1, 2]}).to_parquet(folder / "d.parquet")
    routine = SagemakerRoutine(
        FunctionTask(odd), "d.parquet", "p", datasets_folder=project / "datasets", name="Odd"
    )
    result = routine.attached().submit().wait().result()
    assert "runs/0/result_df.pkl" in result.list()
    assert result.result_df["a"].tolist() == [1, "x", object]
