from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING

import pytest

from infra.config import DEV, LOCAL, prod
from infra.config_types import PLACEHOLDER_ACCOUNT, Ci, Create, Provisioned
from infra.inputs import PLACEHOLDER_SUBJECT, prod_inputs
from infra.inputs import PROD as PROD_INPUTS
from switchboard.schema import deployment
from tests.infra.templates import STACKS, STAGES, stacks_of, synthesize

if TYPE_CHECKING:
    from tests.infra.templates import Templates

INPUTS = {
    "prod-account": "123456789012",
    "prod-region": "eu-west-1",
    "prod-ci-subject": "repo:acme/switchboard:environment:prod",
    "prod-vpc": "vpc-0a1b2c3d",
    "prod-subnets": "subnet-0a1b2c3d,subnet-1a2b3c4d",
    "prod-route-tables": "rtb-0a1b2c3d",
    "prod-copies-region": "eu-central-1",
    "prod-reserved-concurrency": "7",
}
PROD = prod(prod_inputs({**INPUTS, "prod-ci-subject": PLACEHOLDER_SUBJECT}.get))
GUARD = "RefuseToDeployPlaceholder"

LOCAL_DIFFERS_IN = {
    "name",
    "place",
    "retain_data",
    "backup_plan",
    "bind_to_network",
    "network",
    "copies_in",
    "cdr_retention_days",
    "log_retention",
    "reserved_concurrency",
    "log_bucket",
    "trust_account_root",
    "example_data",
    "legacy_tables",
    "make_legacy_tables",
}
"""What the local cloud cannot show of prod, because the stage says something else there."""


def test_every_stage_has_its_stacks_in_order_of_deployment(templates: Templates) -> None:
    assert set(templates.by_stack) == {(stage, stack) for stage in STAGES for stack in stacks_of(stage)}
    for stage in STAGES:
        for position, stack in enumerate(stacks_of(stage)):
            artifact = templates.artifact(stage, stack)
            assert artifact["properties"]["stackName"] == f"switchboard-{stage}-{stack}"
            if position:
                before = templates.artifact(stage, STACKS[position - 1])["properties"]["templateFile"]
                assert before.removesuffix(".template.json") in artifact["dependencies"]


def test_only_the_stage_that_keeps_its_data_is_protected_from_termination(templates: Templates) -> None:
    protected = {
        (stage, stack)
        for stage in STAGES
        for stack in stacks_of(stage)
        if templates.artifact(stage, stack)["properties"].get("terminationProtection")
    }
    assert protected == {("prod", stack) for stack in STACKS}


def test_local_differs_from_prod_in_the_listed_fields_only() -> None:
    different = {field.name for field in fields(LOCAL) if getattr(LOCAL, field.name) != getattr(PROD, field.name)}
    assert different == LOCAL_DIFFERS_IN


def test_the_commands_know_which_stages_take_example_data() -> None:
    assert tuple(stage.name for stage in (LOCAL, DEV, PROD) if stage.example_data) == deployment.EXAMPLE_STAGES


def test_the_command_knows_which_stages_have_guardrails() -> None:
    guarded = tuple(stage.name for stage in (LOCAL, DEV, PROD) if stage.trail is not None)
    assert guarded == tuple(stage.name for stage in (LOCAL, DEV, PROD) if stage.config_recorder is not None)
    assert guarded == deployment.GUARDED_STAGES


def test_dev_uses_exactly_the_free_tier(templates: Templates) -> None:
    assert isinstance(DEV.billing, Provisioned)
    written = read = 0
    for table in templates.resources("dev", "AWS::DynamoDB::Table").values():
        properties = table["Properties"]
        for holder in (properties, *properties.get("GlobalSecondaryIndexes", [])):
            written += holder["ProvisionedThroughput"]["WriteCapacityUnits"]
            read += holder["ProvisionedThroughput"]["ReadCapacityUnits"]
    assert (written, read) == (25, 25)
    assert written == sum(units.write for units in DEV.billing.planned.values())


def test_local_and_dev_go_wherever_the_callers_credentials_belong(templates: Templates) -> None:
    for stage in ("local", "dev"):
        for stack in stacks_of(stage):
            assert templates.artifact(stage, stack)["environment"] == "aws://unknown-account/unknown-region"
            assert GUARD not in templates.by_stack[stage, stack].get("Rules", {})


