"""Write the generated parts of the documentation anew:

    .venv/bin/python -m tools.docs

With `--check` nothing is written, and it ends with 1 where a page is not that of now.
"""  # noqa: D400, D415 - a command follows the first line

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tools.docs.pages import DOCS, PAGES, written

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    """Write or compare every page."""
    stale = 0
    for page in PAGES:
        before = page.read_text(encoding="utf-8")
        after = written(page)
        if before == after:
            continue
        stale += 1
        if "--check" in arguments:
            print(f"{page.relative_to(DOCS.parent)} is not that of now: run python -m tools.docs")
        else:
            page.write_text(after, encoding="utf-8")
            print(f"{page.relative_to(DOCS.parent)} written")
    return int("--check" in arguments and stale > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
