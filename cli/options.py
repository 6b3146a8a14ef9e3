"""The options common to all commands; they come after the command."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.session import Where
from switchboard.schema.deployment import STAGES

Stage = Annotated[
    str | None,
    typer.Option(
        "--stage",
        metavar="NAME",
        help=f"The stage: {', '.join(STAGES)}. `local` finds the running local cloud.",
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


def words(place: Where) -> dict[str, str | None]:
    """The options that say the same again."""
    return {
        "--stage": place.stage,
        "--endpoint-url": place.endpoint_url,
        "--profile": place.profile,
        "--region": place.region,
    }
