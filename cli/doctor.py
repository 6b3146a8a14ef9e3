"""`switchboard doctor`: whether a stage, or the account around it, is as it should be."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.text import Text

from cli import doctor_account, doctor_network, doctor_singletons, doctor_stage, options, output
from cli.doctor_findings import Finding, State, examined
from cli.errors import Code
from cli.tools import Tools, tools_of
from switchboard.schema import deployment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cli.doctor_findings import Check
    from cli.session import Target

_SHOWN: Final = {
    State.WELL: ("ok", "green"),
    State.AMISS: ("amiss", "bold red"),
    State.UNSEEN: ("unseen", "yellow"),
    State.ABSENT: ("-", "dim"),
}


def doctor(
    context: typer.Context,
    *,
    account: Annotated[
        bool,
        typer.Option("--account", help="Look at the account instead: keys of IAM users, tables with the old key."),
    ] = False,
    stage: options.Stage = None,
    endpoint_url: options.EndpointUrl = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as one JSON document.")] = False,
    profile: options.Profile = None,
    region: options.Region = None,
) -> None:
    """Look whether everything is as it should be, and say what to do where it is not.

    It only reads. Ends with 0 where all is well, and with 5 where something is amiss or could not be seen.
    """
    tools = tools_of(context)
    target = tools.connect(options.where(stage, endpoint_url, profile, region))
    checks = _account(target, tools) if account else _stage(target)
    is_local = target.stage == deployment.LOCAL_STAGE
    found: list[Finding] = []
    try:
        with output.waiting("Looking"):
            for about, check in checks:
                found.extend(examined(about, check, is_local=is_local))
    finally:  # also where a check stops it: what was found until then may say why
        if found:
            _print(found, as_json=as_json)
    if any(finding.state in {State.AMISS, State.UNSEEN} for finding in found):
        raise typer.Exit(Code.PARTLY)


def _stage(target: Target) -> Sequence[tuple[str, Check]]:
    return (
        ("identity", lambda: doctor_stage.identity(target)),
        ("parameters", lambda: doctor_stage.published(target)),
        ("tables", lambda: doctor_stage.tables(target)),
        ("bootstrap", lambda: doctor_stage.bootstrap(target)),
        ("concurrency", lambda: doctor_stage.concurrency(target)),
        ("network", lambda: doctor_network.network(target)),
        ("trail", lambda: doctor_singletons.trail(target)),
        ("configuration recorder", lambda: doctor_singletons.recorder(target)),
        ("log bucket", lambda: doctor_singletons.log_bucket(target)),
        ("copies", lambda: doctor_singletons.copies(target)),
        ("backups", lambda: doctor_singletons.backups(target)),
        ("token provider", lambda: doctor_singletons.token_provider(target)),
    )


def _account(target: Target, tools: Tools) -> Sequence[tuple[str, Check]]:
    return (
        ("identity", lambda: doctor_stage.identity(target)),
        ("keys", lambda: doctor_account.keys_of_people(target, now=tools.clock(), sleep=tools.sleep)),
        ("legacy tables", lambda: doctor_account.legacy_tables(target, now=tools.clock())),
    )


def _print(found: Sequence[Finding], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps({"findings": [finding.as_json() for finding in found]}) + "\n")
        return
    console = output.results()
    for finding in found:
        word, style = _SHOWN[finding.state]
        console.print(
            Text(f"{word:<7}", style=style),
            Text(output.printable(f"{finding.about}: {finding.says}")),
            soft_wrap=True,
        )
        if finding.remedy:
            console.print(Text(f"        {output.printable(finding.remedy)}"), soft_wrap=True)