def test_prod_without_its_inputs_is_refused_by_cloudformation(templates: Templates) -> None:
    for stack in STACKS:
        template = templates.by_stack["prod", stack]
        (assertion,) = template["Rules"][GUARD]["Assertions"]
        reference, wanted = assertion["Assert"]["Fn::Equals"]
        parameter = template["Parameters"][reference["Ref"]]
        assert templates.artifact("prod", stack)["environment"].startswith(f"aws://{PLACEHOLDER_ACCOUNT}/")
        assert parameter["AllowedValues"] == [parameter["Default"]]
        assert wanted not in parameter["AllowedValues"]
        assert all(f"-c {key}=" in assertion["AssertDescription"] for key in INPUTS)


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    """The templates of every stage, prod's with its inputs."""
    return synthesize(tmp_path_factory.mktemp("given"), **INPUTS)


def test_prod_with_its_inputs_is_deployable(given: Templates) -> None:
    for stack in STACKS:
        assert given.artifact("prod", stack)["environment"] == "aws://123456789012/eu-west-1"
        assert GUARD not in given.by_stack["prod", stack].get("Rules", {})


def test_every_input_of_prod_reaches_its_templates(given: Templates) -> None:
    said = "".join(json.dumps(given.by_stack["prod", stack]) for stack in STACKS)
    for key in set(INPUTS) - {"prod-reserved-concurrency"}:
        assert all(part in said for part in INPUTS[key].split(",")), key
    functions = given.resources("prod", "AWS::Lambda::Function").values()
    assert {each["Properties"]["ReservedConcurrentExecutions"] for each in functions} == {7}


def test_without_inputs_every_placeholder_is_of_the_right_shape() -> None:
    placeholders = {each.key: each.placeholder for each in PROD_INPUTS}
    assert prod_inputs(lambda _: None) == prod_inputs(placeholders.get)


@pytest.mark.parametrize("missing", INPUTS)
def test_prod_takes_all_of_its_inputs_or_none(missing: str) -> None:
    given = {key: value for key, value in INPUTS.items() if key != missing}
    with pytest.raises(ValueError, match=rf"missing or not right: {missing}\. Give -c prod-account=<12 digits> "):
        prod_inputs(given.get)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("prod-account", "12345678901"),
        ("prod-account", "1234567890123"),
        ("prod-account", ""),
        ("prod-region", "Frankfurt"),
        ("prod-ci-subject", "acme"),
        ("prod-ci-subject", "repo:acme/*"),
        ("prod-vpc", "10.0.0.0/16"),
        ("prod-subnets", "subnet-0a1b2c3d"),
        ("prod-subnets", "subnet-0a1b2c3d;subnet-1a2b3c4d"),
        ("prod-route-tables", ""),
        ("prod-copies-region", "elsewhere"),
        ("prod-reserved-concurrency", "0"),
        ("prod-reserved-concurrency", "many"),
    ],
)
def test_an_input_that_cannot_be_right_is_named(key: str, value: str) -> None:
    with pytest.raises(ValueError, match=rf"missing or not right: {key}\. "):
        prod_inputs({**INPUTS, key: value}.get)


@pytest.mark.parametrize(
    "subject",
    [
        "repo:acme/switchboard:environment:prod",
        "repo:acme@1234567/switchboard@7654321:environment:prod",
        "project_path:acme/switchboard:ref_type:branch:ref:main",
    ],
)
def test_a_pipelines_subject_is_taken_as_its_issuer_writes_it(subject: str) -> None:
    assert prod_inputs({**INPUTS, "prod-ci-subject": subject}.get).ci_subject == subject


def test_copies_are_kept_in_another_region() -> None:
    with pytest.raises(ValueError, match="another region"):
        prod_inputs({**INPUTS, "prod-copies-region": INPUTS["prod-region"]}.get)


@pytest.mark.parametrize("subject", ["repo:acme/*:environment:prod", "repo:acme/switchboar?:ref:refs/heads/main"])
def test_a_pipeline_is_named_exactly(subject: str) -> None:
    with pytest.raises(ValueError, match="exact subject"):
        Ci(subject, Create())
