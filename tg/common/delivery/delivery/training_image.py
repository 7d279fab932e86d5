"""The image that a training runs in: found by its content, or built."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass

from ..._core.loc import Loc
from ..docker.build import ImageBuild
from ..docker.builder import find_builder
from ..docker.engine import DockerEngine
from ..docker.images import ImageStore
from ..docker.labels import Kind, Label
from ..docker.scratch_folder import scratch_folder
from .commit import Commit
from .dependency_build import DependencyBuild
from .dependency_image import DependencyImage
from .dockerfile import Dockerfile
from .image_context import render_run_file, write_image_files
from .image_name import ImageName
from .packaging import Package

__all__ = ["Image", "TrainingImage"]

_PROTOCOL = 1


@dataclass(frozen=True, kw_only=True)
class Image:
    """An image in the engine.

    Attributes
    ----------
    id
        Its digest, ``sha256:…``: what is run. The name may go to another image.
    reference
        Its name and tag.
    content_hash
        The hash of all that decides what is in it, as hexadecimal digits.
    dependencies
        The name and tag of the image it stands on, which holds the lock.
    was_built
        Whether it was made now; ``False`` if it was there.
    """

    id: str
    reference: str
    content_hash: str
    dependencies: str
    was_built: bool


@dataclass(frozen=True, kw_only=True)
class TrainingImage:
    """All that decides what is in an image.

    Attributes
    ----------
    package
        The code.
    dockerfile
        The rendered template.
    dependencies
        What it stands on.
    name
        What it is called.
    run_file_name
        What the script that starts the training is called in it.
    """

    package: Package
    dockerfile: Dockerfile
    dependencies: DependencyImage
    name: ImageName
    run_file_name: str

    @property
    def content_hash(self) -> str:
        """The hash of it, as hexadecimal digits."""
        manifest = self.package.manifest
        parts = [
            _PROTOCOL,
            self.dependencies.key,
            self.dockerfile.final,
            manifest.module_name,
            manifest.content_hash,
            self.run_file_name,
            render_run_file(manifest.module_name, self.run_file_name),
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def make(
        self,
        engine: DockerEngine,
        builder: str | None,
        on_line: Callable[[str], None] | None,
    ) -> Image:
        """Find it in the engine, or build it there.

        Parameters
        ----------
        engine
            Where it is kept.
        builder
            The kind of builder; the best there is if ``None``.
        on_line
            Called with each line of progress.

        Raises
        ------
        ImageBuildError
            A step failed; what it printed is in the error.
        """
        found = self._find(ImageStore(engine))
        return Image(
            id=found or self._build(engine, builder, on_line),
            reference=str(self.name),
            content_hash=self.content_hash,
            dependencies=self.dependencies.reference,
            was_built=found is None,
        )

    def _find(self, images: ImageStore) -> str | None:
        named = images.find(str(self.name))
        if named is not None and named.labels.get(Label.CONTENT_HASH) == self.content_hash:
            return named.id
        image_id = images.find_content(self.content_hash)
        if image_id is not None:
            images.tag(image_id, str(self.name))
        return image_id

    def _build(
        self,
        engine: DockerEngine,
        kind: str | None,
        on_line: Callable[[str], None] | None,
    ) -> str:
        builder = find_builder(engine, kind)
        if on_line is not None:
            on_line(f"Building image {self.name} with {builder.kind}")
        DependencyBuild(self.dependencies, engine, builder, on_line).run()
        with scratch_folder() as context:
            (context / "image").mkdir()
            write_image_files(context / "image", self.package, self.run_file_name)
            build = ImageBuild(
                dockerfile=self.dockerfile.image(self.dependencies.reference),
                context=context,
                tag=str(self.name),
                labels=self._labels(),
                platform=self.dependencies.platform,
                network=self.dependencies.network,
            )
            return build.run(engine, builder, on_line)

    def _labels(self) -> dict[str, str]:
        manifest = self.package.manifest
        commit = Commit.of(Loc.root_path)
        origin = (
            {}
            if commit is None
            else {
                Label.COMMIT: str(commit),
                "org.opencontainers.image.revision": commit.hash,
            }
        )
        return {
            Label.KIND: Kind.IMAGE,
            Label.NAME: manifest.name,
            Label.VERSION: manifest.version,
            Label.REFERENCE: str(self.name),
            Label.CONTENT_HASH: self.content_hash,
            Label.DEPENDENCIES: self.dependencies.key,
            "org.opencontainers.image.title": self.name.name,
            "org.opencontainers.image.version": manifest.version,
            **origin,
        }
