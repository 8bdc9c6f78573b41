"""Each check function of the rules, as a DuckDB expression that is true for a row that satisfies it.

A check of a value's form or type says nothing about a row without a value. A product matches a cost when it is the same
after rounding half to even at the cost's own decimals. A column that the data set does not have is NULL in every row.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.focus.rules import Node

CURRENCIES = Path(__file__).parent / "data" / "currency_codes.csv"

# https://focus.finops.org, Unit Format: one unit, a count of units, units of something per time
_SIZE = "(?:[KMGTPE]?[bB]|[KMGTPE]i[bB])"
_TIME = "(?:Year|Month|Day|Hour|Minute|Second)"
_WORD = "(?:[A-Z][A-Za-z]*)"
_PLURAL = f"(?:{_SIZE}|{_TIME}s|{_WORD}s)"
_SINGULAR = f"(?:{_SIZE}|{_TIME}|{_WORD})"
_UNIT = f"(?:[1-9][0-9]* )?{_PLURAL}(?:/(?:[1-9][0-9]* )?{_SINGULAR})?|(?:[1-9][0-9]* )?{_SINGULAR}-{_PLURAL}"
_NUMBER = r"-?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:E-?[0-9]+)?"
_MOMENT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"
_VALUE = "«value»"
_DECIMALS = ("DECIMAL", "DOUBLE", "FLOAT", "BIGINT", "INTEGER", "HUGEINT", "SMALLINT", "TINYINT")


class UnknownCheckError(Exception):
    """A rule uses a check function that this runner does not know."""


class Checks:
    """Turns checks into SQL for one data set: its columns and their types decide what can be asked."""

    def __init__(self, columns: Mapping[str, str]) -> None:
        self._columns = columns
        self._functions: dict[str, Callable[[Node], str]] = {
            "AND": lambda node: self._joined(" and ", node["Items"]),
            "OR": lambda node: self._joined(" or ", node["Items"]),
            "ColumnPresent": lambda node: _truth(node["ColumnName"] in columns),
            "CheckValue": lambda node: f"{self._operand(node)} is not distinct from {_literal(node['Value'])}",
            "CheckNotValue": lambda node: f"{self._operand(node)} is distinct from {_literal(node['Value'])}",
            "CheckSameValue": lambda node: f"{self._pair(node, ' is not distinct from ')}",
            "CheckNotSameValue": lambda node: f"{self._pair(node, ' is distinct from ')}",
            "CheckGreaterOrEqualThanValue": lambda node: self._where_known(
                node, f"try_cast({_VALUE} as decimal(38, 18)) >= {_literal(node['Value'])}"
            ),
            "CheckDecimalValue": lambda node: self._where_known(node, f"{_truth(self._is_decimal(node))}"),
            "CheckNationalCurrency": lambda node: self._where_known(node, f"{_VALUE} in ({_currencies()})"),
            "CheckDistinctCount": self._distinct_count,
            "ColumnByColumnEqualsColumnValue": self._product,
            "TypeDecimal": lambda node: _truth(self._is_decimal(node)),
            "TypeString": lambda node: _truth(self._type(node) == "VARCHAR"),
            "TypeDateTime": lambda node: _truth(self._type(node).startswith("TIMESTAMP")),
            "FormatString": lambda node: self._where_known(node, f"trim(cast({_VALUE} as varchar)) <> ''"),
            "FormatNumeric": self._numeric_format,
            "FormatDateTime": self._moment_format,
            "FormatUnit": lambda node: self._where_known(node, f"regexp_full_match({_VALUE}, '{_UNIT}')"),
            "FormatCurrency": lambda node: self._where_known(node, f"{_VALUE} in ({_currencies()})"),
            "FormatKeyValue": lambda node: self._where_known(node, _KEY_VALUES),
        }

    def sql(self, node: Node) -> str:
        """The expression for a requirement or a condition; the file writes some conditions as `{"AND": [...]}`."""
        if "CheckFunction" not in node and set(node) <= {"AND", "OR"}:
            ((word, items),) = node.items()
            node = {"CheckFunction": word, "Items": items if isinstance(items, list) else [items]}
        function = self._functions.get(node.get("CheckFunction", ""))
        if function is None:
            raise UnknownCheckError(f"no check function {node.get('CheckFunction')!r}: {node}")
        return f"({function(node)})"

    def _joined(self, word: str, items: list[Node]) -> str:
        return word.join(self.sql(item) for item in items)

    def _name(self, node: Node) -> str:
        # two rules of the file call the column's name `CheckCondition`
        return node["ColumnName"] if "ColumnName" in node else node["CheckCondition"]

    def _operand(self, node: Node) -> str:
        return self._column(self._name(node))

    def _column(self, name: str) -> str:
        return f'"{name}"' if name in self._columns else "null"

    def _pair(self, node: Node, operator: str) -> str:
        return f"{self._column(node['ColumnAName'])}{operator}{self._column(node['ColumnBName'])}"

    def _type(self, node: Node) -> str:
        return self._columns.get(self._name(node), "")

    def _is_decimal(self, node: Node) -> bool:
        return self._type(node).startswith(_DECIMALS)

    def _where_known(self, node: Node, test: str) -> str:
        operand = self._operand(node)
        if operand == "null":
            return "true"
        return f"{operand} is null or ({test.replace(_VALUE, operand)})"

    def _numeric_format(self, node: Node) -> str:
        if self._is_decimal(node):
            return "true"
        return self._where_known(node, f"regexp_full_match(cast({_VALUE} as varchar), '{_NUMBER}')")

    def _moment_format(self, node: Node) -> str:
        """A file of typed moments writes them when it is read as text; then they have to say that they are UTC."""
        if self._type(node) == "TIMESTAMP WITH TIME ZONE":
            return "true"
        return self._where_known(node, f"regexp_full_match(cast({_VALUE} as varchar), '{_MOMENT}')")

    def _distinct_count(self, node: Node) -> str:
        first, second = self._column(node["ColumnAName"]), self._column(node["ColumnBName"])
        # a subquery per data set, not a window: DuckDB has no distinct count over a window of this width
        return (
            f"{first} is null or {first} in (select {first} from focus group by 1 "
            f"having count(distinct coalesce(cast({second} as varchar), '')) = {int(node['ExpectedCount'])})"
        )

    def _product(self, node: Node) -> str:
        first, second = self._column(node["ColumnAName"]), self._column(node["ColumnBName"])
        result = self._column(node["ResultColumnName"])
        texts = ", ".join(f"cast({one} as varchar)" for one in (first, second, result))
        return f"{first} is null or {second} is null or product_matches({texts})"


_JSON = f"cast({_VALUE} as varchar)"
# what is no JSON is taken as an array here: `and` does not keep the functions behind it from reading it
_SOUND = f"case when json_valid({_JSON}) then {_JSON} else '[]' end"
_KEY_VALUES = (
    f"json_type({_SOUND}) = 'OBJECT' and len(json_keys({_SOUND})) = len(list_distinct(json_keys({_SOUND}))) "
    f"and len(list_filter(json_extract({_SOUND}, '$.*'), lambda one: json_type(one) in ('OBJECT', 'ARRAY'))) = 0"
)


def _truth(answer: bool) -> str:
    return "true" if answer else "false"


def _literal(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return str(value)


def _currencies() -> str:
    codes = [line.split(",")[1] for line in CURRENCIES.read_text().splitlines()[1:]]
    return ", ".join(f"'{code}'" for code in codes)
