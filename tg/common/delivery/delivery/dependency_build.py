"""Making an image of dependencies, by either builder, without a secret in any layer."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..._core.errors import CommandError, EngineError
from ..._core.file_lock import FileLock
from ..._core.loc import Loc
from ..docker.build import ImageBuild, build_error, check_still_there
from ..docker.builder import Builder
from ..docker.containers import Containers, ContainerSpec, Mount
from ..docker.engine import DockerEngine
from ..docker.images import ImageStore
from ..docker.labels import UV_CACHE, UV_CACHE_PLACE, Kind, Label
from ..docker.scratch_folder import scratch_folder
from .build_secrets import BuildSecrets
from .dependency_image import FILES_PLACE, DependencyImage
from .uv_binary import uv_for

__all__ = ["DependencyBuild"]

_OUT_PLACE = "/run/tg/out"
_ARCHIVE = "venv.tar"
_INSTALL_AND_PACK = (
    f"sh {FILES_PLACE}/install.sh"
    f" && cd /opt && venv/bin/python -m tarfile --create {_OUT_PLACE}/{_ARCHIVE} venv"
)
_LOCK_SECONDS = 7_200.0


class DependencyBuild:
    """Makes one image of dependencies.

    Parameters
    ----------
    image
        What it is made of.
    engine
        Where it is kept.
    builder
        What builds it.
    on_line
        Called with each line of progress.
    """

    def __init__(
        self,
        image: DependencyImage,
        engine: DockerEngine,
        builder: Builder,
        on_line: Callable[[str], None] | None = None,
    ) -> None:
        self._image = image
        self._engine = engine
        self._builder = builder
        self._on_line = on_line

    def run(self) -> None:
        """Build it unless it is there.

        Raises
        ------
        ImageBuildError
            A step failed; what it printed is in the error.
        EngineUnavailableError
            The engine is not there, or went away.
        """
        lock = Loc.user_cache_path / "images" / f"{self._image.key}.lock"
        with FileLock(lock, _LOCK_SECONDS):
            if ImageStore(self._engine).find(self._image.reference) is None:
                with self._files() as files:
                    if self._builder.is_buildkit:
                        self._build(files)
                    else:
                        self._install_and_add(files)

    def _build(self, files: _Files) -> None:
        """Install in a step that has everything mounted."""
        mounts = [
            f"type=bind,source={files.folder.name},target={FILES_PLACE}",
            f"type=cache,id={UV_CACHE},target={UV_CACHE_PLACE}",
            *(f"type=secret,id={name}" for name in sorted(files.secrets)),
        ]
        options = " ".join(f"--mount={mount}" for mount in mounts)
        install = f"RUN {options} sh {FILES_PLACE}/install.sh"
        text = self._image.dockerfile.dependencies(install)
        self._build_text(text, files, files.folder.parent, tag=self._image.reference)

    def _install_and_add(self, files: _Files) -> None:
        """Install in a container that has everything mounted: the classic builder mounts nothing.

        What it has installed comes out as an archive and is added to what it started from. An
        image of the container itself would keep its configuration, such as the proxies that the
        client is set up with, and an empty file for each secret.
        """
        out = files.folder.parent / "out"
        out.mkdir()
        out.chmod(0o777)  # root of the container may be nobody here; what it lies in is ours alone
        dockerfile = self._image.dockerfile
        head = self._build_text(dockerfile.before_installation, files, out, tag=None)
        containers = Containers(self._engine)
        spec = self._installation(head, files, out)
        try:
            containers.run(spec, self._on_line, files.secret_texts)
        except EngineError as exc:
            check_still_there(self._engine, exc)
            output = exc.__cause__.output if isinstance(exc.__cause__, CommandError) else str(exc)
            raise build_error(self._image.reference, "install.sh", output) from exc
        finally:
            containers.remove(spec.name)
        text = dockerfile.after_installation(head, f"ADD {_ARCHIVE} /opt/")
        self._build_text(text, files, out, tag=self._image.reference)

    def _installation(self, head: str, files: _Files, out: Path) -> ContainerSpec:
        # the shell as process 1 would ignore the signal that an interrupted client passes on
        options = ["--init", "--entrypoint", "sh"]
        options += ["--platform", self._image.platform] if self._image.platform else []
        options += ["--network", files.network] if files.network else []
        return ContainerSpec(
            name=f"training-grounds-build-{secrets.token_hex(6)}",
            image=head,
            command=("-c", _INSTALL_AND_PACK),
            labels={Label.KIND: Kind.BUILD, Label.DEPENDENCIES: self._image.key},
            mounts=(
                Mount(source=files.folder, target=FILES_PLACE, is_read_only=True),
                Mount(source=out, target=_OUT_PLACE),
                Mount(source=UV_CACHE, target=UV_CACHE_PLACE),
                *(
                    Mount(source=path, target=f"/run/secrets/{name}", is_read_only=True)
                    for name, path in sorted(files.secrets.items())
                ),
            ),
            options=tuple(options),
        )

    def _build_text(self, text: str, files: _Files, context: Path, *, tag: str | None) -> str:
        build = ImageBuild(
            dockerfile=text,
            context=context,
            tag=tag,
            labels={
                Label.KIND: Kind.DEPENDENCIES,
                Label.DEPENDENCIES: self._image.key,
                Label.NAME: self._image.base_name,
                Label.REFERENCE: self._image.reference,
            },
            platform=self._image.platform,
            network=files.network,
            secrets=files.secrets,
            secret_texts=files.secret_texts,
        )
        return build.run(self._engine, self._builder, self._on_line)

    @contextmanager
    def _files(self) -> Iterator[_Files]:
        given = BuildSecrets.of(
            lock=self._image.requirements.lines,
            platform=self._image.base.platform,
            python_version=self._image.python_numbers,
        )
        with scratch_folder() as root:
            folder = root / "context" / "files"
            (folder / "wheels").mkdir(parents=True)
            for wheel in given.wheels:
                shutil.copyfile(wheel, folder / "wheels" / wheel.name)
            shutil.copy(uv_for(self._image.base.platform), folder / "uv")
            for name, text in self._image.files.items():
                (folder / name).write_text(text, encoding="utf-8")
            # readable for any user, whatever the umask of this process
            for path in (folder, *folder.rglob("*")):
                path.chmod(0o755 if path.is_dir() or path.name == "uv" else 0o644)
            paths = {f"tg_{name}": root / f"tg_{name}" for name in given.files}
            for name, content in given.files.items():
                paths[f"tg_{name}"].write_bytes(content)  # in a folder that is ours alone
            # an index or a proxy at localhost is reached from the network that has it
            network = self._image.network or ("host" if given.loopback_hosts else None)
            yield _Files(
                folder=folder, secrets=paths, secret_texts=given.secret_texts, network=network
            )


@dataclass(frozen=True, kw_only=True)
class _Files:
    """What an installation reads; there for as long as it takes."""

    folder: Path
    secrets: Mapping[str, Path]
    secret_texts: tuple[str, ...]
    network: str | None
