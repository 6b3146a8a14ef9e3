"""The part of the demo about direct messages."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from rich.table import Table

from cli.demo.callers import service_role
from cli.demo.waiting import wait_for
from switchboard.schema import deployment

if TYPE_CHECKING:
    from cli.demo.callers import Caller
    from cli.demo.walk import Walk
    from local_cloud.stage import DeployedStage


class Person:
    """Someone on whose behalf the message backend calls."""

    def __init__(self, backend: Caller, handle: str, name: str) -> None:
        self._backend = backend
        self.uuid = str(uuid.uuid4())
        self.handle = handle
        self.name = name

    def call(self, operation: str, **fields: object) -> dict[str, Any]:
        """The answer of one operation; the backend has authenticated the caller."""
        request = {"operation": operation, "user_uuid": self.uuid, **fields}
        return self._backend.invoke(deployment.MESSAGES_FUNCTION_PATH, request)

    def groups(self) -> list[dict[str, Any]]:
        """Their list of groups, most recent first."""
        listed: list[dict[str, Any]] = self.call("list_message_groups", consistent=True)["message_groups"]
        return listed


def walk(stage: DeployedStage, tour: Walk) -> None:
    """Show a conversation of two, a list that moves by itself, a stranger, and a rename."""
    backend = service_role(stage, deployment.MESSAGING_SERVICE)
    ada, ben, eve = (Person(backend, *who) for who in (("ada", "Ada"), ("ben", "Ben"), ("eve", "Eve")))
    with tour.step("Three people", "The message backend authenticates them; handles are unique.") as step:
        for person in (ada, ben, eve):
            answer = person.call("put_user", handle=person.handle, display_name=person.name)
            step.check(f"{person.name} is known as {person.handle}", answer.get("handle") == person.handle)
        taken = eve.call("put_user", handle=ada.handle, display_name="Eve")
        step.check("nobody else can take Ada's handle", code_of(taken) == "handle_taken")
        step.prove("3 profiles, unique handles")
    group = begin(ada, ben, tour)
    talk(ada, ben, group, tour)
    keep_out(eve, group, tour)
    rename(ada, ben, tour)


def begin(ada: Person, ben: Person, tour: Walk) -> str:
    """Ada writes to Ben for the first time; Ben, at the same time, to Ada."""
    with tour.step("A new group", "One transaction; one conversation for each pair, whoever begins.") as step:
        first = ada.call("create_message_group", other_user_uuid=ben.uuid, message="Ben! Are you there?")
        other = ben.call("create_message_group", other_user_uuid=ada.uuid, message="Ada, I was about to write.")
        group = str(first["group_uuid"])
        step.check("Ada's message begins the group", first["created"] is True)
        step.check("Ben's continues it", other["created"] is False and other["group_uuid"] == group)
        step.prove("one group, both messages in it")
    return group


def talk(ada: Person, ben: Person, group: str, tour: Walk) -> None:
    """Some messages, and the lists that follow them through the table's stream."""
    lines = [
        (ada, "Did the deployment work?"),
        (ben, "The demo says so. Every claim has a tick."),
        (ada, "Then let us stop using my keys."),
    ]
    with tour.step("The list moves by itself", "Messages are written; the stream handler updates the lists.") as step:
        for person, text in lines:
            person.call("create_message", group_uuid=group, message=text)
        shown = ben.call("list_messages", group_uuid=group)["messages"]
        names = {ada.uuid: ada.name, ben.uuid: ben.name}
        table = Table(box=None, pad_edge=False, show_header=False)
        for message in shown:
            table.add_row(message["created_at"][11:19], names[message["user_uuid"]], message["message"])
        step.show(table)
        newest = lines[-1][1]
        moved = wait_for(lambda: all(person.groups()[0]["last_message"] == newest for person in (ada, ben)))
        step.check("both lists show the newest message", moved)
        step.check(
            "unread for Ben, not for Ada who wrote it", ben.groups()[0]["unread"] and not ada.groups()[0]["unread"]
        )
        ben.call("mark_read", group_uuid=group)
        step.check("until he has read it", ben.groups()[0]["unread"] is False)
        step.prove(f"{len(shown)} messages, both lists current")


def keep_out(eve: Person, group: str, tour: Walk) -> None:
    """What someone who is no member gets."""
    with tour.step("A stranger", "Membership authorises; an unknown group and a foreign one look alike.") as step:
        for operation, fields in (
            ("list_messages", {}),
            ("create_message", {"message": "Let me in."}),
            ("mark_read", {}),
            ("unread_count", {}),
        ):
            answer = eve.call(operation, group_uuid=group, **fields)
            step.check(f"{operation}: {code_of(answer)}", code_of(answer) == "not_a_member")
        step.prove("4 of 4 refused")


def rename(ada: Person, ben: Person, tour: Walk) -> None:
    """A new name follows into every conversation that shows it."""
    with tour.step("A rename", "Every conversation that shows the name follows, interrupted anywhere or not.") as step:
        answer = ada.call("rename_user", handle="countess", display_name="Ada Lovelace")
        step.check(f"{answer['conversations']} conversation follows", answer["complete"] is True)
        row = ben.groups()[0]
        step.check(
            "Ben's list shows it", (row["other_handle"], row["other_display_name"]) == ("countess", "Ada Lovelace")
        )
        step.prove("the new name everywhere")


def code_of(answer: dict[str, Any]) -> str | None:
    """The code of a refusal; None of any other answer."""
    error: dict[str, Any] = answer.get("error", {})
    return error.get("code")
