"""The published contracts, one JSON Schema file each: services in any language read the files this code checks with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

CDR_REQUEST: Final = "cdr-request"
CDR_RESULT: Final = "cdr-result"
CDR_QUERY: Final = "cdr-query"
CDR_QUERY_RESULT: Final = "cdr-query-result"
MESSAGES_REQUEST: Final = "messages-request"
MESSAGES_ANSWER: Final = "messages-answer"
LEGACY_MAPPING: Final = "legacy-mapping"


def contract(name: str) -> dict[str, Any]:
    """The JSON Schema (draft 7) called `name`, such as `CDR_REQUEST`."""
    loaded: dict[str, Any] = json.loads(Path(__file__).with_name(f"{name}.schema.json").read_text(encoding="utf-8"))
    return loaded
