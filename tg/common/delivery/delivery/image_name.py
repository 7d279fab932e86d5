"""What an image may be called."""

from __future__ import annotations

import re

from ..._core.errors import NamingError

__all__ = ["ImageName"]

# after "Object names" of the distribution specification's reference grammar
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_DOMAIN = r"(?:[A-Za-z0-9.-]+(?::[0-9]+)?/)?"
_NAME = re.compile(rf"{_DOMAIN}{_COMPONENT}(?:/{_COMPONENT})*\Z")
_LONGEST = 128  # the engine adds the registry's name, and allows 255 for both
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\Z")


class ImageName:
    """The name and the tag of an image.

    Parameters
    ----------
    name
        Such as ``tea`` or ``registry.example.org/team/tea``.
    tag
        Such as ``1`` or ``h0123456789abcdef``.

    Raises
    ------
    NamingError
        One of them is illegal.

    Example
    -------
    >>> str(ImageName("tea", "1"))
    'tea:1'
    """

    def __init__(self, name: str, tag: str) -> None:
        if not _is_legal(name):
            raise NamingError(
                f"no image may be called {name!r}",
                hint="Use lower-case letters and digits, with single dots, dashes or underscores "
                f"between them, such as {legal_image_name(str(name))!r}.",
            )
        if not isinstance(tag, str) or not _TAG.match(tag):
            raise NamingError(
                f"no image may have the tag {tag!r}",
                hint="Use at most 128 letters, digits, underscores, dots and dashes.",
            )
        self.name = name
        self.tag = tag

    @classmethod
    def of_package(cls, name: str, version: str) -> ImageName:
        """Name an image as a package is named, as far as that is legal.

        Example
        -------
        >>> str(ImageName.of_package("My___Task", "1.0+local"))
        'my_task:1.0-local'
        """
        return cls(legal_image_name(name), legal_tag(version))

    def __str__(self) -> str:
        return f"{self.name}:{self.tag}"


def legal_image_name(name: str) -> str:
    """Give the legal name that is nearest.

    Example
    -------
    >>> legal_image_name("Wide__Net_2")
    'wide__net_2'
    """
    text = re.sub(r"[^a-z0-9._-]+", "-", name.lower())
    text = re.sub(r"[._-]+", _separator, text)
    text = text[:_LONGEST].strip("._-") or "image"
    return f"image-{text}" if _DIGEST.match(text) else text


def _separator(match: re.Match[str]) -> str:
    """Keep a separator that is legal: one dot, one or two underscores, or dashes alone."""
    text = match.group()
    return text if text in (".", "_", "__") or not text.strip("-") else "_"


def _is_legal(name: object) -> bool:
    if not isinstance(name, str) or len(name) > 255 or not _NAME.match(name):
        return False
    return not _DIGEST.match(name)  # that would be an image's id


def legal_tag(version: str) -> str:
    """Give the legal tag that is nearest.

    Example
    -------
    >>> legal_tag("2026.1+cu130")
    '2026.1-cu130'
    """
    return re.sub(r"[^A-Za-z0-9_.-]", "-", version)[:128].lstrip(".-") or "latest"
