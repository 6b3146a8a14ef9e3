"""`switchboard doctor --account`: what is left of the time before roles."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from cli.errors import Code
from tests.fakes.answers import Answers, refused

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
HEADER = (
    "user,arn,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_1_last_used_service,"
    "access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,access_key_2_last_used_service"
)
NOBODY = "<root_account>,arn:aws:iam::1:root,false,N/A,N/A,N/A,false,N/A,N/A,N/A"
JO = (
    "jo,arn:aws:iam::1:user/jo,true,2024-11-21T12:00:00+00:00,2026-11-18T12:00:00+00:00,dynamodb,"
    "true,2026-11-11T12:00:00+00:00,N/A,N/A"
)
LEFT = "kim,arn:aws:iam::1:user/kim,false,2020-01-01T00:00:00+00:00,N/A,N/A,false,N/A,N/A,N/A"
ROOT = "<root_account>,arn:aws:iam::1:root,true,N/A,N/A,N/A,false,N/A,N/A,N/A"


def keys(partition: str, sort: str) -> Any:
    schema = [{"KeyType": "HASH", "AttributeName": partition}, {"KeyType": "RANGE", "AttributeName": sort}]
    return {"Table": {"KeySchema": schema}}


TABLES = {
    "value/table": keys("timestamp", "sponsor_id"),
    "qm_cdr": keys("timestamp", "sponsor_id"),
    "of-somebody-else": keys("pk", "sk"),
    "other-way-round": keys("sponsor_id", "timestamp"),
}


def account(*rows: str, units: dict[str, float] | None = None, **changed: Any) -> Answers:
    used = units or {}
    answers: dict[str, Any] = {
        "sts.get_caller_identity": {"Arn": "arn:aws:sts::1:assumed-role/Audit/jo"},
        "ssm.get_parameter": lambda **request: {"Parameter": {"Value": f"value/{request['Name'].rpartition('/')[2]}"}},
        "iam.generate_credential_report": {"State": "COMPLETE"},
        "iam.get_credential_report": {"Content": "\n".join((HEADER, *rows)).encode()},
        "dynamodb.list_tables": {"TableNames": list(TABLES)},
        "dynamodb.describe_table": lambda **request: TABLES[request["TableName"]],
        "cloudwatch.get_metric_statistics": lambda **request: {
            "Datapoints": [{"Sum": used.get(request["MetricName"], 0.0)}]
            if request["Dimensions"] == [{"Name": "TableName", "Value": "qm_cdr"}]
            and (NOW - request["StartTime"]).days == 14
            and request["EndTime"] == NOW
            else []
        },
    }
    return Answers(
        answers | {name.replace("__", "."): answer for name, answer in changed.items()}, stage="prod", now=NOW
    )


def findings(stage: Answers) -> tuple[int, list[dict[str, str]]]:
    result = stage.run("doctor", "--account", "--json")
    return result.exit_code, json.loads(result.stdout)["findings"]


def test_every_active_key_is_listed_with_age_and_last_use() -> None:
    code, found = findings(account(NOBODY, JO, LEFT))
    assert code == Code.PARTLY
    said = [(one["about"], one["says"]) for one in found if one["state"] == "amiss"]
    assert said == [
        ("keys of jo", "Key 1 is active, 730 days old, last used 3 days ago with dynamodb."),
        ("keys of jo", "Key 2 is active, 10 days old, never used."),
    ]
    assert {one["remedy"] for one in found if one["state"] == "amiss"} == {
        "Replace it with a role: docs/migration-from-personal-keys.md"
    }


def test_a_key_of_the_root_is_listed_too() -> None:
    _, found = findings(account(ROOT))
    assert [one["says"] for one in found if one["about"] == "keys of <root_account>"] == [
        "Key 1 is active, of unknown age, never used."
    ]


def test_an_account_without_keys_and_with_an_unused_table_is_well() -> None:
    code, found = findings(account(NOBODY, LEFT))
    assert code == Code.DONE
    assert [(one["about"], one["state"]) for one in found] == [
        ("identity", "well"),
        ("keys", "well"),
        ("legacy table qm_cdr", "well"),
    ]


@pytest.mark.parametrize("metric", ["ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits"])
def test_a_table_with_the_old_key_that_somebody_uses_is_amiss(metric: str) -> None:
    code, found = findings(account(NOBODY, units={metric: 1_234.0}))
    assert code == Code.PARTLY
    (about,) = [one for one in found if one["state"] == "amiss"]
    assert about["about"] == "legacy table qm_cdr"
    assert "1,234" in about["says"]


def test_without_tables_of_the_old_key_that_is_said() -> None:
    code, found = findings(account(NOBODY, dynamodb__list_tables={"TableNames": ["of-somebody-else", "value/table"]}))
    assert (code, found[-1]["says"]) == (Code.DONE, "No table has the old key.")


def test_a_report_in_the_making_is_waited_for_and_not_for_ever() -> None:
    stage = account(NOBODY, iam__generate_credential_report=[{"State": "STARTED"}, {"State": "COMPLETE"}])
    assert stage.run("doctor", "--account").exit_code == Code.DONE
    assert stage.pauses == [1.0]
    never = account(NOBODY, iam__generate_credential_report={"State": "INPROGRESS"})
    assert never.run("doctor", "--account").exit_code == Code.UNAVAILABLE
    assert len(never.pauses) == 30


def test_who_may_not_read_the_report_learns_it_and_still_hears_of_tables() -> None:
    code, found = findings(account(NOBODY, iam__generate_credential_report=refused("GenerateCredentialReport")))
    states = {one["about"]: one["state"] for one in found}
    assert code == Code.PARTLY
    assert (states["keys"], states["legacy table qm_cdr"]) == ("unseen", "well")
