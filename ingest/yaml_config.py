"""Reads a YAML file into a typed model and says of every mistake where it is and what would be right.

A message names the file, the line, the path inside the file, what was found and what is allowed:
`config/scope.yml:14: rules[3].provider: 'amazon' is not one of aws, gcp, azure`. All mistakes of a
file are told at once. Unknown keys and keys given twice are refused. A number with a decimal point is read as `Decimal`
from its text.
"""

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, TypeGuard, TypeVar, cast, get_args, get_origin

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, Strict, ValidationError, WithJsonSchema
from pydantic_core import ErrorDetails

from ingest.errors import ConfigError

_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_MAX_NODES = 200_000
_PLAIN = {
    "missing": "is missing",
    "string_type": "{found} is not text; put it in quotes",
    "string_pattern_mismatch": "{found} does not look like {pattern}",
    "string_too_short": "is empty",
    "too_short": "needs at least {min_length} entry",
    "tuple_type": "{found} where a list is expected",
    "int_type": "{found} is not a whole number",
    "bool_type": "{found} is not one of true, false",
    "value_error": "{found}: {error}",
    "greater_than": "{found} is not above {gt}",
    "greater_than_equal": "{found} is below {ge}",
    "less_than": "{found} is not below {lt}",
    "less_than_equal": "{found} is above {le}",
    "decimal_max_places": "{found} has more than {decimal_places} decimals",
}
_MAX_TOLD = 10
_DEPTH_LIMIT = 60

Place = tuple[str | int, ...]
ModelT = TypeVar("ModelT", bound=BaseModel)


class StrictModel(BaseModel):
    """The base of every configuration model: unknown keys are refused, values cannot be changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class MisplacedError(ValueError):
    """A rule across several values is broken; `place` is the path to the value to blame, from the validated model."""

    def __init__(self, place: Place, message: str) -> None:
        super().__init__(message)
        self.place = place


def _refuse(message: str) -> NoReturn:
    raise ValueError(message)


def _plain_day(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        return date.fromisoformat(value)
    return value if type(value) is date else _refuse("a date is written YYYY-MM-DD")


def _plain_amount(value: object) -> object:
    # a bool is an int to Python
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return Decimal(value)
    return _refuse("a number is expected, without quotes")


Day = Annotated[date, BeforeValidator(_plain_day)]
Amount = Annotated[Decimal, BeforeValidator(_plain_amount), WithJsonSchema({"type": "number", "minimum": 0})]
WholeNumber = Annotated[int, Strict()]
Text = Annotated[str, Field(min_length=1)]


def refuse_repeats(values: Sequence[str], group: str, key: str | None) -> None:
    """Raise MisplacedError when a value stands twice in `group` (under `key` of its entries)."""
    for index, value in enumerate(values):
        if value in values[:index]:
            place = (group, index) if key is None else (group, index, key)
            raise MisplacedError(place, f"'{value}' is given twice")


class _Document:
    """The values of a YAML file and the line on which each of them, and each key, stands."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: dict[Place, int] = {}
        self._nodes = 0

    def read(self) -> Any:
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError as error:
            raise ConfigError(f"{self.path}: there is no such file.", _remedy(self.path)) from error
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{self.path}: cannot be read as UTF-8 text: {error}.", _remedy(self.path)) from error
        try:
            root = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.YAMLError as error:
            raise ConfigError(f"{self.path}{_syntax(error)}.", "Correct the YAML syntax on that line.") from error
        if root is None:
            raise ConfigError(f"{self.path}:1: the file is empty.", _remedy(self.path))
        return self._value(root, ())

    def line(self, place: Place) -> int:
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)

    def _fail(self, node: yaml.Node, place: Place, what: str, remedy: str) -> ConfigError:
        return ConfigError(f"{self.path}:{node.start_mark.line + 1}: {_dotted(place)}: {what}.", remedy)

    def _value(self, node: yaml.Node, place: Place) -> Any:
        self._nodes += 1
        if self._nodes > _MAX_NODES or len(place) > _DEPTH_LIMIT:
            raise self._fail(node, place[:3], "nested too deeply or too large", "Write the values out without aliases.")
        self.lines.setdefault(place, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, place)
        if isinstance(node, yaml.SequenceNode):
            items = cast("list[yaml.Node]", node.value)
            return [self._value(item, (*place, index)) for index, item in enumerate(items)]
        return _scalar(cast(yaml.ScalarNode, node))

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in cast("list[tuple[yaml.Node, yaml.Node]]", node.value):
            if not isinstance(key_node, yaml.ScalarNode):
                raise self._fail(key_node, place, "a key must be plain text", "Write the key as one word.")
            key = str(key_node.value)
            inner = (*place, key)
            if key in values:
                first = self.lines[inner]
                raise self._fail(key_node, inner, f"given twice, first on line {first}", "Keep one of the two.")
            self.lines[inner] = key_node.start_mark.line + 1
            values[key] = self._value(value_node, inner)
        return values


