"""The options common to all commands; they come after the command."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from cli import output
from cli.session import Where
from switchboard.schema.deployment import STAGES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Stage = Annotated[
    str | None,
    typer.Option(
        "--stage",
        metavar="NAME",
        help=f"The stage: {', '.join(STAGES)}. `local` finds the running local cloud.",
        autocompletion=lambda: list(STAGES),
    ),
]
EndpointUrl = Annotated[
    str | None,
    typer.Option(
        "--endpoint-url",
        metavar="URL",
        help="Instead of --stage: what stage local published at this endpoint.",
    ),
]
Profile = Annotated[str | None, typer.Option("--profile", metavar="NAME", help="A profile of the AWS CLI.")]
Region = Annotated[str | None, typer.Option("--region", metavar="NAME", help="The AWS region.")]
Json = Annotated[bool, typer.Option("--json", help="Print the function's answer as it is.")]


def where(stage: str | None, endpoint_url: str | None, profile: str | None, region: str | None) -> Where:
    """What the options say."""
    return Where(stage, endpoint_url, profile, region)


def _words(place: Where) -> dict[str, str | None]:
    return {
        "--stage": place.stage,
        "--endpoint-url": place.endpoint_url,
        "--profile": place.profile,
        "--region": place.region,
    }


def say_next(command: Sequence[str], asked: Mapping[str, object], place: Where) -> None:
    """Tell how the same command goes on; options that are None are left out."""
    said = ["switchboard", *command]
    for name, value in {**asked, **_words(place)}.items():
        if value is not None:
            said += [name, str(value)]
    output.say(f"There may be more: {shlex.join(said)}")
