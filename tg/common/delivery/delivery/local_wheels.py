"""The files of a lock that lie in indexes on this disk, which no container reaches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin

from packaging.requirements import InvalidRequirement, Requirement
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from .index_location import IndexLocation
from .machine import machine_of
from .requirement import canonical, pinned_version

__all__ = ["local_wheels"]


def local_wheels(
    lock: Iterable[str],
    indexes: Sequence[Path],
    links: Sequence[Path],
    *,
    platform: str,
    python_version: tuple[int, int],
) -> tuple[Path, ...]:
    """Find the files of a lock in local indexes.

    Parameters
    ----------
    lock
        Requirements; those that name one version exactly are looked for.
    indexes
        Folders of the form of a package index (PEP 503): a folder for each library.
    links
        Folders of files, pages of links, or files.
    platform
        Where they are to be installed, such as ``linux/amd64``.
    python_version
        The Python that they are to be installed for.

    Returns
    -------
    tuple of Path
        Wheels that suit the platform; of a library that has none, its source archives. The first
        index that has a file name provides it.

    Example
    -------
    >>> local_wheels(["six==1.17.0"], [], [], platform="linux/amd64", python_version=(3, 11))
    ()
    """
    wanted = _wanted(lock)
    suits = _Compatibility(platform, python_version)
    wheels: dict[str, dict[str, Path]] = {name: {} for name in wanted}
    sources: dict[str, dict[str, Path]] = {name: {} for name in wanted}
    for path in _candidates(wanted, indexes, links):
        name, version, tags = _parse(path.name)
        if wanted.get(name) != version:
            continue
        if tags is None:
            sources[name].setdefault(path.name, path)
        elif any(map(suits, tags)):
            wheels[name].setdefault(path.name, path)
    chosen = [path for name in wanted for path in (wheels[name] or sources[name]).values()]
    return tuple(sorted(chosen, key=lambda path: path.name))


class _Compatibility:
    """Whether a wheel's tag suits a Python on Linux; how old its glibc is remains to be seen."""

    def __init__(self, platform: str, python_version: tuple[int, int]) -> None:
        self._machine = machine_of(platform)
        interpreter = f"cp{python_version[0]}{python_version[1]}"
        tags: list[Tag] = [
            *cpython_tags(python_version, [interpreter, "abi3", "none"], ["linux"]),
            *compatible_tags(python_version, interpreter, ["linux"]),
        ]
        self._pythons = {(tag.interpreter, tag.abi) for tag in tags}

    def __call__(self, tag: Tag) -> bool:
        return (tag.interpreter, tag.abi) in self._pythons and (
            tag.platform == "any"
            or (
                tag.platform.startswith(("manylinux", "musllinux", "linux"))
                and tag.platform.endswith(f"_{self._machine}")
            )
        )


def _wanted(lock: Iterable[str]) -> dict[str, Version]:
    wanted: dict[str, Version] = {}
    for line in lock:
        try:
            requirement = Requirement(line)
            version = pinned_version(requirement.specifier)
            if version is not None:
                wanted[canonical(requirement.name)] = Version(version)
        except (InvalidRequirement, InvalidVersion):
            continue  # the installer says so, where it matters
    return wanted


def _candidates(
    names: Iterable[str], indexes: Sequence[Path], links: Sequence[Path]
) -> Iterator[Path]:
    for index in indexes:
        for name in names:
            yield from _listed(index / name)
    for link in links:
        yield from _listed(link)


def _listed(place: Path) -> Iterator[Path]:
    """Yield the files of a folder, of its ``index.html``, or of a page."""
    page = place / "index.html"
    if page.is_file():
        yield from _linked(page)
    elif place.is_dir():
        yield from (path for path in sorted(place.iterdir()) if path.is_file())
    elif place.suffix.lower() in (".html", ".htm") and place.is_file():
        yield from _linked(place)
    elif place.is_file():
        yield place


def _linked(page: Path) -> Iterator[Path]:
    reader = _Links()
    reader.feed(page.read_text(encoding="utf-8", errors="replace"))
    for link in reader.links:
        path = IndexLocation(urljoin(page.absolute().as_uri(), link)).path
        if path is not None and path.is_file():
            yield path


class _Links(HTMLParser):
    """Collects where a page's links lead."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take the target of a link."""
        if tag == "a":
            self.links += [value for key, value in attrs if key == "href" and value]


def _parse(file_name: str) -> tuple[str, Version | None, Iterable[Tag] | None]:
    """Return name, version and tags of a file; no version if it is no distribution."""
    try:
        if file_name.endswith(".whl"):
            name, version, _, tags = parse_wheel_filename(file_name)
            return str(name), version, tags
        name, version = parse_sdist_filename(file_name)
        return str(name), version, None
    except (InvalidWheelFilename, InvalidSdistFilename, InvalidVersion):
        return "", None, None
