"""Lists of keys as objects of the reports bucket, each as long as a page of a run at most."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from switchboard.backfill.errors import systemic

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mypy_boto3_s3 import S3Client

    from switchboard.backfill.job import Key, Table


class KeyLists:
    """Objects of JSON: lists of the keys of `table`, in DynamoDB's form, by names such as `updated`."""

    def __init__(self, client: S3Client, bucket: str, table: Table) -> None:
        self._client = client
        self._bucket = bucket
        self._table = table

    def write(self, name: str, lists: Mapping[str, Sequence[Key]]) -> None:
        """Write the object `name`. Raises `Systemic`, and what the client raises; nothing is written then."""
        document = {each: [self._table.attributes(key) for key in keys] for each, keys in lists.items()}
        with systemic():
            self._client.put_object(
                Bucket=self._bucket,
                Key=name,
                Body=json.dumps(document, separators=(",", ":")).encode(),
                ContentType="application/json",
            )

    def read(self, name: str) -> dict[str, list[Key]]:
        """The lists of the object `name`. Raises as `write`."""
        with systemic():
            stored = json.loads(self._client.get_object(Bucket=self._bucket, Key=name)["Body"].read())
        return {each: [self._table.key(key) for key in keys] for each, keys in stored.items()}

    def names(self, prefix: str, *, after: str = "") -> Iterator[str]:
        """The names that begin with `prefix`, in their order and read page by page, those up to `after` left out.

        Raises as `write`.
        """
        request: dict[str, Any] = {"Bucket": self._bucket, "Prefix": prefix}
        if after:
            request["StartAfter"] = after
        while True:
            with systemic():
                answer = self._client.list_objects_v2(**request)
            yield from (each["Key"] for each in answer.get("Contents", ()))
            if not answer.get("IsTruncated"):
                return
            request["ContinuationToken"] = answer["NextContinuationToken"]
