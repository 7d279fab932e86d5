"""What of the libraries that are installed here some code needs, and the lock of all of it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from packaging.markers import default_environment
from packaging.requirements import Requirement

from ..._core.errors import DependencyError
from .distribution import InstalledDistribution
from .distribution_index import DistributionIndex
from .module_origin import OriginKind, find_file, install_folder, origin
from .requirement import canonical, parse_requirement, pinned_version, render

__all__ = ["Inference", "infer", "lock_hash", "lock_of", "pinned_requirements", "unmet"]

_INDEX = DistributionIndex()
_NEEDS_EXTRA = re.compile(r"\bextra\s*==")


@dataclass(frozen=True, kw_only=True)
class Inference:
    """What a set of imports needs.

    Attributes
    ----------
    requirements
        Canonical requirements, pinned to what is installed here, sorted.
    providers
        Imported name to the names of the distributions that provide it.
    local
        Top-level names that are the user's own source.
    missing
        Top-level names that are not here; imports in ``try`` may be meant to fail.
    unclaimed
        Top-level names of files among the installed libraries that belong to none of them, such as
        a module that was copied there by hand.
    """

    requirements: tuple[str, ...]
    providers: Mapping[str, tuple[str, ...]]
    local: tuple[str, ...]
    missing: tuple[str, ...]
    unclaimed: tuple[str, ...]


def infer(names: Iterable[str], index: DistributionIndex = _INDEX) -> Inference:
    """Find out which installed distributions provide some imports.

    Nothing is imported.

    Parameters
    ----------
    names
        Imported names; of a namespace package the dotted name, such as ``"google.cloud.storage"``.
    index
        Where to look.

    Returns
    -------
    Inference
        The pinned requirements, and what could not be found.

    Raises
    ------
    DependencyError
        A distribution's metadata are broken, or it came from where no other machine can reach.

    Example
    -------
    >>> dict(infer(["yaml", "json", "sklearn.base"]).providers)
    {'sklearn.base': ('scikit-learn',), 'yaml': ('pyyaml',)}
    """
    requirements: set[str] = set()
    providers: dict[str, tuple[str, ...]] = {}
    others: dict[str, set[str]] = {"local": set(), "missing": set(), "unclaimed": set()}
    for name in sorted(set(names)):
        top = name.partition(".")[0]
        found = origin(top)
        if found.kind is OriginKind.MISSING:
            others["missing"].add(top)
        elif found.kind is OriginKind.INSTALLED or found.is_namespace:
            owners = _owners(name, index)
            requirements |= {owner.requirement for owner in owners if not owner.is_editable}
            if owners:
                providers[name] = tuple(sorted(owner.key for owner in owners))
            elif found.kind is OriginKind.INSTALLED:
                others["unclaimed"].add(top)
        if found.kind is OriginKind.LOCAL:
            others["local"].add(top)
    kinds = {kind: tuple(sorted(values)) for kind, values in others.items()}
    return Inference(requirements=tuple(sorted(requirements)), providers=providers, **kinds)


def pinned_requirements(names: Iterable[str]) -> tuple[str, ...]:
    """Return the requirements of `infer` alone.

    Example
    -------
    >>> [requirement.partition("==")[0] for requirement in pinned_requirements(["packaging"])]
    ['packaging']
    """
    return infer(names).requirements


def lock_of(
    requirements: Iterable[str],
    *,
    travelling: Iterable[str] = (),
    strict: bool = True,
    index: DistributionIndex = _INDEX,
) -> tuple[str, ...]:
    """Pin requirements, and all that they need in turn, to what is installed here.

    A requirement of a requirement that is not installed is left out: the code works here without.

    Parameters
    ----------
    requirements
        Requirements (PEP 508). What one of them pins or takes from a URL stays as it is written.
    travelling
        Names of distributions whose source travels; not they, but their requirements are pinned.
        Editable installs need not be named.
    strict
        Whether a requirement that is not met here is an error. Otherwise it stands in the lock as
        it is; what it needs in turn is then for the installer to find out.
    index
        Where to look.

    Returns
    -------
    tuple of str
        Exact pins, sorted; for this platform and this version of Python.

    Raises
    ------
    DependencyError
        Something is not met, broken, or came from where no other machine can reach.

    Example
    -------
    >>> [pin.partition("==")[0] for pin in lock_of(["python-dateutil>=2", "iniconfig"])][0]
    'iniconfig'
    """
    roots = [parse_requirement(text, where="the lock") for text in requirements]
    closure = _Closure(index, {canonical(name) for name in travelling})
    for root in roots:
        if closure.applies(root):
            closure.add_root(root, strict=strict)
    return closure.pins()


def unmet(requirements: Iterable[str], index: DistributionIndex = _INDEX) -> tuple[str, ...]:
    """Return the requirements that what is installed here does not meet.

    Example
    -------
    >>> unmet(["packaging", "packaging<1", "no-such-library"])
    ('packaging<1', 'no-such-library')
    """
    closure = _Closure(index, set())
    parsed = [(text, parse_requirement(text, where="the list")) for text in requirements]
    return tuple(text for text, each in parsed if closure.applies(each) and closure.gap(each))


def lock_hash(lock: Iterable[str]) -> str:
    """Return the SHA-256 of a lock, in hexadecimal; the order of its lines does not matter.

    Example
    -------
    >>> lock_hash(["six==1.17.0", "attrs==26.1.0"])[:12]
    '15608837077b'
    """
    return hashlib.sha256("\n".join(sorted(lock)).encode()).hexdigest()


def _owners(name: str, index: DistributionIndex) -> list[InstalledDistribution]:
    found: dict[str, InstalledDistribution] = {}
    for file in find_file(name):
        if install_folder(file) is not None:
            found.update((owner.key, owner) for owner in index.owners(file, name))
    return list(found.values())


class _Closure:
    """Requirements and what they need in turn."""

    def __init__(self, index: DistributionIndex, travelling: set[str]) -> None:
        self._index = index
        self._travelling = travelling
        self._environment = {name: str(value) for name, value in default_environment().items()}
        self._explicit: dict[str, str] = {}
        self._found: dict[str, InstalledDistribution] = {}
        self._seen: set[tuple[str, str]] = set()

    def applies(self, requirement: Requirement, extra: str = "") -> bool:
        """Whether a requirement's marker is true here."""
        marker = requirement.marker
        return marker is None or marker.evaluate({**self._environment, "extra": extra})

    def gap(self, requirement: Requirement) -> str:
        """Say why what is installed here does not meet a requirement; empty if it does."""
        installed = self._index.find(requirement.name)
        if installed is None:
            return "it is not installed here"
        if requirement.url:
            same = render(requirement).partition(" ; ")[0] == _installed_as(installed)
            return "" if same else f"{installed.version} is installed here from elsewhere"
        if not requirement.specifier.contains(installed.version, prereleases=True):
            return f"{installed.version} is installed here"
        return ""

    def add_root(self, requirement: Requirement, *, strict: bool) -> None:
        """Pin a requirement of the user's."""
        why = self.gap(requirement)
        key = canonical(requirement.name)
        if why and strict and key not in self._travelling:
            raise DependencyError(
                f"{render(requirement)!r} is asked for, but {why}",
                hint=f"Install it: `python -m pip install '{render(requirement)}'`, or ask for "
                "what is here.",
            )
        pin = pinned_version(requirement.specifier)
        if why or requirement.url:
            asked = Requirement(str(requirement))
            asked.marker = None
            self._explicit[key] = render(asked)
        elif pin is not None:
            self._explicit[key] = f"{key}=={pin}"
        if not why or key in self._travelling:
            self._visit(requirement)

    def pins(self) -> tuple[str, ...]:
        """Return what is to be installed, sorted."""
        pins = dict(self._explicit)
        for key, distribution in self._found.items():
            if key not in pins and not distribution.is_editable:
                pins[key] = distribution.requirement
        return tuple(sorted(pin for key, pin in pins.items() if key not in self._travelling))

    def _visit(self, root: Requirement) -> None:
        queue = [root]
        while queue:
            requirement = queue.pop()
            distribution = self._index.find(requirement.name)
            if distribution is None:
                continue
            for extra in ("", *map(canonical, requirement.extras)):
                if (distribution.key, extra) not in self._seen:
                    self._seen.add((distribution.key, extra))
                    self._found[distribution.key] = distribution
                    queue += self._needs(distribution, extra)

    def _needs(self, distribution: InstalledDistribution, extra: str) -> list[Requirement]:
        needs = []
        for text in distribution.requires:
            # most requirements of most libraries are for extras that nobody asked for
            if extra or not _NEEDS_EXTRA.search(text) or " or " in text:
                needed = parse_requirement(text, where=f"the metadata of {distribution.name!r}")
                if self.applies(needed, extra):
                    needs.append(needed)
        return needs


def _installed_as(distribution: InstalledDistribution) -> str:
    try:
        return distribution.requirement
    except DependencyError:
        return ""  # from a file of this machine: no URL of the user's is the same
