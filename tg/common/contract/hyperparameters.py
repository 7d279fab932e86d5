"""Hyperparameters that reach a task as text."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from .._core.errors import HyperparameterError
from .._core.suggestions import did_you_mean, nearest
from .fields import field_key, field_names, has_field, read_field, walk_fields
from .typed_values import TYPE_NAMES, typed_value, value_like

__all__ = [
    "HyperparameterAliases",
    "OpenHyperparameters",
    "apply_hyperparameters",
    "is_platform_key",
]

# Added by SageMaker's tuner and by its training toolkit; no task has asked for them.
_FOREIGN_PREFIXES = ("_tuning_", "sagemaker_")


@runtime_checkable
class OpenHyperparameters(Protocol):
    """An object with dictionaries that take keys that are not there yet."""

    def open_hyperparameters(self, field: str) -> Collection[str] | None:
        """Name the keys that may be added to the dictionary `field`.

        Returns
        -------
        collection of str or None
            The keys; empty for none, ``None`` for any.
        """


@runtime_checkable
class HyperparameterAliases(Protocol):
    """An object with short names for some of its paths."""

    def hyperparameter_aliases(self) -> Mapping[str, str]:
        """Give the short names, each with the path that it stands for."""


@dataclass(frozen=True, kw_only=True)
class _Slot:
    """One place where a value goes."""

    path: str
    owner: Any
    step: str
    is_new: bool

    @property
    def current(self) -> Any:
        return None if self.is_new else read_field(self.owner, self.step)

    def write(self, value: Any) -> None:
        if isinstance(self.owner, dict):
            self.owner[field_key(self.owner, self.step)] = value
        elif isinstance(self.owner, list):
            self.owner[int(self.step)] = value
        else:
            setattr(self.owner, self.step, value)

    def undo(self) -> Callable[[], None]:
        if self.is_new:
            return lambda: self.owner.pop(self.step, None)
        if self._is_class_default():
            return lambda: vars(self.owner).pop(self.step, None)
        before = self.current
        return lambda: self.write(before)

    def _is_class_default(self) -> bool:
        if isinstance(self.owner, dict | list) or self.step in getattr(self.owner, "__dict__", ()):
            return False
        return not hasattr(getattr(type(self.owner), self.step, None), "__set__")


def apply_hyperparameters(target: object, values: Mapping[str, Any]) -> dict[str, Any]:
    """Set fields of `target` from ``path.to.field:type`` keys.

    All keys and values are checked before the first field is set. Keys that SageMaker adds for
    itself (``_tuning_objective_metric``, ``sagemaker_…``) are passed over.

    Parameters
    ----------
    target
        The task, or any object.
    values
        Path to value. The steps of a path are public attributes, keys of dictionaries and
        indices of lists. The type is one of ``int``, ``float``, ``bool``, ``str``, ``json``,
        ``none``; without one it is the type of what the field holds now, and for ``None`` and
        containers JSON, or text that is not JSON as it is. Values are mostly text: SageMaker
        hands strings only.

    Returns
    -------
    dict
        The typed values that were set, by path without type.

    Raises
    ------
    HyperparameterError
        A path leads nowhere (the message names the nearest right one), a value has not the type,
        a field cannot be set, or two keys set the same field. Nothing has been set then.

    Example
    -------
    >>> class Net:
    ...     def __init__(self):
    ...         self.rate, self.layers, self.options = 0.1, [8, 8], {"shuffle": True}
    >>> net = Net()
    >>> apply_hyperparameters(net, {"rate:float": "0.5", "layers.1": "4", "options.shuffle": "no"})
    {'rate': 0.5, 'layers.1': 4, 'options.shuffle': False}
    >>> net.layers
    [8, 4]
    >>> apply_hyperparameters(net, {"option.shuffle": "no"})
    Traceback (most recent call last):
        ...
    tg.common._core.errors.HyperparameterError: there is no hyperparameter 'option.shuffle'. \
