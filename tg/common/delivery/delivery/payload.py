"""The pickled payload of a package: same objects, same bytes, in every process."""

from __future__ import annotations

import dis
import hashlib
import pickle
import re
import types
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePath
from typing import Any, ClassVar

import cloudpickle

from ...contract.class_identity import register_class
from .unpicklable import unpicklable

__all__ = ["Payload", "pickle_payload"]

_PROTOCOL = 5
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
        pickler.dump(payload)
    except Exception as exc:  # a class's own __reduce__ may raise anything
        raise unpicklable(payload, name, exc, _try) from exc
    data = file.getvalue()
    identity = _PLACEHOLDER[:9] + hashlib.sha256(data).hexdigest()[:32]
    for number, cls in enumerate(pickler.classes):
        register_class(f"{identity}:{number}", cls)
    return Payload(
        data=data.replace(_PLACEHOLDER.encode(), identity.encode()),
        modules=frozenset(pickler.modules),
        by_value=pickler.by_value,
    )


# only the Python pickler lets a subclass sort sets; the C pickler writes them on its own
_PythonPickler: Any = pickle._Pickler  # noqa: SLF001
_which_module: Any = pickle.whichmodule  # type: ignore[attr-defined] # not in typeshed


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
        self.modules.add(module)

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, types.CodeType):
            return self._reduce_code(obj)
        if isinstance(obj, types.ModuleType):
            self.modules.add(obj.__name__)
            return NotImplemented
        reduced = self._cloudpickle_override(obj)
        if reduced is NotImplemented or isinstance(reduced, str):
            return reduced
        return self._without_traces(obj, reduced)

    def _reduce_code(self, code: types.CodeType) -> Any:
        self.by_value = True
        self.modules.update(_imported_names(code))
        portable = code.replace(co_filename=_portable_file_name(code.co_filename))
        return self.dispatch_table[types.CodeType](portable)

    def _without_traces(self, obj: Any, reduced: tuple[Any, ...]) -> tuple[Any, ...]:
        maker, args, *rest = reduced
        if isinstance(obj, types.FunctionType):
            args[1].pop("__file__", None)
            submodules = rest[0][1]["_cloudpickle_submodules"]
            submodules.sort(key=lambda module: module.__name__)
        elif maker.__name__ in ("_make_skeleton_class", "_make_skeleton_enum"):
            identity_at = 4 if maker.__name__ == "_make_skeleton_class" else 5
            identity = f"{_PLACEHOLDER}:{len(self.classes)}"
            args = (*args[:identity_at], identity, *args[identity_at + 1 :])
            self.classes.append(obj)
        return (maker, args, *rest)

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
    def key(item: Any) -> bytes:
        file = BytesIO()
        _CanonicalPickler(file).dump(item)
        return file.getvalue()

    return sorted(items, key=key)


def _imported_names(code: types.CodeType) -> Iterator[str]:
    # nested functions are constants of this code and reduced on their own
    for instruction in dis.get_instructions(code):
        if instruction.opname == "IMPORT_NAME":
            yield instruction.argval


def _portable_file_name(file_name: str) -> str:
    if file_name.startswith("<ipython-input-"):
        return "<notebook>"
    if "ipykernel_" in file_name:
        return f"<notebook>/{PurePath(file_name).name}"
    return PurePath(file_name).name


def _try(value: object) -> None:
    _CanonicalPickler(BytesIO()).dump(value)
