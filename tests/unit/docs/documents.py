"""What the documents of the repository say: their fenced blocks, their links and the places that links lead to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from local_cloud.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENTS = sorted(
    [
        *(page for page in ROOT.glob("*.md") if page.name != "CHANGELOG.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / ".github").rglob("*.md"),
    ]
)
NEEDS_AWS = "# needs AWS"
"""The first line of a block of commands that nothing but AWS can answer."""

_FENCE = re.compile(r"^```(?P<language>\S*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#+ (?P<text>.+)$", re.MULTILINE)
_INLINE = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: where it begins, what it is written in, and its text."""

    line: int
    language: str
    text: str

    @property
    def needs_aws(self) -> bool:
        """Whether it is marked as nothing for the local cloud."""
        return self.text.startswith(NEEDS_AWS)


@cache
def blocks(page: Path) -> tuple[Block, ...]:
    text = page.read_text(encoding="utf-8")
    return tuple(
        Block(text.count("\n", 0, found.start()) + 1, found["language"], found["text"])
        for found in _FENCE.finditer(text)
    )


@cache
def prose(page: Path) -> str:
    """The page without its fenced blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def links(page: Path) -> list[str]:
    return [found["target"] for found in _LINK.finditer(prose(page))]


def inline(page: Path) -> list[str]:
    """What stands between single backticks."""
    return _INLINE.findall(prose(page))


@cache
def anchors(page: Path) -> frozenset[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    made: list[str] = []
    for found in _HEADING.finditer(prose(page)):
        text = _LINK.sub(lambda link: link[0][1 : link[0].index("]")], found["text"]).replace("`", "").lower()
        slug = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        made.append(f"{slug}-{made.count(slug)}" if slug in made else slug)
    return frozenset(made)


def named(page: Path) -> str:
    """A page's path in the repository."""
    return str(page.relative_to(ROOT))
