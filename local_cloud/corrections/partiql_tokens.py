"""A PartiQL statement's text is cut into tokens once, not each time it is executed.

Wrong: nothing in the answers. But every execution of one and the same text with other parameters, and every correction
that looks at a statement, cuts it anew, which took most of the time of a batch: no ratio measured here meant anything.

AWS: compiles a statement within single-digit milliseconds whatever its text, and bills and times by items.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from ministack.services import _dynamodb_keywords

from local_cloud.corrections import _seam

_TEXTS: Final = 256
"""A program has few texts; one with values spelled into them must not fill the memory."""


def apply() -> None:
    """Remember the tokens of the latest texts; the parser only reads them."""
    _dynamodb_keywords._tokenize = lru_cache(_TEXTS)(_seam.original(_dynamodb_keywords, "_tokenize", "text"))
