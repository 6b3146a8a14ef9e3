"""The reports bucket in memory: objects are written, read and listed; `before` and `after` are told of every call."""

from __future__ import annotations

import gzip
import io
from collections import Counter
from typing import TYPE_CHECKING, Any

from tests.fakes.messages_table import client_error

if TYPE_CHECKING:
    from collections.abc import Callable

BUCKET = "reports"


class ReportsBucket:
    """An S3 client with one bucket, which lists at most `listed` objects at once."""

    def __init__(self, *, listed: int = 1_000) -> None:
        self.objects: dict[str, bytes] = {}
        self.calls: Counter[str] = Counter()
        self.before: Callable[[str, dict[str, Any]], None] = lambda _name, _request: None
        self.after: Callable[[str, dict[str, Any]], None] = lambda _name, _request: None
        self._listed = listed

    def put_object(self, **request: Any) -> dict[str, Any]:
        self._begin("put_object", request)
        self.objects[request["Key"]] = request["Body"]
        self.after("put_object", request)
        return {}

    def get_object(self, **request: Any) -> dict[str, Any]:
        self._begin("get_object", request)
        if request["Key"] not in self.objects:
            raise client_error("NoSuchKey", "GetObject")
        return {"Body": io.BytesIO(self.objects[request["Key"]])}

    def list_objects_v2(self, **request: Any) -> dict[str, Any]:
        self._begin("list_objects_v2", request)
        after = request.get("ContinuationToken") or request.get("StartAfter", "")
        found = sorted(key for key in self.objects if key.startswith(request["Prefix"]) and key > after)
        page = found[: self._listed]
        answer: dict[str, Any] = {"Contents": [{"Key": key} for key in page], "IsTruncated": len(found) > len(page)}
        if answer["IsTruncated"]:
            answer["NextContinuationToken"] = page[-1]
        return answer

    def put_lines(self, key: str, lines: list[str]) -> None:
        """Write an object of compressed lines, as an export of DynamoDB has them."""
        self.objects[key] = gzip.compress("".join(f"{line}\n" for line in lines).encode())

    def _begin(self, name: str, request: dict[str, Any]) -> None:
        assert request["Bucket"] == BUCKET
        self.calls[name] += 1
        self.before(name, request)