Did you mean 'options.shuffle'?
    """
    plan: dict[str, tuple[_Slot, Any]] = {}
    chosen: dict[str, str] = {}
    for key, value in values.items():
        if is_platform_key(key):
            continue
        path, type_name = _split_key(str(key))
        full_path = _without_alias(target, path)
        slot = _find(target, full_path, path)
        _check_unique(chosen, full_path, path)
        chosen[full_path] = path
        typed = (
            value_like(value, slot.current, path)
            if type_name is None
            else typed_value(value, type_name, path)
        )
        plan[path] = (slot, typed)
    _write(plan)
    return {path: value for path, (_, value) in plan.items()}


def is_platform_key(key: object) -> bool:
    """Whether a hyperparameter is one that the platform has added for itself.

    Example
    -------
    >>> is_platform_key("_tuning_objective_metric"), is_platform_key("model.alpha")
    (True, False)
    """
    return str(key).startswith(_FOREIGN_PREFIXES)


def _split_key(key: str) -> tuple[str, str | None]:
    path, colon, type_name = key.rpartition(":")
    if not colon:
        return key, None
    if type_name not in TYPE_NAMES:
        raise HyperparameterError(
            f"the hyperparameter {key!r} names the type {type_name!r}",
            hint=did_you_mean(type_name, TYPE_NAMES, what="types"),
        )
    return path, type_name


def _without_alias(target: object, path: str) -> str:
    if not isinstance(target, HyperparameterAliases):
        return path
    first, dot, rest = path.partition(".")
    return target.hyperparameter_aliases().get(first, first) + dot + rest


def _find(target: object, full_path: str, path: str) -> _Slot:
    steps = full_path.split(".")
    owners = _follow(target, steps)
    owner, step = owners[-1], steps[-1]
    if len(owners) == len(steps):
        if has_field(owner, step):
            slot = _Slot(path=path, owner=owner, step=step, is_new=False)
            _check_writable(slot)
            return slot
        if _takes_new(owners, steps):
            return _Slot(path=path, owner=owner, step=step, is_new=True)
    hint = _suggest(target, steps, len(owners) - 1, owner)
    raise HyperparameterError(f"there is no hyperparameter {path!r}", hint=hint)


def _follow(target: object, steps: list[str]) -> list[Any]:
    """Give the owner of each step, up to the last step or the first one that leads nowhere."""
    owners: list[Any] = [target]
    for step in steps[:-1]:
        if not has_field(owners[-1], step):
            break
        owners.append(read_field(owners[-1], step))
    return owners


def _takes_new(owners: list[Any], steps: list[str]) -> bool:
    """Whether the last step may be added to its owner, a dictionary that another object holds."""
    step = steps[-1]
    if len(owners) < 2 or not isinstance(owners[-1], dict):
        return False
    if not isinstance(owners[-2], OpenHyperparameters):
        return False
    if step.startswith("_") or not step.isidentifier():
        return False
    names = owners[-2].open_hyperparameters(steps[-2])
    return names is None or step in names


def _check_writable(slot: _Slot) -> None:
    owner = slot.owner
    reason = ""
    if isinstance(owner, tuple):
        reason = "a tuple cannot be changed; set the whole of it with ':json'"
    elif not isinstance(owner, dict | list):
        frozen = getattr(getattr(type(owner), "__dataclass_params__", None), "frozen", False)
        declared = getattr(type(owner), slot.step, None)
        if frozen:
            reason = f"a {type(owner).__name__} is frozen"
        elif isinstance(declared, property) and declared.fset is None:
            reason = f"it is computed by {type(owner).__name__}"
    if reason:
        raise HyperparameterError(f"the hyperparameter {slot.path!r} cannot be set: {reason}")


def _check_unique(chosen: Mapping[str, str], full_path: str, path: str) -> None:
    for other_path, other in chosen.items():
        if full_path == other_path or full_path.startswith(other_path + "."):
            clash = True
        else:
            clash = other_path.startswith(full_path + ".")
        if clash:
            raise HyperparameterError(
                f"the hyperparameters {other!r} and {path!r} set the same field",
                hint="Give one of them.",
            )


def _suggest(target: object, steps: list[str], position: int, owner: object) -> str:
    """Name the nearest right path: the step mended in place, the same name elsewhere, or alike."""
    names = field_names(owner)
    if position == 0 and isinstance(target, HyperparameterAliases):
        names = [*target.hyperparameter_aliases(), *names]
    mended = nearest(steps[position], names)
    if mended is not None:
        candidate = ".".join([*steps[:position], mended, *steps[position + 1 :]])
        if _leads_somewhere(target, _without_alias(target, candidate)):
            return f"Did you mean {candidate!r}?"
    paths = [path for path, _ in walk_fields(target)]
    namesakes = [path for path in paths if path.rpartition(".")[2] == steps[-1]]
    wanted = ".".join(steps)
    close = difflib.get_close_matches(wanted, namesakes or paths, n=1, cutoff=0.0)
    if namesakes or (close and difflib.SequenceMatcher(None, wanted, close[0]).ratio() >= 0.5):
        return f"Did you mean {close[0]!r}?"
    return did_you_mean(steps[position], names or field_names(target), what="fields there")


def _leads_somewhere(target: object, path: str) -> bool:
    steps = path.split(".")
    owners = _follow(target, steps)
    return len(owners) == len(steps) and (
        has_field(owners[-1], steps[-1]) or _takes_new(owners, steps)
    )


def _write(plan: Mapping[str, tuple[_Slot, Any]]) -> None:
    undone: list[Callable[[], None]] = []
    for path, (slot, value) in plan.items():
        undo = slot.undo()
        try:
            slot.write(value)
        except Exception as exc:  # the setter of a user's property may raise anything
            for step in reversed(undone):
                step()
            raise HyperparameterError(
                f"the hyperparameter {path!r} does not take {value!r}: {exc}",
                hint="Give a value that the field's own setter takes; nothing has been set.",
            ) from exc
        undone.append(undo)
