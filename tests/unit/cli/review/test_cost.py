from __future__ import annotations

import json
from dataclasses import fields
from datetime import date
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.review.assembly import Resource, StageTemplates
from cli.review.cost import costs, total
from cli.review.load import Load
from switchboard import prices as module
from switchboard.prices import list_prices

if TYPE_CHECKING:
    from typing import Any

    from cli.review.cost import Cost

PRICES = list_prices()


def stage(*resources: tuple[str, dict[str, Any]]) -> StageTemplates:
    found = [
        Resource("data", f"R{number}", f"AWS::{kind}", properties.pop("path", "R"), properties, (), retained=False)
        for number, (kind, properties) in enumerate(resources)
    ]
    return StageTemplates("prod", {}, {}, tuple(found))


def bill(load: Load, *resources: tuple[str, dict[str, Any]]) -> dict[str, Cost]:
    return {line.what: line for line in costs(stage(*resources), load, PRICES)}


def table(**more: Any) -> tuple[str, dict[str, Any]]:
    return "DynamoDB::Table", {"path": "CdrTable", "BillingMode": "PAY_PER_REQUEST", **more}


def test_a_cdr_is_written_to_the_table_and_to_each_index() -> None:
    load = Load(events=1_000_000, cdr_kb=1.5)
    lines = bill(load, table(GlobalSecondaryIndexes=[{}, {}]))
    assert lines["DynamoDB writes"].quantity == 1_000_000 * 2 * 3
    assert lines["DynamoDB writes"].usd == pytest.approx(6 * 0.625)
    assert lines["DynamoDB storage, indexes included"].usd == pytest.approx(1.5 * 12_000_000 / 1_048_576 * 3 * 0.25)
    assert "Point-in-time recovery" not in lines


def test_a_message_is_followed_by_a_row_of_each_member() -> None:
    lines = bill(Load(events=1_000), table(path="MessagesTable", GlobalSecondaryIndexes=[{}]))
    assert lines["DynamoDB writes"].quantity == 1_000 * (1 + 2 * (1 + 2))
    assert lines["DynamoDB reads"].quantity == 1_000 * (2 + 4 + 1.5)


def test_the_index_of_lists_stores_no_messages() -> None:
    load = Load(events=1_048_576, message_kb=1, months_kept=1)
    lines = bill(load, table(path="MessagesTable", GlobalSecondaryIndexes=[{}]))
    assert lines["DynamoDB storage, indexes included"].quantity == 1


def test_who_reads_a_message_calls_twice() -> None:
    function = {"Environment": {"Variables": {"SWITCHBOARD_FUNCTION": "messages"}}}
    for readers in (0, 3):
        lines = bill(Load(events=1_000, reads_per_message=readers), ("Lambda::Function", function))
        assert lines["Lambda requests"].quantity == 1_000 * (1 + 2 * readers)


def test_provisioned_units_cost_by_the_hour_whatever_the_load() -> None:
    units = {"WriteCapacityUnits": 4, "ReadCapacityUnits": 3}
    provisioned = table(
        BillingMode="PROVISIONED",
        ProvisionedThroughput=units,
        GlobalSecondaryIndexes=[{"ProvisionedThroughput": units}],
    )
    (line,) = bill(Load(events=0), provisioned).values()
    assert line.usd == pytest.approx(730 * 2 * (4 * 0.00065 + 3 * 0.00013))


@pytest.mark.parametrize(
    ("schedule", "copies"),
    [
        ("cron(0 3 ? * SUN *)", 10),
        ("cron(0 3 ? * MON,THU *)", 20),
        ("cron(0 3 ? * * *)", 70),
        ("cron(0 3 * * ? *)", 70),
        ("cron(0 3 1 * ? *)", 10),
    ],
)
def test_copies_pile_up_until_they_are_deleted(schedule: str, copies: int) -> None:
    rule = {"Lifecycle": {"DeleteAfterDays": 70}, "ScheduleExpression": schedule}
    plan = {"BackupPlan": {"BackupPlanRule": [rule]}}
    lines = bill(Load(events=1_048_576, cdr_kb=1, months_kept=1), table(), ("Backup::BackupPlan", plan))
    assert lines[f"AWS Backup, {copies} copies"].quantity == copies


def test_alarms_cost_by_the_metrics_that_they_watch() -> None:
    own = {"Namespace": "Switchboard", "MetricName": "A"}
    other = {"Namespace": "AWS/Lambda", "MetricName": "B"}
    combined = {"Metrics": [{"MetricStat": {"Metric": own}}, {"MetricStat": {"Metric": other}}, {"Expression": "a+b"}]}
    query = {"Metrics": [{"Expression": "SELECT SUM(x) FROM y"}]}
    alarm = "CloudWatch::Alarm"
    lines = bill(Load(), (alarm, dict(own)), (alarm, other), (alarm, combined), (alarm, query))
    assert lines["Alarms"].quantity == 5
    assert total(tuple(lines.values())) == pytest.approx(0.5)


def test_functions_cost_by_the_metrics_that_they_make() -> None:
    functions = [
        ("Lambda::Function", {"Environment": {"Variables": {"SWITCHBOARD_FUNCTION": name}}})
        for name in ("cdr-writer", "cdr-query", "backfill")
    ]
    line = bill(Load(events=0), *functions)["Metrics of the functions"]
    assert line.quantity == 9 + 6
    assert line.usd == pytest.approx(15 * 0.3)


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_more_load_never_costs_less(less: int, more: int) -> None:
    less, more = sorted((less, more))
    resources: tuple[tuple[str, dict[str, Any]], ...] = (
        table(GlobalSecondaryIndexes=[{}], PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}),
        ("SQS::Queue", {}),
        ("Lambda::Function", {"MemorySize": 512, "Environment": {"Variables": {"SWITCHBOARD_FUNCTION": "messages"}}}),
    )
    bills = [
        total(costs(stage(*[(k, dict(p)) for k, p in resources]), Load(events=each), PRICES)) for each in (less, more)
    ]
    assert bills[0] <= bills[1]


def test_the_assumptions_name_the_load() -> None:
    assert "1,234 CDRs" in Load(events=1_234).assumptions[0]


def test_every_price_says_where_it_is_from_and_when() -> None:
    stored = json.loads(module._FILE.read_text())
    assert date.fromisoformat(stored["date"])
    assert {field.name for field in fields(PRICES)} - {"region", "date"} == set(stored["prices"])
    for name, price in stored["prices"].items():
        assert price["source"].startswith("https://aws.amazon.com/"), name
        assert price["what"], name
        assert price["usd"] / price["per"] == getattr(PRICES, name) > 0
