"""Sections of the parameters: frozen dataclasses that pydantic checks, with errors in the words of the declaration.

A stage declares its section as a subclass of ``Section``. Ranges and choices stand in the types, so that one function
writes every message: "match.min_ssim is 1.5; it must be a number from -1 to 1".
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    Literal,
    Self,
    Union,
    dataclass_transform,
    get_args,
    get_origin,
)

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BeforeValidator, ConfigDict, Field, Strict, ValidationError
from pydantic.dataclasses import dataclass
from pydantic.fields import FieldInfo

from semtrace.core.errors import InputError

REFERENCE_BITS = 1024


class SettingsError(InputError, ValueError):
    """A parameter is unknown, missing, of another type or out of range; the message names it.

    Attributes:
        not_text: the parameters that must be text and are not, each with the value that was refused.
    """

    not_text: tuple[tuple[str, Any], ...] = ()


def _number(value: Any) -> Any:
    """A number that YAML 1.1 takes for text, such as 1e-05, which DVC writes without a point."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


Whole = Annotated[int, Strict()]  # neither true, 2.0 nor '2'
Number = Annotated[float, BeforeValidator(_number), Strict()]

Share = Annotated[Number, Field(gt=0, lt=1)]
Bits = Annotated[Whole, Field(ge=1, le=REFERENCE_BITS, description=f"bits of {REFERENCE_BITS}")]
"""A Hamming distance, given for hashes of 1024 bits and scaled to the hash in use."""
LinkKind = Literal["reflink", "hardlink", "copy"]

_NAMES: dict[Any, str] = {
    int: "a whole number", float: "a number", bool: "true or false", str: "text", NoneType: "null", Path: "a path",
    list: "a list", dict: "a mapping",
}  # fmt: skip


@dataclass_transform(frozen_default=True)
class Section:
    """Base of all sections: ``class Settings(Section, section="match")``.

    Every subclass becomes a frozen dataclass; ``replace`` checks the new values, too. A ``model_validator`` says what
    no single field can; its ValueError is shown as it is.

    Raises:
        SettingsError: on making one, a value does not fit its declaration.
    """

    section: ClassVar[str]
    if TYPE_CHECKING:
        __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]
        __pydantic_fields__: ClassVar[dict[str, FieldInfo]]

    def __init_subclass__(cls, *, section: str) -> None:
        """Make the dataclass; ``section`` is its name in params.yaml, dotted where it lies in another's mapping."""
        super().__init_subclass__()
        cls.section = section
        dataclass(cls, frozen=True, config=ConfigDict(extra="forbid", allow_inf_nan=False))
        checked = cls.__init__

        @functools.wraps(checked)
        def init(self: Self, *args: Any, **values: Any) -> None:
            names = list(cls.__pydantic_fields__)
            if len(args) > len(names):
                raise TypeError(f"{cls.section} has {len(names)} parameters, not {len(args)}")
            try:
                checked(self, **dict(zip(names, args, strict=False)), **values)
            except ValidationError as error:
                refused = SettingsError(explained(cls, error))
                no_text = [one for one in error.errors(include_url=False) if one["type"] == "string_type"]
                refused.not_text = tuple((f"{cls.section}.{one['loc'][0]}", one["input"]) for one in no_text)
                raise refused from error

        cls.__init__ = init  # type: ignore[method-assign, assignment]

    @classmethod
    def read(cls, values: Any) -> Self:
        """Make a section of a mapping that must have every key.

        Raises:
            SettingsError: it is no mapping, a key is unknown or missing, or a value does not fit.
        """
        allowed = [field.name for field in dataclasses.fields(cls)]
        if not isinstance(values, Mapping):
            raise SettingsError(f"section {cls.section!r} must be a mapping of {', '.join(allowed)}")
        unknown = [f"unknown parameter {cls.section}.{key}" for key in values if key not in allowed]
        missing = [f"{cls.section}.{key} missing" for key in allowed if key not in values]
        if unknown or missing:
            raise SettingsError(f"{', '.join(unknown + missing)}; {cls.section} has {', '.join(allowed)}")
        return cls(**values)


def explained(kind: type[Section], error: ValidationError) -> str:
    """What is wrong, a sentence for each parameter."""
    return "; ".join(dict.fromkeys(_sentence(kind, one) for one in error.errors(include_url=False)))


def _sentence(kind: type[Section], one: Any) -> str:
    if one["type"] == "value_error":
        words = str(one["ctx"]["error"])
        return words if words.startswith(f"{kind.section}.") else f"{kind.section}: {words}"
    if one["type"] == "unexpected_keyword_argument":
        return f"unknown parameter {'.'.join(map(str, (kind.section, *one['loc'])))}"
    declared, where, item = None, kind.section, False
    for step in one["loc"]:
        inner = _inside(declared, step) if declared else kind.__pydantic_fields__[str(step)]
        if inner is None:
            break  # of a union: the branch that was tried
        declared = inner
        item = isinstance(step, int)
        where += "" if item and step == one["loc"][-1] else f"[{step}]" if item else f".{step}"
    if one["type"].startswith("missing"):
        return f"{where} missing"
    given = one["input"]
    comma = isinstance(given, str) and re.fullmatch(r"[+-]?\d+,\d+", given)
    point = f"; decimals have a point: {given.replace(',', '.')}" if comma else ""
    return f"{where} {'has' if item else 'is'} {given!r}; it must be {_wanted(declared) if declared else '?'}{point}"


def _inside(declared: FieldInfo, step: Any) -> FieldInfo | None:
    """The declaration of an item of a list, a value of a mapping, or a field of a section within a section."""
    options = [option for option in _options(declared.annotation) if option is not NoneType]
    kind = options[0] if len(options) == 1 else None
    if get_origin(kind) in (list, dict):
        return FieldInfo.from_annotation(get_args(kind)[-1])
    if isinstance(kind, type) and issubclass(kind, Section):
        return kind.__pydantic_fields__.get(str(step))
    return None


def _options(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)


def _wanted(declared: FieldInfo) -> str:
    words = [word for option in _options(declared.annotation) for word in _kinds(option)]
    named = words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
    return named + _range(declared) + (f" ({declared.description})" if declared.description else "")


def _kinds(option: Any) -> list[str]:
    if get_origin(option) is Literal:
        return [str(choice) for choice in get_args(option)]
    if get_origin(option) is Annotated:
        return [_wanted(FieldInfo.from_annotation(option))]
    if isinstance(option, type) and issubclass(option, Section):
        return [f"a mapping of {', '.join(option.__pydantic_fields__)}"]
    return [_NAMES[get_origin(option) or option]]


def _range(declared: FieldInfo) -> str:
    bounds = {}
    for part in declared.metadata:
        if isinstance(part, (Ge, Gt, Le, Lt)):
            sign = type(part).__name__.lower()
            bounds[sign] = getattr(part, sign)
    if bounds.keys() == {"ge", "le"}:
        return f" from {bounds['ge']} to {bounds['le']}"
    words = {"ge": "of at least", "gt": "above", "le": "of at most", "lt": "below"}
    said = " and ".join(f"{word} {bounds[sign]}" for sign, word in words.items() if sign in bounds)
    return f" {said}" if said else ""
