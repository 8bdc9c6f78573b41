"""Checks a raw JSON answer against botocore's own model of it, without any code of ours that writes or reads it."""

import json
from typing import Any

import botocore.session

_TYPES = {"string": str, "integer": int, "long": int, "boolean": bool, "double": (int, float), "float": (int, float)}


def raw_answer(client: Any, operation: str, **params: Any) -> tuple[dict[str, Any], Any]:
    """The JSON body as it came over the wire, and the output shape that it must have."""
    method = next(name for name, meaning in client.meta.method_to_api_mapping.items() if meaning == operation)
    bodies: list[bytes] = []

    def keep(response_dict: dict[str, Any], **_: Any) -> None:
        bodies.append(response_dict["body"])

    client.meta.events.register("before-parse", keep)
    try:
        getattr(client, method)(**params)
    finally:
        client.meta.events.unregister("before-parse", keep)
    model = botocore.session.get_session().get_service_model(client.meta.service_model.service_name)
    return json.loads(bodies[-1]), model.operation_model(operation).output_shape


def differences(value: Any, shape: Any, path: str = "$") -> list[str]:
    """Where `value` is not of `shape`: unknown or missing members, wrong types, words outside an enum."""
    if shape.type_name == "structure":
        members = {member.serialization.get("name", name): (name, member) for name, member in shape.members.items()}
        found = [f"{path}.{key} is unknown" for key in value if key not in members]
        present = {members[key][0] for key in value if key in members}
        found += [f"{path}.{name} is missing" for name in shape.required_members if name not in present]
        for key in set(value) & set(members):
            found += differences(value[key], members[key][1], f"{path}.{key}")
        return found
    if shape.type_name == "list":
        return [gap for number, one in enumerate(value) for gap in differences(one, shape.member, f"{path}[{number}]")]
    if shape.type_name == "timestamp":
        return [] if isinstance(value, (int, float, str)) else [f"{path} is no timestamp: {value!r}"]
    found = [] if isinstance(value, _TYPES[shape.type_name]) else [f"{path} is no {shape.type_name}: {value!r}"]
    if getattr(shape, "enum", []) and value not in shape.enum:
        found.append(f"{path} is {value!r}, not one of {shape.enum}")
    return found
