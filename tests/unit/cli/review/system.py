"""A small synthesized system in two stages, with one of everything that a review looks at; tests change parts of it."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

from cli.review.assembly import read_assembly

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cli.review.assembly import StageTemplates

Resources = dict[str, dict[str, Any]]


def resource(kind: str, path: str, **properties: Any) -> dict[str, Any]:
    """A resource as CDK writes it; `path` begins with its stack."""
    return {"Type": kind, "Properties": properties, "Metadata": {"aws:cdk:path": f"STAGE/{path}/Resource"}}


def allow(action: str | list[str], on: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": on, **more}


def imported(name: str) -> dict[str, str]:
    return {"Fn::ImportValue": f"STAGE-data:{name}"}


def role(path: str, service: str) -> dict[str, Any]:
    trust = {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}}]}
    return resource("AWS::IAM::Role", path, AssumeRolePolicyDocument=trust, Description=f"For {path} in stage STAGE.")


def policy(path: str, of: str, *statements: dict[str, Any]) -> dict[str, Any]:
    document = {"Statement": list(statements)}
    return resource("AWS::IAM::ManagedPolicy", path, Roles=[{"Ref": of}], PolicyDocument=document)


def alarm(name: str, metric: str, **dimensions: Any) -> dict[str, Any]:
    return resource(
        "AWS::CloudWatch::Alarm",
        f"observability/{name}",
        AlarmName=f"switchboard-STAGE-{name}",
        AlarmDescription=f"{name}. Runbook: docs/runbook/{name}.md",
        AlarmActions=["topic"],
        Namespace="AWS/Any",
        MetricName=metric,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        Threshold=1,
    )


KEYS = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
INDEX = [{"AttributeName": "sponsor_shard", "KeyType": "HASH"}, {"AttributeName": "occurred_at", "KeyType": "RANGE"}]
PRIVATE = dict.fromkeys(("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True)
MACHINE = {
    "StartAt": "Work",
    "States": {
        "Work": {
            "Type": "Task",
            "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 6, "IntervalSeconds": 2, "MaxDelaySeconds": 60}],
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Explain"}],
        },
        "Explain": {"Type": "Fail"},
    },
}

DATA: Resources = {
    "Cdr1": {
        **resource(
            "AWS::DynamoDB::Table",
            "data/CdrTable",
            KeySchema=KEYS,
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "sponsor_shard", "occurred_at")
            ],
            GlobalSecondaryIndexes=[
                {"IndexName": "by_sponsor", "KeySchema": INDEX, "Projection": {"ProjectionType": "ALL"}}
            ],
            BillingMode="PAY_PER_REQUEST",
            DeletionProtectionEnabled=True,
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
            StreamSpecification={"StreamViewType": "OLD_IMAGE"},
            SSESpecification={"SSEEnabled": True, "KMSMasterKeyId": {"Fn::GetAtt": ["Key1", "Arn"]}},
            Tags=[{"Key": "purpose", "Value": "Call data records"}],
        ),
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
    },
    "Key1": resource(
        "AWS::KMS::Key",
        "data/Key",
        EnableKeyRotation=True,
        KeyPolicy={
            "Statement": [
                allow(
                    "kms:Decrypt", "*", Principal={"AWS": "*"}, Condition={"StringEquals": {"kms:CallerAccount": "1"}}
                )
            ]
        },
    ),
    "Bucket1": resource(
        "AWS::S3::Bucket",
        "data/Quarantine",
        PublicAccessBlockConfiguration=PRIVATE,
        VersioningConfiguration={"Status": "Enabled"},
    ),
}
FUNCTIONS: Resources = {
    "Queue1": resource(
        "AWS::SQS::Queue",
        "functions/Ingest/Queue",
        QueueName="switchboard-STAGE-ingest",
        VisibilityTimeout=360,
        RedrivePolicy={"maxReceiveCount": 5, "deadLetterTargetArn": {"Fn::GetAtt": ["Dead1", "Arn"]}},
    ),
    "Dead1": resource(
        "AWS::SQS::Queue",
        "functions/Ingest/DeadLetters",
        QueueName="switchboard-STAGE-dead",
        MessageRetentionPeriod=1_209_600,
    ),
    "WriterRole1": role("functions/Writer/Role", "lambda.amazonaws.com"),
    "WriterPolicy1": policy(
        "functions/Writer/Policy", "WriterRole1", allow("dynamodb:PartiQLInsert", imported("CdrArn"), Sid="OnlyCreate")
    ),
    "Writer1": resource(
        "AWS::Lambda::Function",
        "functions/Writer/Function",
        FunctionName="switchboard-STAGE-cdr-writer",
        Role={"Fn::GetAtt": ["WriterRole1", "Arn"]},
        Environment={"Variables": {"SWITCHBOARD_FUNCTION": "cdr-writer"}},
        MemorySize=1024,
        Code={"S3Key": "aaaa.zip"},
    ),
    "FromQueue1": resource(
        "AWS::Lambda::EventSourceMapping",
        "functions/FromQueue",
        EventSourceArn={"Fn::GetAtt": ["Queue1", "Arn"]},
        FunctionName={"Ref": "Writer1"},
        BatchSize=100,
    ),
    "GuardRole1": role("functions/Guard/Role", "lambda.amazonaws.com"),
    "GuardPolicy1": policy(
        "functions/Guard/Policy",
        "GuardRole1",
        allow("s3:PutObject", {"Fn::Join": ["", [imported("BucketArn"), "/cdr-guard/*"]]}),
        allow(["xray:PutTraceSegments", "xray:PutTelemetryRecords"], "*"),
    ),
    "Guard1": resource(
        "AWS::Lambda::Function",
        "functions/Guard/Function",
        FunctionName="switchboard-STAGE-cdr-guard",
        Role={"Fn::GetAtt": ["GuardRole1", "Arn"]},
    ),
    "FromStream1": resource(
        "AWS::Lambda::EventSourceMapping",
        "functions/FromStream",
        EventSourceArn=imported("CdrStream"),
        FunctionName={"Ref": "Guard1"},
        BatchSize=100,
        StartingPosition="TRIM_HORIZON",
        MaximumRetryAttempts=-1,
        MaximumRecordAgeInSeconds=21_600,
        BisectBatchOnFunctionError=True,
        FunctionResponseTypes=["ReportBatchItemFailures"],
        FilterCriteria={"Filters": [{"Pattern": '{"eventName": ["MODIFY"]}'}]},
        DestinationConfig={"OnFailure": {"Destination": imported("BucketArn")}},
    ),
    "Machine1": resource(
        "AWS::StepFunctions::StateMachine",
        "functions/Machine",
        StateMachineName="switchboard-STAGE-backfill",
        DefinitionString=json.dumps(MACHINE),
    ),
    "Logs1": resource("AWS::Logs::LogGroup", "functions/Writer/LogGroup", RetentionInDays=365),
    "ServiceRole1": role("functions/QmService/Role", "ec2.amazonaws.com"),
    "ServicePolicy1": policy(
        "functions/QmService/Policy",
        "ServiceRole1",
        allow("lambda:InvokeFunction", {"Fn::GetAtt": ["Writer1", "Arn"]}),
        allow("sqs:SendMessage", {"Fn::GetAtt": ["Queue1", "Arn"]}),
    ),
}
OBSERVABILITY: Resources = {
    "WriterErrors1": alarm("WriterErrors", "Errors", FunctionName={"Fn::ImportValue": "STAGE-functions:Writer"}),
    "WriterThrottles1": alarm(
        "WriterThrottles", "Throttles", FunctionName={"Fn::ImportValue": "STAGE-functions:Writer"}
    ),
}
EXPORTS: dict[str, dict[str, Any]] = {
    "data": {
        "CdrArn": {"Fn::GetAtt": ["Cdr1", "Arn"]},
        "CdrStream": {"Fn::GetAtt": ["Cdr1", "StreamArn"]},
        "BucketArn": {"Fn::GetAtt": ["Bucket1", "Arn"]},
    },
    "functions": {"Writer": {"Ref": "Writer1"}},
    "observability": {},
}


class System:
    """Templates by stage and stack, to be changed at will and written down as `cdk synth` would."""

    def __init__(self, *stages: str) -> None:
        self._stages = {
            stage: copy.deepcopy({"data": DATA, "functions": FUNCTIONS, "observability": OBSERVABILITY})
            for stage in stages or ("dev", "prod")
        }
        self.exports: dict[str, dict[str, Any]] = {}
        """What stacks export beside what the system needs."""
        self.sections: dict[str, dict[str, Any]] = {}
        """What else the template of a stack says, by section."""

    def resources(self, stage: str, stack: str) -> Resources:
        """The resources of a stack, by logical id."""
        return self._stages[stage][stack]

    def everywhere(self, stack: str, change: Callable[[Resources], object]) -> System:
        """Change a stack of every stage."""
        for stacks in self._stages.values():
            change(stacks[stack])
        return self

    def written(self, folder: Path) -> Path:
        """The assembly in a folder."""
        nested = {}
        for stage, stacks in self._stages.items():
            directory = folder / f"assembly-{stage}"
            directory.mkdir(parents=True, exist_ok=True)
            nested[stage] = {"type": "cdk:cloud-assembly", "properties": {"directoryName": directory.name}}
            artifacts = {}
            for stack, resources in stacks.items():
                outputs = {
                    name: {"Value": value, "Export": {"Name": f"STAGE-{stack}:{name}"}}
                    for name, value in {**EXPORTS[stack], **self.exports.get(stack, {})}.items()
                }
                template: dict[str, Any] = {
                    "Description": f"Stack {stack} of STAGE.",
                    "Resources": resources,
                    "Outputs": outputs,
                }
                for section, content in self.sections.get(stack, {}).items():
                    template[section] = {**template.get(section, {}), **content}
                file = f"{stage}{stack}.template.json"
                (directory / file).write_text(json.dumps(template).replace("STAGE", stage))
                artifacts[stack] = {
                    "type": "aws:cloudformation:stack",
                    "displayName": f"{stage}/{stack} (switchboard-{stage}-{stack})",
                    "environment": "aws://111122223333/eu-central-1",
                    "properties": {"templateFile": file},
                }
            (directory / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
        (folder / "manifest.json").write_text(json.dumps({"artifacts": nested}))
        return folder

    def read(self, folder: Path) -> tuple[StageTemplates, ...]:
        """The stages as a review reads them."""
        return read_assembly(self.written(folder))
