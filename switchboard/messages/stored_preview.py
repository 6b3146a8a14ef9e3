"""The preview as a membership holds it: the text; of a message that expires, a map that also says when.

Both are the one attribute that the index projects, so that a list from the index knows as well when to show nothing:
another attribute would be another projection, and another projection is another index.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from switchboard.messages.preview_text import preview
from switchboard.schema import messages as schema

if TYPE_CHECKING:
    from switchboard.messages.stored import StoredMessage

    StoredPreview = str | dict[str, str | int]
    """As Python values."""


def stored_preview(message: StoredMessage) -> StoredPreview:
    """What a membership holds of a message."""
    text = preview(message.text)
    return text if message.expires_at is None else {schema.TEXT: text, schema.EXPIRES_AT: message.expires_at}


def shown_preview(held: StoredPreview | None, *, now: int) -> str | None:
    """The text to show at `now` (epoch seconds); None where there is none, or its message is past its TTL."""
    if not isinstance(held, dict):
        return held
    return str(held[schema.TEXT]) if int(held[schema.EXPIRES_AT]) > now else None
