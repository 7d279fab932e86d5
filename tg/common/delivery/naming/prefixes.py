"""Short codes for the parameters of a grid: ``learning_rate`` is ``LR``."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator

from ..._core.errors import NamingError
from .node import digest_of

__all__ = ["shortest_prefixes"]

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
# digits are left out: a number may follow
_LETTERS = str.maketrans("0123456789", "hjkmnpqrst")
# where the name in full stands among its candidates; two with hashes follow
_FULL = -3


def shortest_prefixes(keys: Iterable[str]) -> dict[str, str]:
    """Abbreviate names of parameters, so that all of them differ in more than case.

    The initials of a name's words, numbers in full; where these are shared, all that share them
    get more letters. The result depends on the set of names, not on their order.

    Parameters
    ----------
    keys
        Names of parameters, each once.

    Returns
    -------
    dict
        Name to code. A code begins with a capital and ends with a letter.

    Raises
    ------
    NamingError
        If two names cannot be told apart.

    Example
    -------
    >>> shortest_prefixes(["learning_rate", "network_size", "batchSize"])
    {'learning_rate': 'LR', 'network_size': 'NS', 'batchSize': 'BS'}
    >>> shortest_prefixes(["learning_rate", "loss_ratio", "l1", "l2"])
    {'learning_rate': 'LeR', 'loss_ratio': 'LoR', 'l1': 'L1x', 'l2': 'L2x'}
    """
    options = {key: list(_candidates(key)) for key in keys}
    codes = {key: found[0] for key, found in options.items()}
    while shared := _first_shared(codes):
        taken = {code.lower() for key, code in codes.items() if key not in shared}
        group = {key: [code.lower() for code in options[key]] for key in shared}
        for key in shared:
            others = [found for other, found in group.items() if other != key]
            place = _first_own(group[key], others, taken)
            if place is None:
                raise NamingError(
                    f"the parameters {', '.join(shared)} cannot be abbreviated differently",
                    hint="Rename one of them.",
                )
            codes[key] = options[key][place]
    return codes


def _first_own(own: list[str], others: list[list[str]], taken: set[str]) -> int | None:
    """Find the first code that no other name of the group could have."""
    for place, code in enumerate(own):
        # written in full, a name may keep what is a mere abbreviation of others
        full = code == own[_FULL] and all(code != other[_FULL] for other in others)
        if code not in taken and (full or not any(code in other for other in others)):
            return place
    return None


def _first_shared(codes: dict[str, str]) -> list[str]:
    counts = Counter(code.lower() for code in codes.values())
    repeated = [code for code, count in counts.items() if count > 1]
    if not repeated:
        return []
    first = min(repeated)
    return sorted(key for key, code in codes.items() if code.lower() == first)


def _candidates(key: str) -> Iterator[str]:
    """Yield codes for one name, from the shortest to one that no other name shares."""
    words = _words(key)
    yield _code(word if word.isdigit() else word[:1] for word in words)
    longest = max(map(len, words))
    for length in range(2, longest + 1):
        for place, extended in enumerate(words):
            if len(extended) >= length and not extended.isdigit():
                yield _code(
                    word if word.isdigit() else word[: length if index == place else 1]
                    for index, word in enumerate(words)
                )
    yield _code(words)
    initials = _code(word if word.isdigit() else word[:1] for word in words)
    yield from (f"{initials}x{digest_of(key, length).translate(_LETTERS)}" for length in (4, 12))


def _words(key: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", key).encode("ascii", "ignore").decode()
    words = _WORDS.findall(plain)
    # a name without a Latin letter gets one to begin with
    return words if words and not words[0].isdigit() else ["key", *words]


def _code(words: Iterable[str]) -> str:
    code = "".join(word[:1].upper() + word[1:].lower() for word in words)
    return f"{code}x" if code[-1].isdigit() else code
