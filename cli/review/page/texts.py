"""Texts of templates as a person reads them on the page."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any, Final

from markupsafe import Markup, escape

_PLAIN: Final = "\n\t"
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs"})
"""Categories of characters that show nothing, some of which turn the text around them: Unicode's "other"."""
_REFERENCE: Final = re.compile(r"\{([\w-]+/[^{}\"]+?)(?:\.(?:Arn|StreamArn|QueueName|GroupId))?\}")
_ARN: Final = re.compile(r"(arn:[\w*-]+:[\w-]*:(?:REGION|[\w-]*):(?:ACCOUNT|\d*):)")
_STAR: Final = Markup('<mark class="wild">*</mark>')


def visible(value: Any) -> Any:
    """A text without characters that a reader cannot see: each is named instead. Anything else stays as it is."""
    if type(value) is not str:
        return value
    return "".join(
        f"\N{MATHEMATICAL LEFT ANGLE BRACKET}U+{ord(c):04X}\N{MATHEMATICAL RIGHT ANGLE BRACKET}"
        if unicodedata.category(c) in _HIDDEN and c not in _PLAIN
        else c
        for c in value
    )


def place(value: str) -> Markup:
    """Where something stands: its stack, then its name, whatever direction its letters are written in."""
    stack, slash, name = visible(value).partition("/")
    if not slash:
        return Markup("<bdi>{}</bdi>").format(stack)
    return Markup('<bdi class="place"><span>{}/</span>{}</bdi>').format(stack, _breakable(name))


def readable(value: str) -> Markup:
    """A text in which references to resources, and stars, stand out."""
    text = visible(value)
    parts: list[Markup] = []
    end = 0
    for found in _REFERENCE.finditer(text):
        parts += [_starred(text[end : found.start()]), Markup("<b>{}</b>").format(_breakable(found.group(1)))]
        end = found.end()
    parts.append(_starred(text[end:]))
    return Markup("<bdi>{}</bdi>").format(Markup("").join(parts))


def condition(value: str) -> Markup:
    """Conditions of a statement, given as JSON, one test on a line."""
    tests = [
        Markup("<li><code>{}</code> <i>{}</i> {}</li>").format(
            visible(key), visible(operator), Markup(", ").join(readable(each) for each in values)
        )
        for operator, keys in json.loads(value).items()
        for key, values in keys.items()
    ]
    return Markup('<ul class="tests">{}</ul>').format(Markup("").join(tests))


def dollars(value: float) -> str:
    """An amount of money."""
    return f"${value:,.2f}"


def _starred(text: str) -> Markup:
    """Stars stand out, and what every ARN begins with steps back."""
    parts = [_STAR.join(_breakable(part) for part in each.split("*")) for each in _ARN.split(text)]
    return Markup("").join(Markup("<small>{}</small>").format(each) if n % 2 else each for n, each in enumerate(parts))


def _breakable(text: str) -> Markup:
    """Long names may break where their parts meet, and nowhere else."""
    return Markup("<wbr>").join(escape(part) for part in re.split(r"(?<=[/:.])(?=[^/:.\s])|(?=\[)", text))
