from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from switchboard.backfill.errors import Refused
from switchboard.backfill.job import MAX_NAME_BYTES, SetAttribute, Table, checked_value, quoted
from switchboard.backfill.plan import planned
from switchboard.dynamo.values import MAX_LEVELS
from tests.fakes.backfill_table import TABLE, BackfillTable
from tests.unit.backfill.runs_of import VALUE

BOTH = Table("things", ("pk", "sk"))


def plan(table: BackfillTable, **changed: Any) -> Any:
    asked = {
        "attribute": "test",
        "value": VALUE,
        "prefix": None,
        "max_write_units": 500.0,
        "max_read_units": 400.0,
        **changed,
    }
    return planned(table, TABLE, **asked)  # type: ignore[arg-type]  # the table in memory


def test_the_statement_of_an_item_and_its_parameters() -> None:
    job = SetAttribute(BOTH, "a.b", VALUE)
    assert job.statement() == ('UPDATE "things" SET "a.b"=? WHERE "pk"=? AND "sk"=? AND "a.b" IS MISSING')
    key = BOTH.key({"sk": {"N": "7"}, "pk": {"S": "p"}, "else": {"S": "x"}})
    assert key == (("S", "p"), ("N", "7"))
    assert job.parameters(key) == [VALUE, {"S": "p"}, {"N": "7"}]
    assert BOTH.attributes(key) == {"pk": {"S": "p"}, "sk": {"N": "7"}}


def test_a_table_without_sort_key_has_one_condition_less() -> None:
    statement = SetAttribute(Table("t", ("id",)), "test", VALUE).statement()
    assert statement == 'UPDATE "t" SET "test"=? WHERE "id"=? AND "test" IS MISSING'


@pytest.mark.parametrize("name", ["test", "order", "a.b", "a b", "ümlaut", "it's", "x" * MAX_NAME_BYTES])
def test_any_printable_name_is_quoted(name: str) -> None:
    assert quoted(name) == f'"{name}"'


@pytest.mark.parametrize("name", ["", 'a"b', "a\nb", "a\0", "ü" * 128])
def test_a_name_that_cannot_be_quoted_is_refused(name: str) -> None:
    with pytest.raises(Refused, match="attribute: expected") as refused:
        quoted(name)
    assert refused.value.code == "InvalidInput"
    assert not name or name not in str(refused.value)


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ({"S": ""}, {"S": ""}),
        ({"N": "1.50"}, {"N": "1.5"}),
        ({"BOOL": False}, {"BOOL": False}),
        ({"NULL": True}, {"NULL": True}),
        ({"M": {"a": {"N": "007"}}}, {"M": {"a": {"N": "7"}}}),
        ({"L": [{"S": "x"}, {"L": []}]}, {"L": [{"S": "x"}, {"L": []}]}),
        ({"SS": ["a", "b"]}, {"SS": ["a", "b"]}),
        ({"NS": ["1", "2.0"]}, {"NS": ["1", "2"]}),
    ],
)
def test_a_value_is_stored_in_its_one_form(value: Any, stored: Any) -> None:
    assert checked_value(value) == stored


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"S": "x"}
    for _ in range(levels - 1):
        value = {"L": [value]}
    return value


@pytest.mark.parametrize(
    "value",
    [
        "secret",
        {},
        {"S": "secret", "N": "1"},
        {"S": 1},
        {"N": 1},
        {"N": "one"},
        {"N": "NaN"},
        {"N": "1" * 39},
        {"BOOL": "true"},
        {"NULL": False},
        {"B": "c2VjcmV0"},
        {"M": {"": {"S": "secret"}}},
        {"M": {"a": "secret"}},
        {"L": {"S": "secret"}},
        {"SS": []},
        {"SS": ["secret", "secret"]},
        {"NS": ["1", "1.0"]},
        {"NS": [1]},
        {"S": "\ud800"},
        nested(MAX_LEVELS + 1),
    ],
)
def test_a_value_that_cannot_be_stored_is_refused_and_not_repeated(value: Any) -> None:
    with pytest.raises(Refused, match="value: ") as refused:
        checked_value(value)
    assert refused.value.code == "InvalidInput"
    assert "secret" not in str(refused.value)


def test_the_deepest_value_is_taken() -> None:
    assert checked_value(nested(MAX_LEVELS)) == nested(MAX_LEVELS)


def test_a_plan_keeps_the_budget_of_an_on_demand_table() -> None:
    planned_ = plan(BackfillTable([]))
    assert (planned_.write_units, planned_.read_units) == (500, 400)
    assert planned_.job == SetAttribute(BOTH, "test", VALUE)


def test_a_plan_takes_at_most_half_of_the_weakest_part_that_is_provisioned() -> None:
    table = BackfillTable([])
    table.description["BillingModeSummary"]["BillingMode"] = "PROVISIONED"
    table.description["ProvisionedThroughput"] = {"ReadCapacityUnits": 30, "WriteCapacityUnits": 50}
    index = {"ProvisionedThroughput": {"ReadCapacityUnits": 2, "WriteCapacityUnits": 7}}
    table.description["GlobalSecondaryIndexes"] = [index]
    for summary in (table.description["BillingModeSummary"], None):
        if summary is None:
            del table.description["BillingModeSummary"]
        planned_ = plan(table)
        assert (planned_.write_units, planned_.read_units) == (3.5, 15)
    assert plan(table, max_write_units=1.0).write_units == 1


@pytest.mark.parametrize("attribute", ["pk", "sk", "seen"])
def test_no_key_of_the_table_or_of_an_index_is_backfilled(attribute: str) -> None:
    with pytest.raises(Refused, match="no key of the table or of an index"):
        plan(BackfillTable([]), attribute=attribute)


def test_a_table_without_recovery_is_refused() -> None:
    table = BackfillTable([])
    table.recovery = "DISABLED"
    with pytest.raises(Refused) as refused:
        plan(table)
    assert refused.value.code == "RecoveryOff"


def test_keys_that_are_no_text_limit_what_a_job_can_say() -> None:
    table = BackfillTable([])
    table.description["AttributeDefinitions"][0]["AttributeType"] = "N"
    assert plan(table).job.table == BOTH
    with pytest.raises(Refused, match="prefix: "):
        plan(table, prefix="p")
    table.description["AttributeDefinitions"][1]["AttributeType"] = "B"
    with pytest.raises(Refused, match="binary keys"):
        plan(table)


def test_an_unknown_table_is_dynamodbs_own_error() -> None:
    with pytest.raises(ClientError):
        planned(
            BackfillTable([]),  # type: ignore[arg-type]  # the table in memory
            "nothing",
            attribute="test",
            value=VALUE,
            prefix=None,
            max_write_units=1,
            max_read_units=1,
        )
