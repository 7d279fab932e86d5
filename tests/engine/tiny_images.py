"""Images of a few bytes, labelled as ours are, in the machine's engine.

That engine belongs to everybody: every name here is of this object alone, and all is removed at its
end. Tests give these names to whatever they try.
"""

from __future__ import annotations

import io
import os
import secrets
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tg.common.delivery.docker.engine import DockerEngine

__all__ = ["TinyImages"]


class TinyImages:
    """Makes images and containers, as a context.

    Parameters
    ----------
    folder
        An empty folder.
    """

    def __init__(self, folder: Path) -> None:
        self.prefix = f"tg-tiny-{secrets.token_hex(5)}"
        self.engine = DockerEngine()
        self._folder = folder

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        mine = ["--filter", f"name={self.prefix}"]
        for name in self.engine.lines(["ps", "--all", "--quiet", *mine]):
            self._try("rm", "--force", name)
        for _ in range(2):  # what stands on another one goes first
            for image in self.images():
                self._try("image", "rm", "--force", image)

    @property
    def pattern(self) -> str:
        """Matches whatever is made here."""
        return f"{self.prefix}*"

    def images(self) -> list[str]:
        """Give the ids of all images that were made here."""
        own = self.engine.lines(
            ["image", "ls", "--no-trunc", "--quiet", "--filter", f"label=test={self.prefix}"]
        )
        return list(dict.fromkeys(own))

    def tags(self) -> set[str]:
        """Give the names of all images that were made here, without the prefix."""
        form = "{{.Repository}}:{{.Tag}}"
        args = ["image", "ls", "--format", form, "--filter", f"label=test={self.prefix}"]
        return {line.removeprefix(self.prefix).lstrip("-") for line in self.engine.lines(args)}

    def foreign(self, name: str) -> str:
        """Make an image that has no label of ours, and give its id."""
        return self._import(f"{self.prefix}-{name}:1", {})

    def image(
        self, name: str, version: str = "1", *, base: str = "", key: str = "", tag: str = ""
    ) -> str:
        """Make an image of a package, and give its id."""
        repository = f"{self.prefix}-{name}"
        full = f"{repository}:{tag or version}"
        labels = {
            "training-grounds.kind": "image",
            "training-grounds.name": repository,
            "training-grounds.version": version,
            "training-grounds.reference": full,
            "training-grounds.dependencies": key,
        }
        return self._build(full, base, labels) if base else self._import(full, labels)

    def dependencies(self, key: str, *, base: str = "") -> str:
        """Make an image of dependencies, and give its name."""
        name = f"localhost/training-grounds/dependencies:{key}"
        labels = {
            "training-grounds.kind": "dependencies",
            "training-grounds.name": f"{self.prefix}-base",
            "training-grounds.reference": name,
            "training-grounds.dependencies": key,
        }
        _ = self._build(name, base, labels) if base else self._import(name, labels)
        return name

    def derived(self, name: str, base: str) -> str:
        """Make what a user builds on an image of ours; it has that one's labels."""
        return self._build(f"{self.prefix}-{name}:1", base, {})

    def runnable(self, name: str) -> str:
        """Make an image of a package that has a shell."""
        own = f"python:{sys.version_info.major}.{sys.version_info.minor}-slim"
        return self.image(name, base=os.environ.get("TG_BASE_IMAGE") or own)

    def container(self, name: str, image: str, *args: str, kind: str = "", start: bool) -> str:
        """Make a container, and give its full name; it has `args` as its command."""
        full = f"{self.prefix}-{name}"
        labels = ["--label", f"training-grounds.kind={kind}"] if kind else []
        labels += ["--label", f"training-grounds.run={full}"] if kind == "run" else []
        # runs have folders mounted: they tell the sessions that use the engine whose one is left
        place = ["--mount", f"type=bind,source={self._folder},target=/tiny,readonly"]
        how = ["run", "--detach"] if start else ["create"]
        self.engine.call([*how, "--name", full, *labels, *place, image, *args])
        return full

    def has(self, container: str) -> bool:
        """Whether there is such a container."""
        names = self.engine.lines(["ps", "--all", "--format", "{{.Names}}"])
        return container in names

    def _import(self, name: str, labels: Mapping[str, str]) -> str:
        args = ["import"]
        for key, value in {**labels, "test": self.prefix}.items():
            args += ["--change", f"LABEL {key}={value}"]
        path = self._folder / f"{secrets.token_hex(4)}.tar"
        with tarfile.open(path, "w") as archive:
            content = secrets.token_bytes(1_000)  # no two layers are the same
            member = tarfile.TarInfo("content")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        return self.engine.call([*args, str(path), name]).output.strip()

    def _build(self, name: str, base: str, labels: Mapping[str, str]) -> str:
        context = self._folder / secrets.token_hex(4)
        context.mkdir()
        (context / "content").write_bytes(secrets.token_bytes(1_000))
        (context / "Dockerfile").write_text(f"FROM {base}\nCOPY content /content-{context.name}\n")
        args = ["build", "--quiet", "--tag", name]
        for key, value in {**labels, "test": self.prefix}.items():
            args += ["--label", f"{key}={value}"]
        env = {"DOCKER_BUILDKIT": "0"}
        self.engine.call([*args, str(context)], env=env)
        return self.engine.call(["image", "inspect", "--format", "{{.Id}}", name]).output.strip()

    def _try(self, *args: str) -> None:
        subprocess.run([self.engine.program, *args], capture_output=True, check=False)
