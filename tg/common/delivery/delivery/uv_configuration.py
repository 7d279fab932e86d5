"""uv's settings files, reduced to what says where libraries come from."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from ..._core.errors import ConfigError
from .index_location import IndexLocation
from .index_settings import is_true, uv_files

__all__ = ["read_uv_configuration", "texts_of", "uv_toml", "without_local"]

Settings = dict[str, object]

# Everything else, such as a cache's folder, is a matter of this machine.
_KEYS = (
    "allow-insecure-host",
    "extra-index-url",
    "find-links",
    "http-proxy",
    "https-proxy",
    "index",
    "index-strategy",
    "index-url",
    "keyring-provider",
    "native-tls",
    "no-index",
    "no-proxy",
    "system-certs",
    "torch-backend",
)
_PLACES = ("extra-index-url", "find-links", "index-url")


def read_uv_configuration(environ: Mapping[str, str], root: Path) -> Settings:
    """Read uv's settings of the project, the user and the system, merged as uv does.

    Parameters
    ----------
    environ
        The environment variables.
    root
        The project's folder.

    Returns
    -------
    dict
        The settings about indexes alone; paths are absolute.

    Raises
    ------
    ConfigError
        A file is not there or is no TOML.

    Notes
    -----
    Places and precedence are those of uv's documentation, "Configuration files".

    Example
    -------
    >>> read_uv_configuration({"UV_NO_CONFIG": "1"}, Path("."))
    {}
    """
    chosen = environ.get("UV_CONFIG_FILE")
    if chosen:
        path = Path(chosen).expanduser()
        if not path.is_file():
            raise ConfigError(
                f"UV_CONFIG_FILE names {chosen!r}, which is no file",
                hint="Correct or unset the variable.",
            )
        return _read(path)
    if is_true(environ.get("UV_NO_CONFIG", "")):
        return {}
    merged: Settings = {}
    project = root / "uv.toml"
    for path in (project if project.is_file() else root / "pyproject.toml", *uv_files(environ)):
        if path.is_file():
            merged = _merge(merged, _read(path))
    return merged


def uv_toml(settings: Mapping[str, object]) -> bytes:
    r"""Write settings in the form of a ``uv.toml``.

    Example
    -------
    >>> uv_toml({"no-index": True, "index": [{"url": "https://example.org"}]}).decode()
    'no-index = true\nindex = [{"url" = "https://example.org"}]\n'
    """
    lines = (f"{key} = {_value(value)}\n" for key, value in settings.items())
    return "".join(lines).encode()


def texts_of(value: object) -> Iterator[str]:
    """Yield every text among settings.

    Example
    -------
    >>> list(texts_of({"index": [{"url": "https://example.org"}]}))
    ['https://example.org']
    """
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from texts_of(item)


def without_local(
    settings: Mapping[str, object], absent: str, found: Callable[[str, IndexLocation], object]
) -> Settings:
    """Leave out the indexes that only this machine has.

    Parameters
    ----------
    settings
        What was read.
    absent
        Stands in place of a default index, lest the public one be asked instead.
    found
        Called with the setting's name and each index that is left out.

    Returns
    -------
    dict
        The other settings.
    """
    result: Settings = {}
    for key, value in settings.items():
        if key == "pip" and isinstance(value, dict):
            result[key] = without_local(value, absent, found)
        elif key == "index" and isinstance(value, list):
            result[key] = [
                kept for item in value if (kept := _kept_index(item, absent, found)) is not None
            ]
        elif key in _PLACES and isinstance(value, list):
            result[key] = [item for item in value if not _is_left_out(key, item, found)]
        elif key == "index-url" and _is_left_out(key, value, found):
            result[key] = absent
        else:
            result[key] = value
    return {key: value for key, value in result.items() if value not in ([], {})}


def _kept_index(
    item: object, absent: str, found: Callable[[str, IndexLocation], object]
) -> object | None:
    if not isinstance(item, dict):
        return item
    is_flat = item.get("format") == "flat"
    if not _is_left_out("find-links" if is_flat else "index", item.get("url"), found):
        return item
    return {**item, "url": absent, "format": "simple"} if item.get("default") is True else None


def _is_left_out(key: str, value: object, found: Callable[[str, IndexLocation], object]) -> bool:
    if not isinstance(value, str):
        return False
    location = IndexLocation(value)
    if location.is_local:
        found(key, location)
    return location.is_local


def _read(path: Path) -> Settings:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise ConfigError(
            f"{path}, where uv finds its settings, cannot be read: {exc}", hint="Correct the file."
        ) from exc
    if path.name == "pyproject.toml":
        tool = content.get("tool")
        content = tool.get("uv", {}) if isinstance(tool, dict) else {}
    return _reduced(content, path.parent.absolute()) if isinstance(content, dict) else {}


def _reduced(content: Mapping[str, object], base: Path) -> Settings:
    """Keep what is about indexes; make paths absolute, as the file will stand elsewhere."""
    result: Settings = {}
    for key in _KEYS:
        value = content.get(key)
        if value is None or (key, value) == ("torch-backend", "auto"):
            continue  # a build sees no graphics card from which to tell it
        if key == "index" and isinstance(value, list):
            value = [
                {**item, "url": _absolute(item.get("url"), base)}
                if isinstance(item, dict)
                else item
                for item in value
            ]
        elif key in _PLACES:
            if isinstance(value, list):
                value = [_absolute(item, base) for item in value]
            else:
                value = _absolute(value, base)
        result[key] = value
    pip = content.get("pip")
    if isinstance(pip, dict) and (reduced := _reduced(pip, base)):
        result["pip"] = reduced
    return result


def _absolute(value: object, base: Path) -> object:
    if not isinstance(value, str):
        return value
    path = IndexLocation(value, base).path
    return value if path is None else str(path)


def _merge(strong: Settings, weak: Settings) -> Settings:
    """Join settings: lists one after the other, of all else the stronger one."""
    merged = {**weak, **strong}
    for key in strong.keys() & weak.keys():
        first, second = strong[key], weak[key]
        if isinstance(first, list) and isinstance(second, list):
            merged[key] = [*first, *second]
        elif isinstance(first, dict) and isinstance(second, dict):
            merged[key] = _merge(first, second)
    return merged


def _value(value: object) -> str:
    if isinstance(value, dict):
        return (
            "{" + ", ".join(f"{_text(key)} = {_value(item)}" for key, item in value.items()) + "}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    # numbers and booleans are written as in JSON
    return _text(value) if isinstance(value, str) else json.dumps(value)


def _text(value: str) -> str:
    """Write a basic string (TOML 1.0): as in JSON, but for the character 127."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
