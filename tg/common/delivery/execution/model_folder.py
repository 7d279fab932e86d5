"""What a training left in its model folder, as members of the result's archive."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..._core.archive_writer import Member
from ..._core.errors import ArchiveError

__all__ = ["ModelFolder"]

_MOST_LINKS = 40  # as many as Linux follows (path_resolution(7))


class ModelFolder:
    """The folder, and how the training saw it.

    Links are followed within the folder and nowhere else: whatever a link made in a container led
    to, the same path of this machine is another thing, and may be a secret one.

    Parameters
    ----------
    root
        The folder.
    place
        Its path as the training saw it, where absolute links begin; that of `root` if ``None``.

    Example
    -------
    >>> import tempfile
    >>> root = Path(tempfile.mkdtemp())
    >>> _ = (root / "a").write_text("1")
    >>> (root / "b").symlink_to("/opt/ml/model/a")
    >>> [member.name for member in ModelFolder(root, "/opt/ml/model").members()]
    ['a', 'b']
    """

    def __init__(self, root: Path, place: str | None = None) -> None:
        self._root = root
        self._place = place or str(root)

    def members(self) -> Iterator[Member]:
        """Give all files and folders, sorted; of a link, what it leads to.

        Raises
        ------
        ArchiveError
            A link leads nowhere, out of the folder, or round in a circle.
        """
        # a stack, for folders may be nested deeper than functions; each with the folders that
        # links have led to on the way
        waiting: list[tuple[Path, str, tuple[Path, ...]]] = [(self._root, "", ())]
        while waiting:
            path, name, linked = waiting.pop()
            if path.is_symlink():
                link, path = path, self._target(path)
                if path in linked:
                    raise self._error(link, "leads round in a circle")
                linked = (*linked, path)
            is_dir = path.is_dir()
            if name:
                yield Member(name=name, content=None if is_dir else path)
            if is_dir:
                below = sorted((entry.name for entry in path.iterdir()), reverse=True)
                waiting += [(path / n, f"{name}/{n}" if name else n, linked) for n in below]

    def _target(self, link: Path) -> Path:
        here, steps = self._root, [*reversed(link.relative_to(self._root).parts)]
        links = 0
        while steps:
            step = steps.pop()
            if step == "..":
                if here == self._root:
                    raise self._error(link, "leads out of the model folder")
                here = here.parent
                continue
            here = here / step
            if not here.is_symlink():
                continue
            links += 1
            if links > _MOST_LINKS:
                raise self._error(link, "leads round in a circle")
            text = str(here.readlink())
            here = here.parent
            if f"{text}/".startswith(f"{self._place}/"):
                here, text = self._root, text[len(self._place) :].strip("/")
            elif text.startswith("/"):
                raise self._error(link, "leads out of the model folder")
            steps += [step for step in reversed(text.split("/")) if step not in ("", ".")]
        if not here.exists():
            raise self._error(link, "leads nowhere")
        return here

    def _error(self, link: Path, what: str) -> ArchiveError:
        return ArchiveError(
            f"{link}, a link to {str(link.readlink())!r}, {what}",
            hint="Have the training write a copy. What it has written is still in that folder.",
        )
