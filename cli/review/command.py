"""`switchboard review`: the command, from its options to the page, JSON or the terminal."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from cli import output
from cli.errors import Code, Failure
from cli.review import load as loads
from cli.review import sources
from cli.review.report import as_json, review
from cli.review.terminal import show
from switchboard.prices import list_prices

if TYPE_CHECKING:
    from collections.abc import Iterator


def command(
    *,
    stage: Annotated[
        str | None, typer.Option("--stage", metavar="NAME", help="Review this stage alone instead of all of them.")
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            metavar="REV|FOLDER",
            help="Show what changes since this git revision, or since a folder that `make synth` wrote.",
        ),
    ] = None,
    assembly: Annotated[
        Path | None,
        typer.Option(
            "--assembly",
            metavar="FOLDER",
            help="Read this synthesized folder instead of synthesizing, which takes a while.",
        ),
    ] = None,
    load: Annotated[
        int,
        typer.Option(
            "--load", metavar="EVENTS", min=0, help="CDRs per month, and as many messages, for the estimate of costs."
        ),
    ] = loads.EVENTS,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write the page, one HTML file, here.")
    ] = None,
    as_document: Annotated[bool, typer.Option("--json", help="Print the review as one JSON document.")] = False,
) -> None:
    """Review the synthesized templates without AWS: access, failures, protection, cost, and what a change does.

    It needs no credentials. Ends with 0, or with 5 where, against --against, something that holds data is replaced or
    deleted.
    """
    reviewed = sources.folder(assembly, of_this_tree=True) if assembly else _synthesized()
    before = None if against is None else _before(against)
    found = review(
        _only(stage, reviewed),
        before=_only(stage, before, required=False) if before else None,
        load=loads.Load(events=load),
        prices=list_prices(),
    )
    if out:
        from cli.review.page import page  # noqa: PLC0415 - its templates are slow to import, and other commands need none

        out.write_text(page(found), encoding="utf-8")
        output.say(f"The page: {out}")
    if as_document:
        json.dump(as_json(found), sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        show(found)
        if not out:
            output.say("For the whole review as a page: --out review.html")
    if found.loses_data:
        raise typer.Exit(Code.PARTLY)


def _synthesized() -> sources.Source:
    with _telling("Synthesizing this tree."):
        return sources.working_tree()


def _before(against: str) -> sources.Source:
    if not against:
        raise Failure(Code.USAGE, "--against is empty.", remedy="Name a git revision, or a folder of `make synth`.")
    if Path(against).is_dir():
        return sources.folder(Path(against), of_this_tree=False)
    with _telling(f"Synthesizing {against} in a tree of its own."):
        return sources.revision(against)


@contextmanager
def _telling(line: str) -> Iterator[None]:
    """Say what takes a while; on a terminal with a sign of life, for as long as it takes."""
    console = output.progress()
    if not console.is_terminal:
        output.say(line)
        yield
        return
    with console.status(Text(output.printable(line))):
        yield


def _only(stage: str | None, source: sources.Source, *, required: bool = True) -> sources.Source:
    """The source with one stage, where one is named. Raises `Failure` for one that it must have and has not."""
    if stage is None:
        return source
    stages = tuple(each for each in source.stages if each.name == stage)
    if required and not stages:
        known = ", ".join(each.name for each in source.stages)
        raise Failure(Code.NOT_FOUND, f"There is no stage {stage}.", remedy=f"There are: {known}.")
    return replace(source, stages=stages)
