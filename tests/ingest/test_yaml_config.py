"""A mistake in a configuration file is told with file, line, path, what was found and what is allowed."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field, model_validator

from ingest.errors import ConfigError
from ingest.yaml_config import Amount, Day, MisplacedError, StrictModel, WholeNumber, load_yaml


class Rule(StrictModel):
    provider: Literal["aws", "gcp", "azure"]
    account: str | None = None
    count: WholeNumber = 1
    price: Annotated[Amount, Field(ge=0)] | None = None
    since: Day | None = None
    active: bool = True


class Rules(StrictModel):
    title: str = ""
    rules: tuple[Rule, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _accounts_differ(self) -> "Rules":
        accounts = [rule.account for rule in self.rules if rule.account]
        for index, account in enumerate(accounts):
            if account in accounts[:index]:
                raise MisplacedError(("rules", index, "account"), f"'{account}' is given twice")
        return self


def load(folder: Path, text: str) -> Rules:
    path = folder / "rules.yml"
    path.write_text(text, encoding="utf-8")
    return load_yaml(path, Rules)


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as refused:
        load(folder, text)
    assert refused.value.remedy
    return refused.value.message.replace(f"{folder}/", "").removesuffix(".")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "rules:\n  - provider: gcp\n  - account: a\n    provider: amazon\n",
            "rules.yml:4: rules[1].provider: 'amazon' is not one of aws, gcp, azure",
            id="a word outside its list",
        ),
        pytest.param(
            "rules:\n  - provider: azur\n",
            "rules.yml:2: rules[0].provider: 'azur' is not one of aws, gcp, azure; did you mean 'azure'",
            id="a word nearly right",
        ),
        pytest.param(
            "rules:\n  - provider: aws\n    acount: a\n",
            "rules.yml:3: rules[0].acount: unknown key; did you mean 'account'",
            id="a key nearly right",
        ),
        pytest.param(
            "rules: [{provider: aws}]\nxyz: 1\n",
            "rules.yml:2: xyz: unknown key; known are title, rules",
            id="a key like no other",
        ),
        pytest.param(
            "rules:\n  - provider: aws\n    account: a\n    count: 2\n    account: b\n",
            "rules.yml:5: rules[0].account: given twice, first on line 3",
            id="a key given twice",
        ),
        pytest.param(
            "rules:\n  - account: a\n", "rules.yml:2: rules[0].provider: is missing", id="a required key is missing"
        ),
        pytest.param(
            "rules:\n  - provider: aws\n    account: 100000000001\n",
            "rules.yml:3: rules[0].account: 100000000001 is not text; put it in quotes",
            id="an account number without quotes",
        ),
        pytest.param(
            "title:\nrules: [{provider: aws}]\n",
            "rules.yml:1: title: is empty",
            id="a key without its value",
        ),
        pytest.param(
            "rules: [{provider: aws, count: 1.5}]\n",
            "rules.yml:1: rules[0].count: 1.5 is not a whole number",
            id="a broken count",
        ),
        pytest.param(
            "rules: [{provider: aws, count: true}]\n",
            "rules.yml:1: rules[0].count: True is not a whole number",
            id="a truth value is no count",
        ),
        pytest.param(
            "rules:\n  - provider: aws\n    price: -0.5\n",
            "rules.yml:3: rules[0].price: -0.5 is below 0",
            id="a negative price",
        ),
        pytest.param(
            'rules: [{provider: aws, price: "0.5"}]\n',
            "rules.yml:1: rules[0].price: '0.5': a number is expected, without quotes",
            id="a price in quotes",
        ),
        pytest.param(
            "rules: [{provider: aws, price: .nan}]\n",
            "rules.yml:1: rules[0].price: '.nan': a number is expected, without quotes",
            id="not a number",
        ),
        pytest.param(
            "rules: [{provider: aws, since: 2026-02-30}]\n",
            "rules.yml:1: rules[0].since: '2026-02-30': day is out of range for month",
            id="a day that does not exist",
        ),
        pytest.param(
            "rules: [{provider: aws, since: 20260201}]\n",
            "rules.yml:1: rules[0].since: 20260201: a date is written YYYY-MM-DD",
            id="a number is no day",
        ),
        pytest.param(
            "rules:\n  provider: aws\n", "rules.yml:1: rules: a group of keys where a list is expected", id="no list"
        ),
        pytest.param("rules: []\n", "rules.yml:1: rules: needs at least 1 entry", id="an empty list"),
        pytest.param("- a\n", "rules.yml:1: (top level): a list where keys are expected: title, rules", id="no keys"),
        pytest.param(
            "rules:\n  - {provider: aws, account: a}\n  - {provider: gcp, account: a}\n",
            "rules.yml:3: rules[1].account: 'a' is given twice",
            id="a rule across entries blames the second",
        ),
        pytest.param("", "rules.yml:1: the file is empty", id="an empty file"),
        pytest.param("a: [1\n", "rules.yml:2: expected ',' or ']', but got '<stream end>'", id="broken syntax"),
        pytest.param("a: 1\n---\nb: 1\n", "rules.yml:2: but found another document", id="two documents"),
        pytest.param("? [a]\n: b\n", "rules.yml:1: (top level): a key must be plain text", id="a key that is a list"),
        pytest.param(
            "rules: &all [*all]\n", "rules.yml:1: rules[0][0]: nested too deeply or too large", id="an endless alias"
        ),
    ],
)
def test_a_mistake_is_told_where_it_is_and_what_would_be_right(tmp_path: Path, text: str, expected: str) -> None:
    assert refusal(tmp_path, text) == expected


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    told = refusal(tmp_path, "rules:\n  - provider: x\n  - provider: aws\n    cuont: 1\n  - {}\n").splitlines()

    assert [line.partition(":")[2].partition(":")[0] for line in told] == ["2", "4", "5"]


def test_a_file_full_of_mistakes_does_not_fill_the_screen(tmp_path: Path) -> None:
    told = refusal(tmp_path, "rules:\n" + "  - provider: x\n" * 40).splitlines()

    assert len(told) == 11
    assert told[-1] == f"and 30 more mistakes in {tmp_path}/rules.yml".replace(f"{tmp_path}/", "")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yml: there is no such file"):
        load_yaml(tmp_path / "nowhere.yml", Rules)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "rules.yml"
    path.write_bytes(b"title: \xff\xfe\n")
    with pytest.raises(ConfigError, match="cannot be read as UTF-8 text"):
        load_yaml(path, Rules)


def test_another_file_can_be_asked_with_the_line_kept(tmp_path: Path) -> None:
    path = tmp_path / "rules.yml"
    path.write_text("rules:\n  - provider: aws\n    account: a\n", encoding="utf-8")

    def refuse(loaded: Rules) -> None:
        raise MisplacedError(("rules", 0, "account"), f"'{loaded.rules[0].account}' is not known elsewhere")

    with pytest.raises(ConfigError, match=r"rules\.yml:3: rules\[0\]\.account: 'a' is not known elsewhere"):
        load_yaml(path, Rules, refuse)


def test_numbers_come_from_their_text_and_never_through_a_double(tmp_path: Path) -> None:
    loaded = load(tmp_path, "rules: [{provider: aws, price: 0.100000000000000000001}]\n")

    assert loaded.rules[0].price == Decimal("0.100000000000000000001")


@pytest.mark.parametrize("word", ["no", "on", "off", "yes", "0123", "12:30", "1_000"])
def test_words_that_old_yaml_reads_as_something_else_stay_text(tmp_path: Path, word: str) -> None:
    assert load(tmp_path, f"rules: [{{provider: aws, account: {word}}}]\n").rules[0].account == word


def test_a_loaded_value_cannot_be_changed(tmp_path: Path) -> None:
    loaded = load(tmp_path, "rules: [{provider: aws}]\n")

    with pytest.raises(ValueError, match="frozen"):
        loaded.title = "other"  # pyright: ignore[reportAttributeAccessIssue]
