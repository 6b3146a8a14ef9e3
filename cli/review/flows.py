"""Who invokes what, which stream feeds what, where failures go: the system as a graph, read from the templates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cli.review.deliveries import deliveries
from cli.review.grants import grants
from cli.review.holders import OWN, ROLE
from switchboard.schema import deployment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cli.review.assembly import Resource, StageTemplates
    from cli.review.grants import Grant

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

_SHOWN: Final = {
    FUNCTION: "FunctionName",
    QUEUE: "QueueName",
    TABLE: "TableName",
    BUCKET: "BucketName",
    STATE_MACHINE: "StateMachineName",
}
"""The types that are nodes, and the property that names one."""
_GENERIC: Final = frozenset({"Function", "Role", "Queue", "StateMachine", "Machine", "Resource"})
"""Last words of a construct's path that say what it is and not which."""
_CALLING: Final = ("lambda:InvokeFunction", "sqs:SendMessage", "states:StartExecution")
_WRITING: Final = (
    *("dynamodb:DeleteItem", "dynamodb:PartiQLInsert", "dynamodb:PartiQLUpdate", "dynamodb:PutItem"),
    *("dynamodb:UpdateItem", "s3:PutObject", "s3:DeleteObject"),
)
_READING: Final = ("dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query", "dynamodb:Scan", "s3:GetObject")


@dataclass(frozen=True, slots=True)
class Node:
    """Something that calls, runs or stores. `kind` is its type in CloudFormation, or `caller`; `label` its name."""

    place: str
    kind: str
    label: str


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
    nodes = {each.place: _node(stage, each) for each in stage.of_type(*_SHOWN)}
    workers = {
        role.place: nodes[worker.place]
        for worker in stage.of_type(FUNCTION, STATE_MACHINE)
        if (role := _role_of(stage, worker)) is not None
    }
    failures = dict.fromkeys(_failing(stage, nodes))
    failing = {(flow.source, flow.target) for flow in failures}
    others = (*_granted(stage, nodes, workers), *_fed(stage, nodes))
    flows = (*(flow for flow in dict.fromkeys(others) if (flow.source, flow.target) not in failing), *failures)
    drawn = {node for flow in flows for node in (flow.source, flow.target)}
    callers = [node for node in dict.fromkeys(flow.source for flow in flows) if node.kind == CALLER]
    return Graph((*callers, *(node for node in nodes.values() if node in drawn)), flows)


def _node(stage: StageTemplates, resource: Resource) -> Node:
    """A node by the name that its template gives it, without what every name of the stage begins with."""
    named = resource.properties.get(_SHOWN.get(resource.type, ""))
    if named is not None:
        label = stage.text(resource.stack, named).removeprefix(f"{deployment.APP}-{stage.name}-")
        return Node(resource.place, resource.type, label)
    return Node(resource.place, CALLER if resource.type == ROLE else resource.type, _label(resource))


def _label(resource: Resource) -> str:
    """The construct's name as names of deployed things are spelled: `access/QmService/Role` is `qm-service`."""
    parts = resource.name.split("/")
    last = next((part for part in reversed(parts) if part not in _GENERIC), parts[-1])
    if parts[-1] not in _GENERIC and len(parts) > 1:
        last = "".join(parts[-2:])
    words = "".join(f"-{c.lower()}" if c.isupper() else c for c in last).strip("-")
    return words.removesuffix("-table") if resource.type == TABLE else words


def _role_of(stage: StageTemplates, worker: Resource) -> Resource | None:
    named = worker.properties.get("Role", worker.properties.get("RoleArn"))
    role = stage.target(worker.stack, named)
    return role if role is not None and role.type == ROLE else None


def _granted(stage: StageTemplates, nodes: Mapping[str, Node], workers: Mapping[str, Node]) -> Iterator[Flow]:
    callers = {role.place: _node(stage, role) for role in stage.of_type(ROLE)}
    for grant in grants(stage):
        how = _how(grant)
        target = next((node for place, node in nodes.items() if _names(grant.resource, place)), None)
        if how is None or target is None or grant.effect != "Allow" or grant.through != OWN:
            continue
        source = workers.get(grant.role) or callers.get(grant.role) or Node(grant.role, CALLER, grant.role)
        if source != target:
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


def _fed(stage: StageTemplates, nodes: Mapping[str, Node]) -> Iterator[Flow]:
    for delivery in deliveries(stage):
        if delivery.source in nodes and delivery.function in nodes:
            yield Flow(nodes[delivery.source], nodes[delivery.function], FEEDS)


def _failing(stage: StageTemplates, nodes: Mapping[str, Node]) -> Iterator[Flow]:
    """Where failed events go: of a queue from the queue, of everything else from the function."""
    for delivery in deliveries(stage):
        source = nodes.get(delivery.source)
        failing = source if source is not None and source.kind == QUEUE else nodes.get(delivery.function)
        if failing is not None and delivery.after_failure in nodes:
            yield Flow(failing, nodes[delivery.after_failure], FAILS_TO)
    for function in stage.of_type(FUNCTION):
        aside = stage.target(function.stack, function.properties.get("DeadLetterConfig"))
        if aside is not None and aside.place in nodes:
            yield Flow(nodes[function.place], nodes[aside.place], FAILS_TO)
