"""The pickled payload of a package: same objects, same bytes, in every process."""

from __future__ import annotations

import dis
import hashlib
import pickle
import re
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from importlib.util import resolve_name
from io import BytesIO, IOBase
from pathlib import PurePath
from typing import Any, ClassVar

import cloudpickle

from ...contract.by_value import reduce_specially, with_identity
from ...contract.class_identity import register_class
from .unpicklable import unpicklable

__all__ = ["Payload", "pickle_payload"]

_PROTOCOL = 5
_RECURSION_LIMIT = 20_000
_PLACEHOLDER = "tg-class-" + "0" * 32
_REFERENCE = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):[A-Za-z_][\w.]*\Z")


@dataclass(frozen=True, kw_only=True)
class Payload:
    """A pickled object and what it needs.

    Attributes
    ----------
    data
        The pickle. Classes and functions of ``__main__`` are in it by value, all others by name.
    modules
        The modules it names, among them those that its functions import, and those in strings such
        as ``"package.module:Class"``.
    by_value
        Whether it holds byte code, which only the same minor version of Python can read.
    """

    data: bytes
    modules: frozenset[str]
    by_value: bool


def pickle_payload(payload: object, *, name: str = "") -> Payload:
    """Pickle `payload` so that equal objects give equal bytes.

    The order of sets, the addresses of strings, the folder of a notebook's cells and the random
    identities that cloudpickle gives to classes leave no trace.

    Parameters
    ----------
    payload
        Any picklable object; a dictionary for a package.
    name
        What the object is called in an error.

    Raises
    ------
    UnpicklableError
        Naming the attribute path of the value that cannot be pickled.
    """
    file = BytesIO()
    pickler = _CanonicalPickler(file)
    try:
        with _deep_recursion():
            pickler.dump(payload)
    except Exception as exc:  # a class's own __reduce__ may raise anything
        raise unpicklable(payload, name, exc, _try) from exc
    data = file.getvalue()
    identity = _PLACEHOLDER[:9] + hashlib.sha256(data).hexdigest()[:32]
    for number, cls in enumerate(pickler.classes):
        register_class(f"{identity}.{number}:{cls.__qualname__}", cls)
    return Payload(
        data=data.replace(_PLACEHOLDER.encode(), identity.encode()),
        modules=frozenset(pickler.modules),
        by_value=pickler.by_value,
    )


# only the Python pickler lets a subclass sort sets; the C pickler writes them on its own
_PythonPickler: Any = pickle._Pickler  # noqa: SLF001
_which_module: Any = pickle.whichmodule  # type: ignore[attr-defined] # not in typeshed


@contextmanager
def _deep_recursion() -> Iterator[None]:
    # the Python pickler takes several frames a level; they live on the heap, not on the C stack
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, _RECURSION_LIMIT))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


