"""Properties of resources as flat lists of paths and texts: what two templates say is compared line by line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.review.assembly import Resource, StageTemplates

_NAMING: Final = ("IndexName", "AttributeName", "Key", "Sid", "Id", "Name", "RuleName", "PolicyName")
"""What tells the elements of a list apart better than their order."""


def flat(stage: StageTemplates, resource: Resource) -> dict[str, str]:
    """The properties of a resource: texts by paths, such as `GlobalSecondaryIndexes[by_day].KeySchema[pk].KeyType`.

    A list of texts or references is one text, whatever its order.
    """
    return flattened(stage, resource.stack, resource.properties)


def flattened(stage: StageTemplates, stack: str, value: Any) -> dict[str, str]:
    """Any other part of a stack's template in the same way."""
    return dict(_leaves(stage, stack, value, ""))


def _leaves(stage: StageTemplates, stack: str, value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and not _is_reference(value):
        for key, inner in value.items():
            yield from _leaves(stage, stack, inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and any(isinstance(each, dict | list) and not _is_reference(each) for each in value):
        for number, inner in enumerate(value):
            yield from _leaves(stage, stack, inner, f"{path}[{_name(inner, number)}]")
    elif isinstance(value, list):
        yield path, ", ".join(sorted(stage.text(stack, each) for each in value))
    else:
        text = stage.text(stack, value)
        document = _document(text)
        if document is None:
            yield path, text
        else:
            yield from _leaves(stage, stack, document, path)


def _document(text: str) -> Any:
    """The JSON object that a text holds, such as the definition of a state machine; None for any other text."""
    if not text.startswith("{"):
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return None if _is_reference(found) else found


def _is_reference(value: Any) -> bool:
    if not isinstance(value, dict) or len(value) != 1:
        return False
    function = str(next(iter(value)))
    return function == "Ref" or function.startswith("Fn::")


def _name(element: Any, number: int) -> str:
    if isinstance(element, dict):
        for naming in _NAMING:
            if isinstance(element.get(naming), str):
                return str(element[naming])
    return str(number)
