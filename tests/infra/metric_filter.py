"""Filter patterns of CloudWatch Logs for JSON events, decided as its User Guide describes them.

Source: CloudWatch Logs User Guide, "Filter pattern syntax for metric filters", section on JSON log events: selectors
such as `$.a.b[0].c`; `=` and `!=` with strings, in which `*` at an end stands for anything, and with numbers; `<`, `>`,
`<=`, `>=` with numbers; `IS NULL`, `IS TRUE`, `IS FALSE`, `NOT EXISTS`; `&&`, `||` and parentheses. The guide leaves
open what `!=` says of a field that an event lacks, so the caller says it: a pattern that rests on it has two answers.
"""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<quoted>"[^"]*")|(?P<operator>&&|\|\||<=|>=|!=|=|<|>|\(|\)|\{|\})|(?P<word>[^\s"&|<>=!(){}]+))"""
)
_NUMBERS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?(e[+-]?\d+)?", re.IGNORECASE)
_STATES: Final[Mapping[str, Any]] = {"NULL": None, "TRUE": True, "FALSE": False}
_STEP: Final = re.compile(r"\.([A-Za-z_][\w-]*)|\[(\d+)\]")
_ABSENT: Final = object()


class PatternError(ValueError):
    """The pattern is not one that CloudWatch Logs takes."""


def matches(pattern: str, event: Mapping[str, Any], *, absent_differs: bool) -> bool:
    """Whether `pattern` matches `event`; `absent_differs` is what `!=` says of a field that the event lacks.

    Raises `PatternError`.
    """
    return _Reader(_tokens(pattern), event, absent_differs).decide()


def _tokens(pattern: str) -> list[str]:
    tokens, position = [], 0
    text = pattern.rstrip()
    while position < len(text):
        found = _TOKEN.match(text, position)
        if not found:
            raise PatternError(f"Unreadable from character {position}.")
        tokens.append(found.group().strip())
        position = found.end()
    return tokens


@dataclass(slots=True)
class _Reader:
    tokens: list[str]
    event: Mapping[str, Any]
    absent_differs: bool
    position: int = 0

    def decide(self) -> bool:
        self._take("{")
        answer = self._either()
        self._take("}")
        if self.position != len(self.tokens):
            raise PatternError("Something follows the closing brace.")
        return answer

    def _either(self) -> bool:
        answer = self._both()
        while self._next() == "||":
            self._take("||")
            answer = self._both() or answer
        return answer

    def _both(self) -> bool:
        answer = self._term()
        while self._next() == "&&":
            self._take("&&")
            answer = self._term() and answer
        return answer

    def _term(self) -> bool:
        if self._next() == "(":
            self._take("(")
            answer = self._either()
            self._take(")")
            return answer
        value = _select(self.event, self._take())
        sign = self._take()
        if sign == "NOT":
            self._take("EXISTS")
            return value is _ABSENT
        if sign == "IS":
            state = self._take()
            if state not in _STATES:
                raise PatternError("IS takes NULL, TRUE or FALSE.")
            return value is _STATES[state]
        return self._compare(value, sign, self._take())

    def _compare(self, value: Any, sign: str, wanted: str) -> bool:
        if sign in _NUMBERS:
            if not _NUMBER.fullmatch(wanted):
                raise PatternError(f"{sign} takes a number.")
            return _is_number(value) and _NUMBERS[sign](value, float(wanted))
        if sign not in {"=", "!="}:
            raise PatternError(f"{sign} is no operator.")
        if value is _ABSENT:
            return sign == "!=" and self.absent_differs
        return _equal(value, wanted) is (sign == "=")

    def _next(self) -> str | None:
        return self.tokens[self.position] if self.position < len(self.tokens) else None

    def _take(self, wanted: str | None = None) -> str:
        token = self._next()
        if token is None or (wanted is not None and token != wanted):
            raise PatternError(f"Expected {wanted or 'more'} as token {self.position}.")
        self.position += 1
        return token


def _select(event: Any, selector: str) -> Any:
    steps = _STEP.findall(selector)
    if not selector.startswith("$") or "$" + "".join(f".{key}" if key else f"[{at}]" for key, at in steps) != selector:
        raise PatternError("A selector begins with $ and names fields and positions.")
    value = event
    for key, at in steps:
        if key and isinstance(value, dict) and key in value:
            value = value[key]
        elif at and isinstance(value, list) and int(at) < len(value):
            value = value[int(at)]
        else:
            return _ABSENT
    return value


def _equal(value: Any, wanted: str) -> bool:
    if _is_number(value) and _NUMBER.fullmatch(wanted):
        return bool(value == float(wanted))
    text = wanted[1:-1] if wanted.startswith('"') else wanted
    middle = text[1:-1] if len(text) > 1 else ""
    if "*" in middle:
        raise PatternError("A wildcard stands at the beginning or at the end.")
    if not isinstance(value, str):
        return False
    expression = ".*".join(re.escape(part) for part in text.split("*"))
    return re.fullmatch(expression, value, re.DOTALL) is not None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
