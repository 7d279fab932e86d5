"""One requirement: read, checked, and joined with others of the same library."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import Specifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from ..._core.errors import DependencyError
from ..._core.redaction import redact

__all__ = [
    "MergedRequirement",
    "canonical",
    "parse_requirement",
    "pinned_version",
    "render",
    "requirement_of_pair",
]

_SECRET_PARAMETER = re.compile(
    r"token|secret|passw|credential|signature|^sig$|^key$|api.?key", re.I
)


def canonical(name: str) -> str:
    """Return a library's name as the index compares it (PEP 503).

    Example
    -------
    >>> canonical("Scikit_Learn")
    'scikit-learn'
    """
    return str(canonicalize_name(name))


def parse_requirement(text: str, *, where: str) -> Requirement:
    """Read a requirement (PEP 508).

    Parameters
    ----------
    text
        Such as ``"pandas[parquet]>=2; python_version >= '3.11'"``.
    where
        What it was read from, for the message.

    Raises
    ------
    DependencyError
        It is no requirement, or its URL carries credentials.

    Example
    -------
    >>> parse_requirement("pandas>=2", where="the list").name
    'pandas'
    """
    try:
        requirement = Requirement(text)
        # `Requirement` takes a lone version for a name
        if Version(requirement.name) and str(requirement) == requirement.name:
            raise DependencyError(
                f"{where} has the entry {text!r}, which is a version without a name",
                hint="Write 'name==version', or the pair ['name', 'version'] within the list.",
            )
    except InvalidVersion:
        pass
    except InvalidRequirement as exc:
        # the parser's message repeats the text, which may hold a password: it is not chained
        raise DependencyError(
            f"{where} has the entry {_shown(text)!r}, which is no requirement", hint=_fix(text)
        ) from (None if _shown(text) != text else exc)
    if requirement.url and _has_credentials(requirement.url):
        raise DependencyError(
            f"{where} has the entry {_shown(text)!r}, whose URL carries credentials",
            hint="They would travel with the package. Take them out and let the installer find "
            "them in its own settings, such as ~/.netrc.",
        )
    return requirement


def requirement_of_pair(pair: object, list_name: str) -> str:
    """Make a requirement of a name and a version.

    Example
    -------
    >>> requirement_of_pair(["pandas", "2.2.3"], "a"), requirement_of_pair(["six", None], "a")
    ('pandas==2.2.3', 'six')
    """
    if not isinstance(pair, list | tuple) or len(pair) != 2 or not isinstance(pair[0], str):
        raise DependencyError(
            f"the dependency list {list_name!r} has the entry {_shown(repr(pair))}, which is "
            "neither a requirement nor a pair",
            hint="Write 'pandas==2.2.3' or ['pandas', '2.2.3'].",
        )
    name, version = pair
    version = version.strip() if isinstance(version, str) else version
    if version is None or version in ("", "*"):
        return str(name)
    if not isinstance(version, str):
        raise DependencyError(
            f"the dependency list {list_name!r} has the version {version!r} for {name!r}, which is "
            "no text",
            hint=f'Write it in quotes, "{version}": as a number, 1.10 and 1.1 are the same.',
        )
    if version[0] in "=<>!~":
        return f"{name}{version}"
    try:
        Version(version)
    except InvalidVersion as exc:
        raise DependencyError(
            f"the dependency list {list_name!r} has the version {version!r} for {name!r}, which is "
            "no version",
            hint="Write '2.2.3', or a range such as '>=2.2,<3'.",
        ) from exc
    return f"{name}=={version}"


def pinned_version(specifiers: SpecifierSet) -> str | None:
    """Return the version of an exact pin (``==`` without ``*``, or ``===``), if there is one.

    Example
    -------
    >>> pinned_version(SpecifierSet("==2.2.3")), pinned_version(SpecifierSet("==2.*"))
    ('2.2.3', None)
    """
    pins = [spec.version for spec in specifiers if _is_pin(spec)]
    return max(pins, key=len) if pins else None


def render(requirement: Requirement) -> str:
    """Write a requirement in one canonical way.

    Example
    -------
    >>> render(Requirement("Py_YAML [b,a] < 7, >= 6 ; python_version>'3'"))
    'py-yaml[a,b]<7,>=6; python_version > "3"'
    """
    extras = (
        f"[{','.join(sorted(map(canonical, requirement.extras)))}]" if requirement.extras else ""
    )
    marker = f"; {requirement.marker}" if requirement.marker else ""
    if requirement.url:
        # the space ends the URL (PEP 508)
        return f"{canonical(requirement.name)}{extras} @ {requirement.url}{marker and ' ' + marker}"
    # equal ones, such as >=1.0 and >=1.0.0, are one
    unique = {spec: str(spec) for spec in sorted(requirement.specifier, key=_exactness)}
    specifiers = ",".join(sorted(unique.values()))
    return f"{canonical(requirement.name)}{extras}{specifiers}{marker}"


class MergedRequirement:
    """What several lists ask of one library."""

    def __init__(self) -> None:
        self._joined: Requirement | None = None
        self._sources: list[tuple[str, Requirement]] = []

    @property
    def text(self) -> str:
        """The joined requirement."""
        return "" if self._joined is None else render(self._joined)

    def add(self, requirement: Requirement, list_name: str) -> None:
        """Join one more.

        Raises
        ------
        DependencyError
            It contradicts one that is there.
        """
        joined = Requirement(str(requirement))
        if self._joined is not None:
            for name, other in self._sources:
                if not _agree(other, requirement):
                    raise _conflict(name, other, list_name, requirement)
            joined.extras |= self._joined.extras
            joined.url = requirement.url or self._joined.url
            joined.specifier = SpecifierSet() if joined.url else self._join(requirement)
        self._joined = joined
        self._sources.append((list_name, requirement))

    def _join(self, requirement: Requirement) -> SpecifierSet:
        specifiers = requirement.specifier
        if self._joined is not None:
            specifiers = specifiers & self._joined.specifier
        pins = sorted((spec for spec in specifiers if _is_pin(spec)), key=_exactness)
        return SpecifierSet(str(pins[-1])) if pins else specifiers


def _is_pin(spec: Specifier) -> bool:
    return spec.operator == "===" or (spec.operator == "==" and not spec.version.endswith(".*"))


def _exactness(spec: Specifier) -> tuple[int, str]:
    """Order equal pins: ``2.1+cpu`` says more than ``2.1``, and ``1.0.0`` is as good as ``1.0``."""
    return len(spec.version), str(spec)


def _agree(one: Requirement, other: Requirement) -> bool:
    if one.url and other.url:
        return one.url == other.url
    if one.url or other.url:
        # a URL names one version that is unknown here: no range can be compared with it
        return not one.specifier and not other.specifier
    pins = pinned_version(one.specifier), pinned_version(other.specifier)
    if pins[0] is not None and pins[1] is not None:
        return other.specifier.contains(pins[0], prereleases=True) or one.specifier.contains(
            pins[1], prereleases=True
        )
    if pins[0] is not None:
        return other.specifier.contains(pins[0], prereleases=True)
    return pins[1] is None or one.specifier.contains(pins[1], prereleases=True)


def _conflict(name: str, one: Requirement, other_name: str, other: Requirement) -> DependencyError:
    where = (
        f"the list {name!r} asks twice"
        if name == other_name
        else (f"the lists {name!r} and {other_name!r} ask")
    )
    return DependencyError(
        f"{where} for {canonical(one.name)!r} in ways that exclude each other: "
        f"{_shown(render(one))!r} and {_shown(render(other))!r}",
        hint="Change or remove one of them.",
    )


def _has_credentials(url: str) -> bool:
    parts = urlsplit(url)
    has_user = parts.username is not None and (
        parts.password is not None or parts.scheme.rpartition("+")[2] in ("http", "https")
    )
    return has_user or any(_SECRET_PARAMETER.search(key) for key, _ in parse_qsl(parts.query))


def _shown(text: str) -> str:
    return re.sub(
        r"([?&][^=&#\s]*)=([^&#\s]*)",
        lambda match: f"{match[1]}=***" if _SECRET_PARAMETER.search(match[1][1:]) else match[0],
        redact(text),
    )


def _fix(text: str) -> str:
    entry = text.strip()
    if entry.startswith(("-e", ".", "/", "file:")):
        return "Source on this machine travels by itself when it is imported; leave the entry out."
    if entry.startswith("-"):
        return "Options of pip belong into its own settings; leave the entry out."
    if "://" in entry:
        return "Write 'name @ URL'."
    if re.search(r"[\^]|~[^=]", entry):
        return "Write '^2.1' as '>=2.1,<3' and '~2.1' as '~=2.1'."
    if re.fullmatch(r"[\w.-]+\s*=\s*[\w.+!-]+(=\w+)?", entry):
        return "Write '==' for an exact version."
    return "Write it as 'pandas==2.2.3', 'pandas>=2,<3' or 'name @ URL' (PEP 508)."
