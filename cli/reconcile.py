"""`switchboard reconcile`: previews of groups rebuilt from their messages."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Final

import typer

from cli import direct, options, output
from cli.errors import Code, Failure
from cli.tools import tools_of
from switchboard.ids import is_uuid
from switchboard.messages.reconcile import GroupMissing, group_uuids, reconcile_group
from switchboard.messages.stored import MalformedItem

if TYPE_CHECKING:
    from switchboard.messages.table import MessagesTable

_TOLD_EVERY: Final = 100


def reconcile(
    context: typer.Context,
    *,
    group: Annotated[str | None, typer.Argument(metavar="[GROUP]", help="The group's id.", show_default=False)] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every group; this reads the whole table.")] = False,
    stage: options.Stage = None,
    endpoint_url: options.EndpointUrl = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
    profile: options.Profile = None,
    region: options.Region = None,
) -> None:
    """Let every member of a group see its newest message in their list.

    The stream handler does so by itself; this repairs what it left behind. It may run at any time and again. Ends with
    5 where a group or a member's row cannot be repaired so.
    """
    if (group is None) is not all_:
        raise Failure(Code.USAGE, "Say which groups.", remedy="Give a group's id, or --all.")
    if group is not None and not is_uuid(group):
        raise Failure(
            Code.USAGE, "A group's id is a UUID in lower case.", remedy="`switchboard messages groups` shows it."
        )
    tools = tools_of(context)
    target = tools.connect(options.where(stage, endpoint_url, profile, region))
    table, consumed = direct.messages_table(target, tools)
    done = _Done()
    with direct.on_messages():
        for each in group_uuids(table) if group is None else [group]:
            done.settle(table, each, now=tools.clock().timestamp())
            if done.counts["groups"] % _TOLD_EVERY == 0:
                output.say(f"{done.counts['groups']:,} groups, {done.counts['changed']:,} rows changed so far")
    if as_json:
        sys.stdout.write(json.dumps(done.counts) + "\n")
    else:
        compared, changed = (
            output.counted(done.counts[name], word) for name, word in (("groups", "group"), ("changed", "row"))
        )
        output.results().print(f"{compared} compared, {changed} changed.")
    consumed.say()
    if done.problems:
        raise Failure(
            Code.PARTLY,
            "Some groups need a person to look at them.",
            remedy="`switchboard scan messages --prefix GROUP#<id>` shows what is stored of a group.",
            details=tuple(done.problems),
        )


@dataclass(slots=True)
class _Done:
    """What became of the groups so far."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("groups", "changed", "missing", "failed"), 0))
    problems: list[str] = field(default_factory=list)

    def settle(self, table: MessagesTable, group_uuid: str, *, now: float) -> None:
        """Reconcile one group and count. Raises `Failure` where there is none of that id."""
        self.counts["groups"] += 1
        try:
            settled = reconcile_group(table, group_uuid, now=now)
        except GroupMissing:
            raise Failure(
                Code.NOT_FOUND, "No group has this id.", remedy="`switchboard messages groups` lists somebody's groups."
            ) from None
        except MalformedItem as malformed:
            self.counts["failed"] += 1
            self.problems.append(f"group {group_uuid}: {malformed}")
            return
        self.counts["changed"] += settled.changed
        self.counts["missing"] += settled.missing
        if settled.missing:
            self.problems.append(f"group {group_uuid}: {settled.missing} members have no row in their list of groups")
