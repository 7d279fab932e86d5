"""What must never be shown: secrets in lines, commands and messages."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote

__all__ = ["Redactor", "redact"]

_MASK = "***"
# what stands between "://" and "@": a password, or a token alone where the scheme is a web one
_URL_CREDENTIALS = re.compile(
    r"""(?<=://)[^\s/'"]*:[^\s/'"]*(?=@)|(?<=https://)[^\s/'"]+(?=@)|(?<=http://)[^\s/'"]+(?=@)"""
)


class Redactor:
    """Replaces secrets by ``***``, and the credentials in every URL.

    Parameters
    ----------
    secrets
        Values to hide, also where they stand percent-encoded in a URL. Of a value with several
        lines, each line is hidden. Empty values are ignored.

    Example
    -------
    >>> Redactor(["s3cret"])("docker login -p s3cret https://me:pass@example.org/v2")
    'docker login -p *** https://***@example.org/v2'
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        parts = {line.strip() for secret in secrets for line in secret.splitlines()} - {""}
        parts |= {quote(part, safe="") for part in parts}
        self.longest = max(map(len, parts), default=0)
        # a longer secret goes first: one that begins with a shorter one must not show its rest
        ordered = sorted(parts, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def __call__(self, text: str) -> str:
        """Return `text` without the secrets."""
        if self._pattern is not None:
            text = self._pattern.sub(_MASK, text)
        return _URL_CREDENTIALS.sub(_MASK, text) if "://" in text and "@" in text else text

    def safe_cut(self, text: str, at: int) -> int:
        """Return the largest cut up to `at` that splits no secret in `text`."""
        if self._pattern is not None:
            for match in self._pattern.finditer(text):
                if match.start() < at < match.end():
                    return match.start()
        return at


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Replace `secrets`, and the credentials in every URL, by ``***``.

    Example
    -------
    >>> redact("git+https://token@example.org/repo.git")
    'git+https://***@example.org/repo.git'
    """
    return Redactor(secrets)(text)
