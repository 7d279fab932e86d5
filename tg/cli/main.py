"""Where the `tg` command starts."""

from __future__ import annotations

import sys

from ..common._core.errors import MissingDependencyError

__all__ = ["main"]

_LIBRARIES = ("click", "rich", "shellingham", "typer")
_WRONG_USAGE = 2


def main() -> None:
    """Run the command line of this process; without the extra `cli`, say how to get it."""
    try:
        # the only import of typer and rich that is not in a module which needs them
        from .app import app  # noqa: PLC0415
    except ModuleNotFoundError as exc:
        if (exc.name or "").partition(".")[0] not in _LIBRARIES:
            raise
        error = MissingDependencyError(
            f"the command tg needs the library {exc.name!r}, which is not installed",
            hint="Install it: pip install 'training-grounds[cli]'.",
        )
        sys.stderr.write(f"{error}\n")
        sys.exit(_WRONG_USAGE)
    app(prog_name="tg")


if __name__ == "__main__":
    main()
