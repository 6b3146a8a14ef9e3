"""What IAM answers to requests on the deployed system, decided by a simulator from the synthesized templates.

The emulator knows neither conditions nor table policies, endpoints or organisations; here they are decided. Each
request names a caller as AWS would see it, and none of the simulator's answers rests on a context key that the action
does not have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aws_cdk import App, Stack
from aws_cdk.assertions import Template
from aws_cdk.aws_iam import ManagedPolicy, PolicyStatement

from cli.review.assembly import read_assembly
from infra.config import DEV
from infra.config_types import RolesAnywhere
from infra.constructs.service_access import ServiceAccess
from tests.infra.gates.asked import ASSUME, NO, REQUESTS, YES
from tests.infra.gates.decisions import OTHER_ACCOUNT, Answer, Request, decide, simulation
from tests.infra.gates.deployed import ACCOUNT, REGION, Deployed

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any


@pytest.fixture(scope="module")
def prod(gated: Path) -> Deployed:
    return Deployed(next(stage for stage in read_assembly(gated) if stage.name == "prod"))


@pytest.fixture(scope="module")
def control(gated: Path) -> dict[str, Any]:
    organisation = next(stage for stage in read_assembly(gated) if stage.name == "organisation")
    (policy,) = organisation.of_type("AWS::Organizations::Policy")
    content: dict[str, Any] = policy.properties["Content"]
    return content


@pytest.fixture(scope="module")
def answers(prod: Deployed, control: dict[str, Any]) -> dict[str, dict[str, Any]]:
    asked = [simulation(prod, control, request) for request in REQUESTS]
    return dict(zip((request.says for request in REQUESTS), decide(asked), strict=True))


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: request.says)
def test_iam_answers(answers: dict[str, dict[str, Any]], request_: Request) -> None:
    answer = answers[request_.says]
    assert answer == {"result": request_.expected, "ignored": []}


def test_the_table_is_large_and_says_each_thing_once() -> None:
    assert len({request.says for request in REQUESTS}) == len(REQUESTS) >= 40
    assert {request.expected for request in REQUESTS} == set(Answer)


ANCHOR = f"arn:aws:rolesanywhere:{REGION}:{ACCOUNT}:trust-anchor/ours"
OTHER_ANCHOR = f"arn:aws:rolesanywhere:{REGION}:{OTHER_ACCOUNT}:trust-anchor/theirs"


@pytest.mark.parametrize(
    ("name", "anchor", "expected"),
    [
        ("qm-1.example.com", ANCHOR, YES),
        ("qm-2.example.com", ANCHOR, NO),
        ("qm-1.example.com", OTHER_ANCHOR, NO),
    ],
    ids=["the pinned certificate", "another subject", "another anchor"],
)
def test_a_certificate_becomes_a_service_by_its_subject_and_anchor(name: str, anchor: str, expected: Answer) -> None:
    stack = Stack(App(), "stack")
    ServiceAccess(
        stack,
        "Qm",
        stage=DEV,
        runs_on=RolesAnywhere(ANCHOR, {"CN": "qm-1.example.com"}),
        boundary=ManagedPolicy(stack, "Limit", statements=[PolicyStatement(actions=["s3:GetObject"], resources=["*"])]),
        description="A service.",
        statements=[PolicyStatement(actions=["sqs:SendMessage"], resources=["*"])],
    )
    (role,) = Template.from_stack(stack).find_resources("AWS::IAM::Role").values()
    asked = {
        "request": {
            "principal": "rolesanywhere.amazonaws.com",
            "action": ASSUME,
            "resource": {"resource": f"arn:aws:iam::{ACCOUNT}:role/qm", "accountId": ACCOUNT},
            "contextVariables": {"aws:SourceArn": anchor, "aws:PrincipalTag/x509Subject/CN": name},
        },
        "identityPolicies": [],
        "serviceControlPolicies": [],
        "resourceControlPolicies": [],
        "resourcePolicy": role["Properties"]["AssumeRolePolicyDocument"],
    }
    assert decide([asked]) == [{"result": expected, "ignored": []}]
