"""A page of prose with regions that a program writes: `<!-- generated: NAME -->` up to `<!-- end -->`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_REGION: Final = re.compile(r"(<!-- generated: (?P<name>[a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def filled(text: str, contents: Mapping[str, str]) -> str:
    """The page with the regions of now. Raises `ValueError` where page and program differ in the names of regions."""
    named = sorted(found["name"] for found in _REGION.finditer(text))
    if named != sorted(contents):
        raise ValueError(f"the page has the regions {named}, the program writes {sorted(contents)}")
    return _REGION.sub(lambda found: f"{found[1]}\n{contents[found['name']]}\n\n{found[3]}", text)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)
