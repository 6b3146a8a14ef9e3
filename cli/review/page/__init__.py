"""A review as one HTML page that needs nothing else: no network, no scripts or fonts from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from cli.review.changes import Weight
from cli.review.page.picture import picture
from cli.review.page.texts import condition, dollars, place, readable, visible

if TYPE_CHECKING:
    from cli.review.findings import Rule
    from cli.review.merging import Shared
    from cli.review.report import Review
    from cli.review.tables import Table

_FOLDER: Final = Path(__file__).parent
_SCRIPT: Final = "review.js"


def page(review: Review) -> str:
    """The page. Whatever comes from a template is escaped, and its invisible characters are made visible."""
    environment = Environment(
        loader=FileSystemLoader(_FOLDER, encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "condition": condition,
        "dollars": dollars,
        "pretty": _pretty,
        "place": place,
        "readable": readable,
    }
    script = (_FOLDER / _SCRIPT).read_text(encoding="utf-8")
    return environment.get_template("review.html").render(
        review=review,
        weights=list(Weight),
        changed=_by_weight(review),
        found=_together(review),
        tables=_alike(review),
        picture=picture,
        script=Markup(script),  # noqa: S704 - a file of this package
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        style=Markup((_FOLDER / "review.css").read_text(encoding="utf-8")),  # noqa: S704 - a file of this package
    )


def _by_weight(review: Review) -> dict[str, list[Any]]:
    """The changes of each weight; nothing without a comparison."""
    changes = review.comparison.changes if review.comparison else ()
    return {weight.value: [change for change in changes if change.kind.weight is weight] for weight in Weight}


def _together(review: Review) -> dict[tuple[Rule, tuple[str, ...], tuple[str, ...]], list[str]]:
    """What is found, by its rule and by where: the same in several places once, and several things of the same ones."""
    places: dict[tuple[Rule, str, tuple[str, ...]], list[str]] = {}
    for each in review.findings:
        places.setdefault((each.row.rule, each.row.what, each.stages), []).append(each.row.place)
    together: dict[tuple[Rule, tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for (rule, what, stages), where in sorted(places.items(), key=lambda item: not item[0][0].is_urgent):
        together.setdefault((rule, tuple(where), stages), []).append(what)
    return together


def _alike(review: Review) -> dict[Table, list[Shared[Table]]]:
    """Tables with the same keys and indexes stand once; what a stage plans for them is told beside."""
    alike: dict[Table, list[Shared[Table]]] = {}
    for each in review.tables:
        indexes = tuple(replace(index, capacity="") for index in each.row.indexes)
        alike.setdefault(replace(each.row, expiry="", indexes=indexes), []).append(each)
    return alike


def _pretty(template: Any) -> Markup:
    """JSON for reading. Quotes stay as they are, which text between tags allows, and a page half the size thanks."""
    text = visible(json.dumps(template, indent=2, ensure_ascii=False))
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return Markup(escaped)  # noqa: S704 - escaped just now
