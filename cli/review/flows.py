"""Who invokes what, which stream feeds what, where failures go: the system as a graph, read from the templates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cli.review.deliveries import deliveries
from cli.review.grants import OWN, ROLE, Grant, grants

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.review.assembly import Resource, StageTemplates

FUNCTION: Final = "AWS::Lambda::Function"
QUEUE: Final = "AWS::SQS::Queue"
TABLE: Final = "AWS::DynamoDB::Table"
BUCKET: Final = "AWS::S3::Bucket"
STATE_MACHINE: Final = "AWS::StepFunctions::StateMachine"
CALLER: Final = "caller"
"""A role that no function and no state machine works with: services and people assume it."""

CALLS: Final = "calls"
FEEDS: Final = "feeds"
READS: Final = "reads"
WRITES: Final = "writes"
FAILS_TO: Final = "failures go to"

_SHOWN: Final = {FUNCTION: "Function", QUEUE: "Queue", TABLE: "Table", BUCKET: "", STATE_MACHINE: "StateMachine"}
"""The types that are nodes, and what their construct's name ends in."""
_CALLING: Final = ("lambda:InvokeFunction", "sqs:SendMessage", "states:StartExecution")
_WRITING: Final = (
    *("dynamodb:DeleteItem", "dynamodb:PartiQLInsert", "dynamodb:PartiQLUpdate", "dynamodb:PutItem"),
    *("dynamodb:UpdateItem", "s3:PutObject", "s3:DeleteObject"),
)
_READING: Final = ("dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan", "s3:GetObject")


@dataclass(frozen=True, slots=True)
class Node:
    """Something that calls, runs or stores. `kind` is its type in CloudFormation, or `caller`."""

    place: str
    kind: str

    @property
    def label(self) -> str:
        """Its construct's name in words: `functions/Cdr/Writer/Function` is `Cdr Writer`."""
        parts = self.place.split("/")[1:]
        if parts[-1] in {"Function", "Role", "Queue", "StateMachine", "Resource"}:
            parts = parts[:-1] or parts
        words = "".join(f" {c}" if c.isupper() else c for part in parts for c in part).split()
        return " ".join(words).removesuffix(" Table") if self.kind == TABLE else " ".join(words)


@dataclass(frozen=True, slots=True)
class Flow:
    """From one node to another."""

    source: Node
    target: Node
    how: str


@dataclass(frozen=True, slots=True)
class Graph:
    """The nodes in the order of the templates, callers first, and the flows between them, each once."""

    nodes: tuple[Node, ...]
    flows: tuple[Flow, ...]


def graph(stage: StageTemplates) -> Graph:
    """The picture of a stage."""
    workers = {
        role.place: Node(worker.place, worker.type)
        for worker in stage.of_type(FUNCTION, STATE_MACHINE)
        if (role := _role_of(stage, worker)) is not None
    }
    flows = list(dict.fromkeys((*_granted(stage, workers), *_delivered(stage))))
    drawn = {node for flow in flows for node in (flow.source, flow.target)}
    callers = [node for node in dict.fromkeys(flow.source for flow in flows) if node.kind == CALLER]
    placed = [Node(each.place, each.type) for each in stage.of_type(*_SHOWN)]
    return Graph((*callers, *(node for node in placed if node in drawn)), tuple(flows))


def _role_of(stage: StageTemplates, worker: Resource) -> Resource | None:
    named = worker.properties.get("Role", worker.properties.get("RoleArn"))
    role = stage.target(worker.stack, named)
    return role if role is not None and role.type == ROLE else None


def _granted(stage: StageTemplates, workers: dict[str, Node]) -> Iterator[Flow]:
    reached = {each.place: Node(each.place, each.type) for each in stage.of_type(*_SHOWN)}
    for grant in grants(stage):
        how = _how(grant)
        target = next((node for place, node in reached.items() if _names(grant.resource, place)), None)
        if how is None or target is None or grant.effect != "Allow" or grant.through != OWN:
            continue
        source = workers.get(grant.role) or Node(grant.role, CALLER)
        if source != target and not (how == WRITES and target.kind == BUCKET and "aws/lambda/" in grant.resource):
            yield Flow(source, target, how)


def _how(grant: Grant) -> str | None:
    if grant.action in _CALLING:
        return CALLS
    if grant.action in _WRITING:
        return WRITES
    return READS if grant.action in _READING else None


def _names(resource: str, place: str) -> bool:
    """Whether a resource in a statement is the one at `place`, a part of it, or an execution of it."""
    return resource.startswith((f"{{{place}}}", f"{{{place}."))


def _delivered(stage: StageTemplates) -> Iterator[Flow]:
    known = {each.place: Node(each.place, each.type) for each in stage.of_type(*_SHOWN)}
    for delivery in deliveries(stage):
        function = known.get(delivery.function)
        source, failures = known.get(delivery.source), known.get(delivery.after_failure)
        if source and function:
            yield Flow(source, function, FEEDS)
        if failures and (source if source and source.kind == QUEUE else function):
            yield Flow(source if source and source.kind == QUEUE else function, failures, FAILS_TO)  # type: ignore[arg-type]  # one of them is there
