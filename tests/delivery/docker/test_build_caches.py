"""Downloads that builds keep are large; those of other projects are not ours to take."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from own_engine import OwnEngine

from tg.common._core.errors import EngineError
from tg.common.delivery.docker.builder import find_builder
from tg.common.delivery.docker.caches import BuildCaches
from tg.common.delivery.docker.engine import DockerEngine

BASE = (
    os.environ.get("TG_BASE_IMAGE")
    or f"python:{sys.version_info.major}.{sys.version_info.minor}-slim"
)
RUN = "RUN --mount=type=cache,id={id},target={target} echo 0123456789 > {target}/x"


def mounts(engine: DockerEngine) -> list[str]:
    form = "{{range .BuildCache}}{{json .}}{{println}}{{end}}"
    lines = engine.lines(["system", "df", "--verbose", "--format", form])
    caches = [json.loads(line) for line in lines if line.startswith("{")]
    return [c["Description"] for c in caches if c["CacheType"] == "exec.cachemount"]


@pytest.mark.docker
@pytest.mark.slow
def test_only_our_downloads_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "engine").mkdir()
    (tmp_path / "context").mkdir()
    with OwnEngine(tmp_path / "engine") as own:
        own.load_image(BASE)
        monkeypatch.setenv("DOCKER_HOST", own.host)
        engine = DockerEngine()
        builder = find_builder(engine)
        if not builder.is_buildkit:
            pytest.skip("no client here has BuildKit")
        ours = RUN.format(id="training-grounds-uv", target="/run/tg/cache")
        theirs = RUN.format(id="pip", target="/root/.cache")
        (tmp_path / "context" / "Dockerfile").write_text(f"FROM {BASE}\n{ours}\n{theirs}\n")
        engine.call(
            ["build", "--tag", "any:1", str(tmp_path / "context")],
            program=builder.program,
            env={"DOCKER_BUILDKIT": "1"},
        )
        for volume in ("training-grounds-uv", "data"):
            engine.call(["volume", "create", volume])

        user = ["--mount", "type=volume,source=training-grounds-uv,target=/x"]
        engine.call(["create", "--name", "user", *user, BASE, "true"])
        caches = BuildCaches(engine)
        found = caches.find()
        assert [cache.kind for cache in found] == ["volume", "mount"]
        assert found[1].size_bytes > 0
        with pytest.raises(EngineError, match="in use"):
            caches.remove(found[0])
        engine.call(["rm", "user"])

        command = [sys.executable, "-m", "tg.cli.main", "images", "prune", "--caches", "--json"]
        done = subprocess.run([*command, "--yes"], capture_output=True, text=True, check=True)
        gone = json.loads(done.stdout)["removed"]
        assert [row["kind"] for row in gone] == ["volume", "mount"]
        assert caches.find() == []
        for cache in found:
            caches.remove(cache)  # another one was faster
        assert [text.split(" from ")[0] for text in mounts(engine)] == ["cached mount /root/.cache"]
        assert engine.lines(["volume", "ls", "--quiet"]) == ["data"]
        tags = engine.lines(["image", "ls", "--format", "{{.Repository}}:{{.Tag}}"])
        assert set(tags) == {BASE, "any:1"}