def load_yaml(path: Path, model: type[ModelT], check: Callable[[ModelT], None] | None = None) -> ModelT:
    """Read `path` and return it as `model`.

    `check` may raise MisplacedError for what one file says of another.
    Raises ConfigError naming file, line, path inside the file, what was found and what is allowed.
    """
    document = _Document(path)
    values = document.read()
    try:
        loaded = model.model_validate(values)
        if check is not None:
            check(loaded)
    except MisplacedError as error:
        where = f"{path}:{document.line(error.place)}: {_dotted(error.place)}"
        raise ConfigError(f"{where}: {error}.", _remedy(path)) from error
    except ValidationError as error:
        mistakes = [_mistake(document, model, detail) for detail in error.errors() if not _is_echo(detail)]
        told = mistakes[:_MAX_TOLD]
        if len(mistakes) > len(told):
            told.append(f"and {len(mistakes) - len(told)} more mistakes in {path}")
        raise ConfigError("\n".join(told) + ".", _remedy(path)) from error
    return loaded


def _remedy(path: Path) -> str:
    return f"Correct {path.name}; docs/configuration.md explains every key."


def _syntax(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "not valid YAML"
    return f":{mark.line + 1}: {problem}" if isinstance(mark, yaml.Mark) else f": {problem}"


def _scalar(node: yaml.ScalarNode) -> str | int | Decimal | bool | date | None:
    text = str(node.value)
    kind = str(node.tag).rpartition(":")[2]
    if kind == "null":
        return None
    # of the YAML 1.1 words only true and false count: a team may be called "on" or "no"
    if kind == "bool" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    # YAML 1.1 reads 0123 as octal and 12:30 as base 60; here both stay text
    if kind == "int" and _INT.fullmatch(text):
        return int(text)
    if kind == "float" and re.fullmatch(r"[-+]?[0-9]+\.[0-9]*|[-+]?\.[0-9]+", text):
        return Decimal(text)
    if kind == "timestamp" and re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            return text
    return text


def _dotted(place: Sequence[str | int]) -> str:
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else (f".{part}" if text else part)
    return text or "(top level)"


def _is_echo(detail: ErrorDetails) -> bool:
    """Whether a list only counts as too short because its entries, told apart, are wrong."""
    return detail["type"] == "too_short" and len(detail["input"]) >= detail.get("ctx", {})["min_length"]


def _mistake(document: _Document, model: type[BaseModel], detail: ErrorDetails) -> str:
    place: Place = tuple(detail["loc"])
    cause = detail.get("ctx", {}).get("error")
    if isinstance(cause, MisplacedError):
        place = (*place, *cause.place)
    return f"{document.path}:{document.line(place)}: {_dotted(place)}: {_what(model, place, detail)}"


def _what(model: type[BaseModel], place: Place, detail: ErrorDetails) -> str:
    kind, found, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown_key(str(place[-1]), _type_at(model, place[:-1]))
    if kind in ("literal_error", "enum"):
        return _not_one_of(found, [str(word) for word in get_args(_type_at(model, place))])
    if kind == "value_error" and isinstance(context["error"], MisplacedError):
        return str(context["error"])
    if kind == "model_type":
        return f"{_shown(found)} where keys are expected: {', '.join(_keys(_type_at(model, place)))}"
    if kind == "string_type" and found is None:
        return "is empty"
    plain = _PLAIN.get(kind)
    if plain is None:
        return f"{_shown(found)}: {detail['msg'][:1].lower()}{detail['msg'][1:]}"
    return plain.format(found=_shown(found), **context)


def _shown(found: object) -> str:
    if isinstance(found, Mapping):
        return "a group of keys"
    if isinstance(found, list):
        return "a list"
    return "nothing" if found is None else (str(found) if isinstance(found, date | Decimal) else repr(found))


def _not_one_of(found: object, allowed: Sequence[str]) -> str:
    return f"{_shown(found)} is not one of {', '.join(allowed)}{_nearest(str(found), allowed)}"


def _unknown_key(key: str, owner: object) -> str:
    known = _keys(owner)
    return "unknown key" + (_nearest(key, known) or f"; known are {', '.join(known)}")


def _nearest(word: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f"; did you mean '{close[0]}'" if close else ""


def _keys(kind: object) -> list[str]:
    return [field.alias or name for name, field in kind.model_fields.items()] if _is_model(kind) else []


def _is_model(kind: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _type_at(model: type[BaseModel], place: Place) -> object:
    """The declared type at a path inside the model, with `| None` and `Annotated` taken off."""
    kind: object = model
    for part in place:
        if _is_model(kind):
            fields = {field.alias or name: field for name, field in kind.model_fields.items()}
            kind = fields[str(part)].annotation if part in fields else object
        else:
            arguments = get_args(kind)
            kind = (arguments[0] if isinstance(part, int) else arguments[-1]) if arguments else object
        kind = _bare(kind)
    return kind


def _bare(kind: object) -> object:
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    options = [option for option in get_args(kind) if option is not type(None)]
    is_optional = get_origin(kind) is not Literal and len(options) < len(get_args(kind))
    return _bare(options[0]) if is_optional and len(options) == 1 else kind
