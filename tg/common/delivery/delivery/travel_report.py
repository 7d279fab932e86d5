"""What is in a package, and what stayed at home, for people."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass

from ...contract.manifest import PackageManifest
from .source_tree import LeftOut
from .travellers import Travellers

__all__ = ["TravelReport"]


@dataclass(frozen=True, kw_only=True)
class TravelReport:
    """A list of files, dependencies, and reasons.

    Attributes
    ----------
    module_name
        The package's root module.
    files
        Path below the root to size in bytes.
    requirements
        What the package needs of others.
    left_out
        What stayed at home, and why.
    missing
        Modules that are imported somewhere and were not found here, such as optional ones.
    """

    module_name: str
    files: Mapping[str, int]
    requirements: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    missing: tuple[str, ...]

    @classmethod
    def of(
        cls, manifest: PackageManifest, files: Mapping[str, bytes], travellers: Travellers
    ) -> TravelReport:
        """Report on a package."""
        return cls(
            module_name=manifest.module_name,
            files={path: len(data) for path, data in sorted(files.items())},
            requirements=manifest.requirements,
            left_out=travellers.left_out,
            missing=tuple(sorted(travellers.missing)),
        )

    def __str__(self) -> str:
        total = sum(self.files.values())
        lines = [f"{self.module_name}: {len(self.files)} files, {total:,} bytes"]
        for name, (count, size) in self._by_traveller().items():
            lines.append(f"  {name}: {count} files, {size:,} bytes")
        lines.append(f"  needs: {', '.join(self.requirements) or 'nothing'}")
        lines += [f"  left out: {item.path} ({item.reason})" for item in self.left_out]
        if self.missing:
            lines.append(f"  imported but not found here: {', '.join(self.missing)}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"

    def _by_traveller(self) -> dict[str, tuple[int, int]]:
        totals: dict[str, tuple[int, int]] = {}
        for path, size in self.files.items():
            name = path.partition("/")[0]
            count, total = totals.get(name, (0, 0))
            totals[name] = (count + 1, total + size)
        return totals
