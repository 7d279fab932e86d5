"""The built wheel works away from the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = tmp_path_factory.mktemp("source")
    # a copy: a build leaves folders behind, and the checkout must stay as it is
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    for name in listed:
        needed = name.startswith(("tg/", "templates/")) or "/" not in name
        if needed and (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    target = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", target]
    done = subprocess.run([*build, source], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = target.glob("*.whl")
    return path


@pytest.mark.slow
def test_the_wheel_holds_every_module_and_every_template(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for path in (ROOT / "tg").rglob("*.py"):
        assert path.relative_to(ROOT).as_posix() in names
    for path in (ROOT / "templates").rglob("*"):
        if path.is_file():
            assert f"tg/_templates/{path.relative_to(ROOT / 'templates').as_posix()}" in names
    assert "tg/py.typed" in names
    assert not [name for name in names if name.startswith(("tests", "benchmarks"))]


@pytest.mark.slow
def test_a_training_runs_from_the_installed_wheel(wheel: Path, tmp_path: Path) -> None:
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "--quiet", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run(
        [*uv, "pip", "install", "--quiet", "--python", python, wheel],
        env={**os.environ, "UV_HTTP_TIMEOUT": "600"},
        check=True,
    )
    (tmp_path / "train.py").write_text(
        textwrap.dedent("""
            from pathlib import Path

            import pandas as pd
            import tg
            from tg.common.delivery.sagemaker import DOCKERFILE_TEMPLATE, SagemakerRoutine
            from tg.common.ml.training_core import FunctionTask

            def train(data, env, *, factor=2):
                return {"total": float(data["x"].sum() * factor)}

            if __name__ == "__main__":
                assert "site-packages" in tg.__file__
                assert "FROM" in DOCKERFILE_TEMPLATE
                folder = Path("datasets/p")
                folder.mkdir(parents=True)
                pd.DataFrame({"x": [1, 2]}).to_parquet(folder / "d.parquet")
                routine = SagemakerRoutine(
                    FunctionTask(train), "d.parquet", "p", datasets_folder="datasets"
                )
                executor = routine.process()
                run_id = executor.execute({"factor:int": 5})
                print(executor.load_result(run_id).metrics)
        """)
    )
    done = subprocess.run(
        [python, "train.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "{'total': 15.0}"
