from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.conformance.scenarios import code_of, settled, stack

if TYPE_CHECKING:
    from local_cloud.cloud import LocalCloud

TRAIL: dict[str, Any] = {
    "Trail": {"Type": "AWS::CloudTrail::Trail", "Properties": {"IsLogging": True, "S3BucketName": "logs"}},
    "Name": {
        "Type": "AWS::SSM::Parameter",
        "Properties": {"Name": "/trail", "Type": "String", "Value": {"Fn::GetAtt": ["Trail", "Arn"]}},
    },
}
RATE = {"Expression": "a / b", "Id": "rate", "ReturnData": True}
ALARM: dict[str, Any] = {
    "Alarm": {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "Metrics": [RATE],
            "ComparisonOperator": "GreaterThanThreshold",
            "EvaluationPeriods": 1,
            "Threshold": 1,
        },
    }
}


def outcome(cloud: LocalCloud, resources: dict[str, Any]) -> str:
    found = []
    refused = code_of(lambda: found.append(stack(cloud, resources)))
    return found[0][1] if found else refused


def test_a_stack_with_an_unknown_type_deploys_and_goes(corrected: LocalCloud, as_it_comes: LocalCloud) -> None:
    name, status = stack(corrected, TRAIL)
    assert status == "CREATE_COMPLETE"
    value = corrected.client("ssm").get_parameter(Name="/trail")["Parameter"]["Value"]
    assert value.startswith("arn:aws:cloudtrail:")
    corrected.client("cloudformation").delete_stack(StackName=name)
    assert settled(corrected, name) in {"gone", "DELETE_COMPLETE"}

    assert outcome(as_it_comes, TRAIL) != "CREATE_COMPLETE"


def test_an_alarm_on_an_expression_deploys(corrected: LocalCloud, as_it_comes: LocalCloud) -> None:
    assert outcome(corrected, ALARM) == "CREATE_COMPLETE"
    assert outcome(as_it_comes, ALARM) != "CREATE_COMPLETE"


def test_a_type_nobody_listed_still_fails(corrected: LocalCloud) -> None:
    assert outcome(corrected, {"It": {"Type": "AWS::GameLift::Fleet", "Properties": {}}}) != "CREATE_COMPLETE"
