"""The other tests of this folder, where Ray is not installed: in an environment of their own."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import site
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[2]


@pytest.fixture(scope="session")
def ray_python(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter that has Ray on top of what this one has; it is made once, of 300 MB."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    requirements = project["optional-dependencies"]["ray"]
    key = hashlib.sha256(repr([requirements, sys.version, sys.prefix]).encode()).hexdigest()[:16]
    cache = getattr(pytestconfig, "cache", None)  # pytest can be run without
    folder = cache.mkdir("ray") if cache else tmp_path_factory.mktemp("ray")
    environment, ready = folder / key, folder / f"{key}.ready"
    python = environment / "bin" / "python"
    if not ready.exists():
        shutil.rmtree(folder)  # one of older requirements
        folder.mkdir()
        uv = [sys.executable, "-m", "uv", "--quiet"]
        for command in (
            [*uv, "venv", "--python", sys.executable, str(environment)],
            [*uv, "pip", "install", "--python", str(python), *requirements],
        ):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.skip(f"Ray cannot be installed: {done.stderr[-300:].strip()}")
        (packages,) = (environment / "lib").glob("python*/site-packages")
        (packages / "below.pth").write_text("\n".join(site.getsitepackages()))
        ready.touch()
    return python


@pytest.mark.slow
@pytest.mark.soak  # fetches 300 MB and starts a cluster
@pytest.mark.skipif(importlib.util.find_spec("ray") is not None, reason="they run as they are")
def test_trainings_on_a_cluster(ray_python: Path) -> None:
    # of what every place must do, one test here; all of them run where Ray is installed
    one = "TestRay::test_a_run_completes_and_its_result_holds_everything"
    files = [str(HERE / "test_ray_run.py"), f"{HERE / 'test_ray_conformance.py'}::{one}"]
    done = subprocess.run(
        [str(ray_python), "-m", "pytest", "-q", "-p", "no:cacheprovider", *files],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:]
    assert "skipped" not in done.stdout.splitlines()[-1]
