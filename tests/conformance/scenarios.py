"""What the scenarios need of an account: names, roles, functions, tables, stacks, and patience."""

from __future__ import annotations

import io
import itertools
import json
import time
import zipfile
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import ClientError

from local_cloud.identity import ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud.cloud import LocalCloud

T = TypeVar("T")
PATIENCE_SECONDS = 30
_COUNTER = itertools.count()


def fresh(prefix: str) -> str:
    """A name nobody else uses in this session."""
    return f"{prefix}-{next(_COUNTER)}"


def code_of(call: Callable[[], Any]) -> str:
    """The error code with which AWS refuses `call`, or `allowed`."""
    try:
        call()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "allowed"


def eventually(probe: Callable[[], T | None]) -> T:
    """The first answer of `probe` that is not None."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        answer = probe()
        if answer is not None:
            return answer
        time.sleep(0.05)
    raise AssertionError(f"Nothing within {PATIENCE_SECONDS} s")


def role(cloud: LocalCloud, *statements: dict[str, Any]) -> str:
    """The ARN of a new role that functions and the account's root may assume, with these statements alone."""
    iam = cloud.client("iam")
    name = fresh("role")
    trust = {"Service": "lambda.amazonaws.com", "AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    arn = iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=policy({"Effect": "Allow", "Principal": trust, "Action": "sts:AssumeRole"}),
    )["Role"]["Arn"]
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="only", PolicyDocument=policy(*statements))
    return str(arn)


def policy(*statements: dict[str, Any]) -> str:
    """A policy document of these statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(actions: str | list[str], resource: str) -> dict[str, Any]:
    """A statement that allows `actions` on `resource`."""
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


def function(cloud: LocalCloud, source: str, *statements: dict[str, Any], **settings: Any) -> str:
    """The name of a new function whose module is `source` and whose role has these statements."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("index.py", source)
    name = fresh("function")
    cloud.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.14",
        Handler="index.handle",
        Role=role(cloud, *statements),
        Code={"ZipFile": archive.getvalue()},
        **settings,
    )
    return name


def invoke(cloud: LocalCloud, name: str, payload: Any = None, **settings: Any) -> dict[str, Any]:
    """Invoke a function with `payload` as JSON; the answer with its payload read."""
    answer: dict[str, Any] = cloud.client("lambda").invoke(
        FunctionName=name, Payload=json.dumps(payload).encode(), **settings
    )
    return answer | {"Payload": json.loads(answer["Payload"].read() or b"null")}


def table(cloud: LocalCloud, **settings: Any) -> str:
    """The name of a new table with string keys `pk` and `sk`."""
    name = fresh("table")
    cloud.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        **{
            "AttributeDefinitions": [
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
            "BillingMode": "PAY_PER_REQUEST",
            **settings,
        },
    )
    return name


def statement(text: str, table_name: str, *parameters: str) -> dict[str, Any]:
    """A PartiQL statement in which `TABLE` stands for the table and each `?` for one of the string parameters."""
    return {"Statement": text.replace("TABLE", f'"{table_name}"'), "Parameters": [{"S": text} for text in parameters]}


def insert(table_name: str, pk: str, sk: str = "a") -> dict[str, Any]:
    """A PartiQL statement that creates an item."""
    return statement("INSERT INTO TABLE VALUE {'pk': ?, 'sk': ?}", table_name, pk, sk)


def stack(cloud: LocalCloud, resources: dict[str, Any], name: str | None = None) -> tuple[str, str]:
    """Create or update a stack; returns its name and the status it came to."""
    client = cloud.client("cloudformation")
    template = json.dumps({"Resources": resources})
    if name is None:
        name = fresh("stack")
        client.create_stack(StackName=name, TemplateBody=template, Capabilities=["CAPABILITY_NAMED_IAM"])
    else:
        client.update_stack(StackName=name, TemplateBody=template, Capabilities=["CAPABILITY_NAMED_IAM"])
    return name, settled(cloud, name)


def settled(cloud: LocalCloud, stack_name: str) -> str:
    """The status of a stack once nothing is in progress; `gone` after a deletion."""
    client = cloud.client("cloudformation")

    def status() -> str | None:
        try:
            found = str(client.describe_stacks(StackName=stack_name)["Stacks"][0]["StackStatus"])
        except ClientError:
            return "gone"
        return None if found.endswith("IN_PROGRESS") else found

    return eventually(status)
