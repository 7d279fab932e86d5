"""The texts that are rendered, and how."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from string import Template

from .errors import ConfigError

__all__ = ["read_template", "render"]

# in the wheel the templates stand inside the package, in a checkout beside it
_FOLDERS = (
    Path(__file__).parents[2] / "_templates",
    Path(__file__).parents[3] / "templates",
)


def read_template(name: str) -> str:
    """Give the text of one of our templates.

    Parameters
    ----------
    name
        Its path below ``templates/``.

    Raises
    ------
    ConfigError
        There is no such template.
    """
    for folder in _FOLDERS:
        if (folder / name).is_file():
            return (folder / name).read_text(encoding="utf-8")
    raise ConfigError(
        f"there is no template {name!r} in {' or '.join(str(f) for f in _FOLDERS)}",
        hint="Install training-grounds again.",
    )


def render(
    text: str, values: Mapping[str, str], *, name: str, required: Collection[str] = ()
) -> str:
    """Fill in every ``${placeholder}`` of a template; ``$$`` is a dollar sign.

    Parameters
    ----------
    text
        The template.
    values
        What may stand in it. The template need not use all of it.
    name
        What the template is called, for errors.
    required
        What must stand in it.

    Raises
    ------
    ConfigError
        A placeholder is unknown, missing or not well formed.

    Example
    -------
    >>> render("FROM ${image}", {"image": "python:3.11-slim"}, name="Dockerfile")
    'FROM python:3.11-slim'
    """
    template = Template(text)
    if not template.is_valid():
        raise ConfigError(
            f"template {name} has a dollar sign that starts no placeholder",
            hint="Write $$ for a dollar sign.",
        )
    unknown = sorted(set(template.get_identifiers()) - set(values))
    if unknown:
        raise ConfigError(
            f"template {name} has unknown placeholders: {', '.join(unknown)}",
            hint=f"These are known: {', '.join(sorted(values))}.",
        )
    missing = sorted(set(required) - set(template.get_identifiers()))
    if missing:
        raise ConfigError(
            f"template {name} lacks placeholders: {', '.join(missing)}",
            hint=f"Write {', '.join(f'${{{placeholder}}}' for placeholder in missing)} into it.",
        )
    return template.substitute(values)
