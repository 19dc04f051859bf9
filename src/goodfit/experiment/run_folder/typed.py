"""JSON to dataclasses and back, with a bound for every number, text and list; nothing unknown is accepted.

The bounds follow from the types of the fields, so a new field of a dataclass needs nothing here. A NamedTuple is
written as a list. Numbers that are not finite are written as "nan", "inf" and "-inf". ``Any`` stands for a plain value:
a number, a text, or a list or mapping of these.
"""

import math
import types
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from goodfit.data.features.base import Finite, Text

T = TypeVar("T")
Whole = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Number = Finite | Literal["nan", "inf", "-inf"]
Scalar = bool | Whole | Finite | Text | None
Items = Meta(max_length=1_000_000)
Plain = Union[Scalar, Annotated[list[Scalar], Items], Annotated[dict[Text, Scalar], Items]]  # noqa: UP007


def encode(value: object) -> bytes:
    """Return a dataclass as JSON, with an indentation of one for people."""
    return msgspec.json.format(msgspec.json.encode(_written(value)), indent=1) + b"\n"


def decode(content: bytes, into: type[T]) -> T:
    """Return the dataclass of this JSON.

    Raises:
        msgspec.MsgspecError, RecursionError, ValueError: it is not one, or something in it exceeds its bound.
    """
    return cast(T, _restored(msgspec.json.decode(content, type=_bounded(cast(Any, into))), into))


def _written(value: Any) -> Any:  # noqa: ANN401
    """As JSON has it."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return float(value)
    if isinstance(value, msgspec.Struct):
        return value
    if is_dataclass(value):
        return {f.name: _written(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {name: _written(item) for name, item in value.items()}
    return [_written(item) for item in value] if isinstance(value, list | tuple) else value


@cache
def _bounded(hint: Any) -> Any:  # noqa: ANN401
    """The type that msgspec reads for a field of this type."""
    simple = {float: Number, int: Whole, str: Text, Any: Plain}
    if hint in simple:
        return simple[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        members = [Finite if each is float and str in arguments else _bounded(each) for each in arguments]
        return Union[tuple(members)]  # noqa: UP007
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return Annotated[dict[_bounded(arguments[0]), _bounded(arguments[1])], Items]  # type: ignore[misc]
    if origin is tuple and arguments[-1] is not Ellipsis:
        return tuple[tuple(map(_bounded, arguments))]  # type: ignore[misc]
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return Annotated[list[_bounded(arguments[0])], Items]  # type: ignore[misc]
    if is_dataclass(hint):
        known = [(name, _bounded(each)) for name, each in _hints(cast(Any, hint)).items()]
        return msgspec.defstruct(cast(type, hint).__name__, known, forbid_unknown_fields=True)
    if _is_named_tuple(hint):
        return tuple[tuple(map(_bounded, _hints(hint).values()))]  # type: ignore[misc]
    return hint


def _restored(value: Any, hint: Any) -> Any:  # noqa: ANN401
    """What was read as the field of this type has it."""
    if hint is float:
        return float(value)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        several = [each for each in arguments if each is not types.NoneType]
        if value is None or len(several) > 1:
            return int(value) if int in several and isinstance(value, float) and value.is_integer() else value
        return _restored(value, several[0])
    if isinstance(value, dict) and arguments:
        return {_restored(name, arguments[0]): _restored(item, arguments[1]) for name, item in value.items()}
    if isinstance(value, tuple) and arguments:
        return tuple(_restored(item, each) for item, each in zip(value, arguments, strict=True))
    if isinstance(value, list) and arguments:
        return tuple(_restored(item, arguments[0]) for item in value)
    if is_dataclass(hint):
        known = {name: _restored(getattr(value, name), each) for name, each in _hints(cast(Any, hint)).items()}
        return cast(Any, hint)(**known)
    if _is_named_tuple(hint):
        items = zip(value, _hints(hint).values(), strict=True)
        return hint(*(_restored(item, each) for item, each in items))
    return value


@cache
def _hints(of: Any) -> dict[str, Any]:  # noqa: ANN401
    """Names and types of the fields."""
    names = [f.name for f in fields(of)] if is_dataclass(of) else of._fields
    found = get_type_hints(of, include_extras=True)
    return {name: found[name] for name in names}


def _is_named_tuple(hint: Any) -> bool:  # noqa: ANN401
    return isinstance(hint, type) and issubclass(hint, tuple) and hasattr(hint, "_fields")
