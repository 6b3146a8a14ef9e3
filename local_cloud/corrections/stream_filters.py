"""Filters of event source mappings look at leaves, and a leaf below nothing does not exist.

Wrong: `{"a": {"b": [{"exists": false}]}}` does not match a record without `a`, and `{"a": [{"exists": false}]}` matches
by whether `a` is there even where `a` is an object.

AWS: patterns are compared with the leaves of a record. A leaf is absent when anything above it is, and an object is no
leaf. In a DynamoDB stream every attribute is an object around its type, so that a test of existence names the type.
Source: Lambda developer guide, "Using event filtering with a DynamoDB event source", "Using the Exists operator".
"""

from __future__ import annotations

from typing import Any

from ministack.services import lambda_svc

from local_cloud.corrections import _seam


def apply() -> None:
    """Compare one leaf at a time; how a leaf is compared stays the emulator's."""
    matches = _seam.original(lambda_svc, "_match_esm_filter", "record", "pattern")

    def match_esm_filter(record: dict[str, Any], pattern: dict[str, Any]) -> bool:
        for key, wanted in pattern.items():
            found = record.get(key)
            if isinstance(wanted, dict):
                if not match_esm_filter(found if isinstance(found, dict) else {}, wanted):
                    return False
            elif not matches({key: found} if key in record and not isinstance(found, dict) else {}, {key: wanted}):
                return False
        return True

    lambda_svc._match_esm_filter = match_esm_filter
