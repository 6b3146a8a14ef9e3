"""What `doctor` calls beyond AWS's policy SecurityAudit is in the example policy, and nothing else is."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import Final

import pytest

from cli.doctor_stage import BOOTSTRAP
from switchboard.schema import deployment
from tests.infra.templates import ROOT

EXAMPLE: Final = "docs/examples/audit-policy.json"
NAMED_IN: Final = (
    "docs/account-setup.md",
    "docs/migration-from-personal-keys.md",
    "docs/operations.md",
    "cli/doctor_findings.py",
)


def granted() -> dict[str, list[str]]:
    statements = json.loads((ROOT / EXAMPLE).read_text())["Statement"]
    assert {each["Effect"] for each in statements} == {"Allow"}
    return {each["Action"]: each["Resource"] for each in statements}


def test_the_example_lets_doctor_read_what_is_published_and_count_and_nothing_else() -> None:
    assert granted() == {
        "ssm:GetParameter": ["arn:*:ssm:*:*:parameter/switchboard/*", "arn:*:ssm:*:*:parameter/cdk-bootstrap/*"],
        "cloudwatch:GetMetricStatistics": ["*"],
    }
    for name in (BOOTSTRAP, *(deployment.parameter_name("prod", path) for path in deployment.TABLE_PATHS.values())):
        arn = f"arn:aws:ssm:eu-central-1:123456789012:parameter{name}"
        assert any(fnmatchcase(arn, pattern) for pattern in granted()["ssm:GetParameter"])


@pytest.mark.parametrize("place", NAMED_IN)
def test_whoever_is_told_of_securityaudit_is_told_of_the_example(place: str) -> None:
    text = (ROOT / place).read_text()
    assert "SecurityAudit" in text
    assert EXAMPLE.removeprefix("docs/") in text