class _CanonicalPickler(_PythonPickler):  # type: ignore[misc] # typeshed does not know it
    """Cloudpickle's rules on the standard library's Python pickler."""

    dispatch: ClassVar[dict[Any, Any]] = dict(_PythonPickler.dispatch)
    dispatch_table = cloudpickle.Pickler.dispatch_table

    def __init__(self, file: BytesIO) -> None:
        super().__init__(file, protocol=_PROTOCOL)
        self.globals_ref: dict[int, dict[str, Any]] = {}
        self.proto = _PROTOCOL
        self.modules: set[str] = set()
        self.classes: list[type] = []
        self.by_value = False
        self._strings: dict[str, str] = {}

    _function_getnewargs = cloudpickle.Pickler._function_getnewargs  # noqa: SLF001 cloudpickle's reducers live on its pickler
    _dynamic_function_reduce = cloudpickle.Pickler._dynamic_function_reduce  # noqa: SLF001
    _function_reduce = cloudpickle.Pickler._function_reduce  # noqa: SLF001
    _cloudpickle_override = cloudpickle.Pickler.reducer_override

    def save(self, obj: Any, save_persistent_id: bool = True) -> Any:
        if type(obj) is str:
            reference = _REFERENCE.match(obj)
            if reference:
                self.modules.add(reference[1])
            obj = self._strings.setdefault(obj, obj)
        return super().save(obj, save_persistent_id)

    def save_global(self, obj: Any, name: str | None = None) -> None:
        super().save_global(obj, name)
        module = _which_module(obj, name or getattr(obj, "__qualname__", obj.__name__))
        if module == "__main__":
            raise pickle.PicklingError("it is defined in the notebook, but cannot travel by value")
        self.modules.add(module)

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, types.CodeType):
            return self._reduce_code(obj)
        if isinstance(obj, types.ModuleType):
            self.modules.add(obj.__name__)
            return NotImplemented
        if isinstance(obj, IOBase):  # cloudpickle would take a text file's content along
            raise pickle.PicklingError("an open file does not travel")
        special = reduce_specially(obj)
        if special is not None:
            return special
        reduced = self._cloudpickle_override(obj)
        if reduced is NotImplemented or isinstance(reduced, str):
            return reduced
        return self._without_traces(obj, reduced)

    def _reduce_code(self, code: types.CodeType) -> Any:
        self.by_value = True
        portable = code.replace(co_filename=_portable_file_name(code.co_filename))
        return self.dispatch_table[types.CodeType](portable)

    def _without_traces(self, obj: Any, reduced: tuple[Any, ...]) -> tuple[Any, ...]:
        if isinstance(obj, types.FunctionType):
            _, args, state, *_ = reduced
            args[1].pop("__file__", None)
            package = obj.__globals__.get("__package__") or ""
            self.modules.update(_imported_names(obj.__code__, package))
            submodules = state[1]["_cloudpickle_submodules"]
            submodules.sort(key=lambda module: module.__name__)
            return reduced
        named: tuple[Any, ...] = with_identity(
            obj, reduced, lambda _: f"{_PLACEHOLDER}.{len(self.classes)}"
        )
        if named is not reduced:
            self.classes.append(obj)
        return named

    def _save_sorted_set(self, obj: set[Any]) -> None:
        self.write(pickle.EMPTY_SET)
        self.memoize(obj)
        self.write(pickle.MARK)
        for item in _in_canonical_order(obj):
            self.save(item)
        self.write(pickle.ADDITEMS)

    def _save_sorted_frozenset(self, obj: frozenset[Any]) -> None:
        self.write(pickle.MARK)
        for item in _in_canonical_order(obj):
            self.save(item)
        if id(obj) in self.memo:  # an item led back here and has written it
            self.write(pickle.POP_MARK + self.get(self.memo[id(obj)][0]))
            return
        self.write(pickle.FROZENSET)
        self.memoize(obj)

    # the inherited table calls the inherited method, which would not note the module
    dispatch[types.FunctionType] = save_global
    dispatch[set] = _save_sorted_set
    dispatch[frozenset] = _save_sorted_frozenset


def _in_canonical_order(items: set[Any] | frozenset[Any]) -> list[Any]:
    keys = {id(item): _sort_key(item) for item in items}
    if any(key is None for key in keys.values()):
        return list(items)  # objects whose order nothing tells
    return sorted(items, key=lambda item: keys[id(item)] or "")


def _sort_key(item: Any) -> str | None:
    """Give a text that orders plain values the same in every process, or ``None``."""
    if item is None or isinstance(item, str | bytes | bool | int | float | complex):
        return f"{type(item).__name__} {item!r}"
    if isinstance(item, Enum):
        return f"enum {type(item).__qualname__} {item.name}"
    if isinstance(item, type | types.FunctionType | types.BuiltinFunctionType):
        return f"name {item.__module__} {item.__qualname__}"
    if isinstance(item, tuple | frozenset):
        keys = [_sort_key(part) for part in item]
        if any(key is None for key in keys):
            return None
        parts = [key or "" for key in keys]
        text = "\0".join(parts if isinstance(item, tuple) else sorted(parts))
        # a digest, for nested values would give ever longer texts
        return f"{type(item).__name__} {hashlib.sha256(text.encode()).hexdigest()}"
    return None


def _imported_names(code: types.CodeType, package: str) -> Iterator[str]:
    """Name the modules that a function imports, and those that functions in it import."""
    level = 0
    constants: list[Any] = [0, 0]
    for instruction in dis.get_instructions(code):
        if instruction.opname == "IMPORT_NAME":
            level = constants[-2] if isinstance(constants[-2], int) else 0
            if not level:
                yield instruction.argval
            elif package:
                yield resolve_name("." * level + instruction.argval, package)
        elif instruction.opname.startswith("LOAD_"):
            constants.append(instruction.argval)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _imported_names(constant, package)


def _portable_file_name(file_name: str) -> str:
    if file_name.startswith("<ipython-input-"):
        return "<notebook>"
    if "ipykernel_" in file_name:
        return f"<notebook>/{PurePath(file_name).name}"
    return PurePath(file_name).name


def _try(value: object) -> None:
    _CanonicalPickler(BytesIO()).dump(value)
