"""The actions of DynamoDB on items of a table and of its indexes, as IAM names them.

A statement of PartiQL is authorised by what it does; `ExecuteStatement` and the transactions are no actions of their
own (Service Authorization Reference, "Actions, resources, and condition keys for Amazon DynamoDB").
"""

from __future__ import annotations

from typing import Final

READ_ITEMS: Final = (
    "dynamodb:BatchGetItem",
    "dynamodb:ConditionCheckItem",
    "dynamodb:GetItem",
    "dynamodb:PartiQLSelect",
    "dynamodb:Query",
    "dynamodb:Scan",
)
WRITE_ITEMS: Final = (
    "dynamodb:BatchWriteItem",
    "dynamodb:DeleteItem",
    "dynamodb:PartiQLDelete",
    "dynamodb:PartiQLInsert",
    "dynamodb:PartiQLUpdate",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
)
ON_ITEMS: Final = (*READ_ITEMS, *WRITE_ITEMS)

EXPORT: Final = "dynamodb:ExportTableToPointInTime"
"""Takes every item out of a table without reading one."""

DESCRIBE_EXPORT: Final = "dynamodb:DescribeExport"
WRITE_EXPORT: Final = ("s3:AbortMultipartUpload", "s3:PutObject", "s3:PutObjectAcl")
"""What DynamoDB does in the bucket in the name of whoever asks for an export (DynamoDB Developer Guide, "Requesting a
table export in DynamoDB")."""

DESCRIBE: Final = ("dynamodb:DescribeContinuousBackups", "dynamodb:DescribeTable")
"""What a backfill asks of a table before it changes it."""
READ_STREAM: Final = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator")
LIST_STREAMS: Final = "dynamodb:ListStreams"
"""What Lambda's poller does with the role of the function that a stream calls. Listing answers for the whole account:
IAM knows no resource for it, and a permission on one stream is none (Service Authorization Reference; AWS's own policy
`AWSLambdaDynamoDBExecutionRole` gives it on every resource, too)."""
