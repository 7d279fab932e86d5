"""Classes and functions named by text, such as ``sklearn.linear_model:LogisticRegression``."""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType

from .errors import ConfigError, MissingDependencyError
from .suggestions import did_you_mean

__all__ = ["resolve_reference"]

_OWN_NAME = "tg.common._core.references"


def resolve_reference(text: str) -> object:
    """Import what `text` names.

    In a delivered package all code that travelled stands under one renamed root. There, a module
    is looked for under that root first and only then as it is written, so that
    ``my_models.net:Net`` means the code that travelled, whatever this machine has installed.

    Parameters
    ----------
    text
        ``module:name``; the name may have dots, as in ``package.module:Class.method``.

    Returns
    -------
    object
        The class, function or other value of that name.

    Raises
    ------
    ConfigError
        The text has not that form, or the module has no such name.
    MissingDependencyError
        The module is not there.

    Example
    -------
    >>> resolve_reference("collections:OrderedDict")
    <class 'collections.OrderedDict'>
    >>> resolve_reference("collections:OrderdDict")
    Traceback (most recent call last):
        ...
    tg.common._core.errors.ConfigError: the module 'collections' has no 'OrderdDict'. \
Did you mean 'OrderedDict'?
    """
    module_name, colon, attribute = text.partition(":")
    parts = attribute.split(".")
    named = module_name.split(".") + parts
    if not colon or not all(part.isidentifier() for part in named):
        raise ConfigError(
            f"the reference {text!r} is not of the form 'module:name'",
            hint="Write for example 'sklearn.linear_model:LogisticRegression'.",
        )
    value: object = _import(module_name, text)
    for position, part in enumerate(parts):
        try:
            value = getattr(value, part)
        except AttributeError as exc:
            owner = (
                f"the module {module_name!r}" if position == 0 else repr(".".join(parts[:position]))
            )
            names = [name for name in dir(value) if not name.startswith("_")]
            raise ConfigError(f"{owner} has no {part!r}", hint=did_you_mean(part, names)) from exc
    return value


def _import(module_name: str, text: str) -> ModuleType:
    root = __name__.removesuffix(_OWN_NAME).rstrip(".")
    if root and _exists(f"{root}.{module_name}"):
        return importlib.import_module(f"{root}.{module_name}")
    if not _exists(module_name):
        top = module_name.partition(".")[0]
        raise MissingDependencyError(
            f"there is no module {module_name!r} here, which {text!r} names",
            hint=f"Install the library that has {top!r}, or add it to the job's dependencies.",
        )
    return importlib.import_module(module_name)


def _exists(module_name: str) -> bool:
    # Parents are looked up one by one: find_spec of a dotted name imports them and would turn an
    # ImportError inside one of them into "there is no such module".
    parts = module_name.split(".")
    for end in range(1, len(parts) + 1):
        name = ".".join(parts[:end])
        try:
            spec = importlib.util.find_spec(name)
        except ValueError:  # a module without __spec__, such as __main__ of a script
            spec = None
            if name == "__main__":
                return len(parts) == 1
        if spec is None:
            return False
        if end < len(parts) and spec.submodule_search_locations is None:
            # os.path is no submodule on disk, yet importable
            try:
                importlib.import_module(module_name)
            except ModuleNotFoundError:
                return False
            return True
    return True
