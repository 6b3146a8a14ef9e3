from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.conformance.scenarios import allow, code_of, fresh, role

if TYPE_CHECKING:
    from local_cloud.cloud import LocalCloud


def refusals_under_a_tls_only_policy(cloud: LocalCloud) -> tuple[str, str]:
    s3, sqs = cloud.client("s3"), cloud.client("sqs")
    bucket = fresh("tls-only")
    s3.create_bucket(Bucket=bucket)
    url = sqs.create_queue(QueueName=bucket)["QueueUrl"]
    queue_arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    s3.put_bucket_policy(Bucket=bucket, Policy=tls_only("s3:*", f"arn:aws:s3:::{bucket}/*"))
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": tls_only("sqs:SendMessage", queue_arn)})
    may = [allow("s3:PutObject", f"arn:aws:s3:::{bucket}/*"), allow("sqs:SendMessage", queue_arn)]
    keys = cloud.assume(role(cloud, *may))
    return (
        code_of(lambda: cloud.client("s3", keys).put_object(Bucket=bucket, Key="k", Body=b"")),
        code_of(lambda: cloud.client("sqs", keys).send_message(QueueUrl=url, MessageBody="{}")),
    )


def tls_only(action: str, resource: str) -> str:
    deny = {"Effect": "Deny", "Principal": "*", "Action": action, "Resource": resource}
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [{**deny, "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]}
    )


def test_tls_only_policies_let_loopback_in(corrected: LocalCloud, as_it_comes: LocalCloud) -> None:
    assert refusals_under_a_tls_only_policy(corrected) == ("allowed", "allowed")
    assert "allowed" not in refusals_under_a_tls_only_policy(as_it_comes)
