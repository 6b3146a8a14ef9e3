"""The part of DynamoDB's expression language that this system's requests to the messages table use."""

from __future__ import annotations

import operator
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Item = dict[str, dict[str, Any]]

_TOKEN = re.compile(r"\s*(<>|<=|>=|[()=<>,+]|[#:]?[A-Za-z0-9_]+)")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "<>": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def holds(expression: str | None, item: Item | None, request: Mapping[str, Any]) -> bool:
    """Whether the condition or filter `expression` of `request` is true of `item`; None stands for no item."""
    if expression is None:
        return True
    parser = _Parser(expression, item or {}, request)
    result = parser.either()
    assert not parser.tokens, f"not understood: {parser.tokens}"
    return result


def updated(expression: str, item: Item, request: Mapping[str, Any]) -> Item:
    """`item` after the `SET` and `REMOVE` clauses of an update expression, which all see the item as it was."""
    after = dict(item)
    for clause, body in re.findall(r"(SET|REMOVE)\s+(.*?)(?=\s+SET\s|\s+REMOVE\s|$)", expression):
        for part in body.split(","):
            if clause == "REMOVE":
                after.pop(_name(part.strip(), request), None)
                continue
            target, _, value = part.partition("=")
            parser = _Parser(value, item, request)
            after[_name(target.strip(), request)] = parser.total()
            assert not parser.tokens, f"not understood: {parser.tokens}"
    return after


def _name(token: str, request: Mapping[str, Any]) -> str:
    names: Mapping[str, str] = request.get("ExpressionAttributeNames", {})
    return names[token] if token.startswith("#") else token


class _Parser:
    def __init__(self, expression: str, item: Item, request: Mapping[str, Any]) -> None:
        self.tokens = _TOKEN.findall(expression)
        assert "".join(self.tokens) == re.sub(r"\s+", "", expression), f"not understood: {expression}"
        self._item = item
        self._request = request

    def either(self) -> bool:
        result = self._both()
        while self._accept("OR"):
            result = self._both() or result
        return result

    def total(self) -> dict[str, Any]:
        value = self._operand()
        while self._accept("+"):
            added = self._operand()
            assert value is not None
            assert added is not None
            value = {"N": str(Decimal(value["N"]) + Decimal(added["N"]))}
        assert value is not None, "an update that copies a missing attribute is refused"
        return value

    def _both(self) -> bool:
        result = self._one()
        while self._accept("AND"):
            result = self._one() and result
        return result

    def _one(self) -> bool:
        if self._accept("NOT"):
            return not self._one()
        if self._accept("("):
            result = self.either()
            self._expect(")")
            return result
        if self.tokens[0] in {"attribute_exists", "attribute_not_exists"}:
            wanted = self.tokens.pop(0) == "attribute_exists"
            self._expect("(")
            present = self._operand() is not None
            self._expect(")")
            return present is wanted
        if self._accept("begins_with"):
            self._expect("(")
            whole = self._operand()
            self._expect(",")
            start = self._operand()
            self._expect(")")
            return whole is not None and start is not None and whole["S"].startswith(start["S"])
        return self._comparison()

    def _comparison(self) -> bool:
        left = self._operand()
        if self._accept("BETWEEN"):
            low = self._operand()
            self._expect("AND")
            high = self._operand()
            assert _compare("<=", low, high), "DynamoDB refuses bounds in the wrong order"
            return _compare(">=", left, low) and _compare("<=", left, high)
        return _compare(self.tokens.pop(0), left, self._operand())

    def _operand(self) -> dict[str, Any] | None:
        token = self.tokens.pop(0)
        if token.startswith(":"):
            value: dict[str, Any] = self._request["ExpressionAttributeValues"][token]
            return value
        return self._item.get(_name(token, self._request))

    def _accept(self, token: str) -> bool:
        if self.tokens and self.tokens[0] == token:
            self.tokens.pop(0)
            return True
        return False

    def _expect(self, token: str) -> None:
        assert self._accept(token), f"expected {token} before {self.tokens}"


def _compare(sign: str, left: dict[str, Any] | None, right: dict[str, Any] | None) -> bool:
    if left is None or right is None:
        return False
    ((left_kind, one),) = left.items()
    ((right_kind, other),) = right.items()
    if left_kind != right_kind:
        return sign == "<>"
    if left_kind == "N":
        one, other = Decimal(one), Decimal(other)
    elif left_kind == "S":
        one, other = one.encode(), other.encode()
    return _COMPARE[sign](one, other)
