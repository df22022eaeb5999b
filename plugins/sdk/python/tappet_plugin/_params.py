# SPDX-License-Identifier: Apache-2.0
"""Parameters and fields: what the manifest says of them, from Python's annotations.

    sku: Text                                     text, required
    count: Int = 1                                int, may be left out
    priority: Literal["low", "high"] = "low"      choice
    city: Annotated[Text, Doc("Where to.")]       with a description
    address: Address                              map; Address is a TypedDict: with members
"""
from __future__ import annotations

import inspect
import types
import typing
from typing import Annotated, Callable, Literal, Optional, Union, get_args, get_origin, get_type_hints

from ._types import Job

Any = typing.Any


class Kind:
    """Which type of PROTOCOL.md it is."""

    def __init__(self, name: str):
        self.name = name


class Doc:
    """A sentence about a parameter."""

    def __init__(self, text: str):
        self.text = text


class Choices:
    """The values of a choice that is only known at run time: Annotated[str, Choices(...)]."""

    def __init__(self, *values: str):
        self.values = values


Text = Annotated[str, Kind("text")]
Id = Annotated[str, Kind("id")]
Int = Annotated[int, Kind("int")]
Number = Annotated[float, Kind("number")]
Bool = Annotated[bool, Kind("bool")]
Date = Annotated[str, Kind("date")]
Mail = Annotated[str, Kind("mail")]
Timestamp = Annotated[str, Kind("timestamp")]
Map = Annotated[dict[str, typing.Any], Kind("map")]
List = Annotated[list[typing.Any], Kind("list")]

PLAIN: dict[object, str] = {str: "text", int: "int", float: "number", bool: "bool", dict: "map",
                            list: "list", typing.Any: "any"}
NOT_PARAMS = ("timestamp",)
FIELDS = ("text", "bool", "int", "number", "timestamp", "date", "list", "map", "any")

Spec = dict[str, typing.Any]


def spec_of(hint: Any, where: str) -> Spec:
    """{"type": ..., ...} of an annotation."""
    if get_origin(hint) is Annotated:
        inner, *notes = get_args(hint)
        spec = spec_of(inner, where)
        for note in notes:
            if isinstance(note, Kind):
                spec = {"type": note.name}
            elif isinstance(note, Choices):
                spec = {"type": "choice", "choices": list(note.values)}
            elif isinstance(note, Doc):
                spec["doc"] = note.text
        return spec
    if get_origin(hint) in (Union, types.UnionType):
        others = [a for a in get_args(hint) if a is not type(None)]
        if len(others) == 1:
            return spec_of(others[0], where)
    if get_origin(hint) is Literal and all(isinstance(a, str) for a in get_args(hint)):
        return {"type": "choice", "choices": list(get_args(hint))}
    if typing.is_typeddict(hint):
        members = get_type_hints(hint, include_extras=True)
        return {"type": "map", "members": {
            name: with_required(spec_of(unwrapped(h), f"{where}.{name}"),
                                name in hint.__required_keys__)
            for name, h in members.items()}}
    name = PLAIN.get(get_origin(hint) or hint)
    if name is None:
        raise TypeError(f"{where}: {hint!r} is no type that a rule can give")
    return {"type": name}


def unwrapped(hint: Any) -> Any:
    """Of a TypedDict's Required[...] and NotRequired[...]."""
    return get_args(hint)[0] if get_origin(hint) in (typing.Required, typing.NotRequired) else hint


def with_required(spec: Spec, required: bool) -> Spec:
    return {**spec, "required": True} if required else spec


def fields_of(members: dict[str, Any], where: str) -> Spec:
    """Of a result or an event: types only, choices and the like are texts."""
    fields = {}
    for name, hint in members.items():
        spec = spec_of(unwrapped(hint), f"{where}.{name}")
        fields[name] = {"type": spec["type"] if spec["type"] in FIELDS else "text"}
        if "doc" in spec:
            fields[name]["doc"] = spec["doc"]
    return fields


def params_of(call: Callable[..., Any], where: str) -> Spec:
    """Of an action: all its arguments after the job."""
    hints = get_type_hints(call, include_extras=True)
    params = {}
    arguments = list(inspect.signature(call).parameters.values())
    if not arguments or hints.get(arguments[0].name) is not Job:
        raise TypeError(f"{where}: the first argument is the job: write `job: Job`")
    for argument in arguments[1:]:
        here = f"{where}({argument.name})"
        if argument.kind in (argument.VAR_POSITIONAL, argument.VAR_KEYWORD,
                             argument.POSITIONAL_ONLY) or argument.name not in hints:
            raise TypeError(f"{here}: a parameter has a name and a type")
        spec = spec_of(hints[argument.name], here)
        if spec["type"] in NOT_PARAMS:
            spec["type"] = "text"
        params[argument.name] = with_required(spec, argument.default is argument.empty)
    return params


def result_of(call: Callable[..., Any], where: str) -> Optional[Spec]:
    """Of an action that returns a TypedDict."""
    hint = get_type_hints(call, include_extras=True).get("return")
    if hint is None or not typing.is_typeddict(hint):
        return None
    return fields_of(get_type_hints(hint, include_extras=True), f"{where}: result")
