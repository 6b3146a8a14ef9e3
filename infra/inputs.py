"""What is said at synthesis: the inputs of prod and of the organisation, each set given whole or not at all.

A set that nobody gives is filled with placeholders. With those the stage synthesizes, and its deployment is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from infra.config_types import PLACEHOLDER_ACCOUNT, ExistingVpc, Organisation, Place

if TYPE_CHECKING:
    from collections.abc import Callable

PLACEHOLDER_REGION: Final = "eu-central-1"
PLACEHOLDER_SUBJECT: Final = "repo:example/switchboard:environment:prod"
"""A repository that is nobody's pipeline. Younger ones are named with the ids of owner and repository, as
`repo:example@1/switchboard@2:…` (GitHub Docs, "OpenID Connect reference", immutable subject claims)."""

_ACCOUNT: Final = r"\d{12}"
_REGION: Final = r"[a-z]+(-[a-z]+)+-\d"
_ID: Final = r"[0-9a-f]{8}([0-9a-f]{9})?"
_TARGET: Final = rf"({_ACCOUNT}|r-[0-9a-z]{{4,32}}|ou-[0-9a-z]{{4,32}}-[0-9a-z]{{8,32}})"
"""An account, the root, or a unit (AWS Organizations API, `AttachPolicy`)."""


@dataclass(frozen=True, slots=True)
class Input:
    """One value that the CDK CLI is given as `-c <key>=<value>`."""

    key: str
    shape: str
    """What it looks like, for people."""
    pattern: str
    placeholder: str


def _list_of(pattern: str) -> str:
    return rf"{pattern}(,{pattern})*"


PROD: Final = (
    Input("prod-account", "<12 digits>", _ACCOUNT, PLACEHOLDER_ACCOUNT),
    Input("prod-region", "<such as eu-central-1>", _REGION, PLACEHOLDER_REGION),
    Input(
        "prod-ci-subject",
        "<such as repo:owner@1/name@2:environment:prod>",
        r"[\w.:/@-]+:[\w.:/@-]+",
        PLACEHOLDER_SUBJECT,
    ),
    Input("prod-vpc", "<vpc-…>", f"vpc-{_ID}", "vpc-0123456789abcdef0"),
    Input(
        "prod-subnets",
        "<two or more subnet-…, by commas>",
        f"subnet-{_ID},{_list_of(f'subnet-{_ID}')}",
        "subnet-0123456789abcdef0,subnet-0123456789abcdef1",
    ),
    Input("prod-route-tables", "<rtb-…, by commas>", _list_of(f"rtb-{_ID}"), "rtb-0123456789abcdef0"),
    Input("prod-copies-region", "<another region>", _REGION, "eu-west-1"),
    Input("prod-reserved-concurrency", "<executions of each function>", r"[1-9]\d{0,4}", "100"),
)
"""Of stage prod. docs/account-setup.md says where each comes from."""

ORGANISATION: Final = (
    Input(
        "organisation-targets",
        "<12 digits, ou-…, or r-…, by commas>",
        _list_of(_TARGET),
        PLACEHOLDER_ACCOUNT,
    ),
    Input("organisation-regions", "<such as eu-central-1, by commas>", _list_of(_REGION), PLACEHOLDER_REGION),
)
"""Of the organisation's policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProdInputs:
    """What only the owner of the account knows."""

    place: Place
    ci_subject: str
    network: ExistingVpc
    copies_in: str
    reserved_concurrency: int
    """Concurrent executions that are set aside for each function."""


def prod_inputs(given: Callable[[str], str | None]) -> ProdInputs:
    """The inputs of prod, each asked for by its key.

    Raises `ValueError` where only some of them are given, or one that cannot be right.
    """
    values = _read("prod", PROD, given)
    if values["prod-copies-region"] == values["prod-region"]:
        raise ValueError("Copies of objects are kept in another region: give -c prod-copies-region=<not prod-region>.")
    return ProdInputs(
        place=Place(values["prod-account"], values["prod-region"]),
        ci_subject=values["prod-ci-subject"],
        network=ExistingVpc(
            values["prod-vpc"],
            tuple(values["prod-subnets"].split(",")),
            tuple(values["prod-route-tables"].split(",")),
        ),
        copies_in=values["prod-copies-region"],
        reserved_concurrency=int(values["prod-reserved-concurrency"]),
    )


def organisation(given: Callable[[str], str | None]) -> Organisation:
    """The organisation, of inputs separated by commas, each asked for by its key.

    Raises `ValueError` where only one of the two is given, or one that cannot be right.
    """
    values = _read("organisation", ORGANISATION, given)
    return Organisation(
        tuple(values["organisation-targets"].split(",")), tuple(values["organisation-regions"].split(","))
    )


def asked(inputs: tuple[Input, ...]) -> str:
    """The inputs as they are given to the CDK CLI."""
    return " ".join(f"-c {each.key}={each.shape}" for each in inputs)


def _read(what: str, inputs: tuple[Input, ...], given: Callable[[str], str | None]) -> dict[str, str]:
    values = {each.key: given(each.key) for each in inputs}
    if all(value is None for value in values.values()):
        return {each.key: each.placeholder for each in inputs}
    right = {
        each.key: value
        for each in inputs
        if (value := values[each.key]) is not None and re.fullmatch(each.pattern, value)
    }
    if len(right) < len(inputs):
        wrong = ", ".join(key for key in values if key not in right)
        raise ValueError(f"{what} takes all of its inputs or none; missing or not right: {wrong}. Give {asked(inputs)}")
    return right
