"""What anybody in the world could reach: policies for everyone, addresses without a key, doors left unlocked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cli.review.assembly import Resource, StageTemplates

_NARROWING: Final = frozenset(
    name.lower()
    for name in (
        *("aws:PrincipalAccount", "aws:PrincipalArn", "aws:PrincipalOrgID", "aws:PrincipalOrgPaths"),
        *("aws:SourceAccount", "aws:SourceArn", "aws:SourceOrgID", "aws:SourceOrgPaths", "aws:SourceOwner"),
        *("aws:SourceVpc", "aws:SourceVpce", "kms:CallerAccount", "lambda:EventSourceToken"),
    )
)
"""Keys of conditions that name known callers (Amazon S3 User Guide, "The meaning of public")."""
_POSITIVE: Final = ("stringequals", "stringlike", "arnequals", "arnlike")
"""Operators that let through what they name; those that end in `IfExists` let through whoever names nothing."""
_ANYWHERE: Final = frozenset({"0.0.0.0/0", "::/0"})


@dataclass(frozen=True, slots=True, order=True)
class Exposure:
    """One way in for everybody."""

    place: str
    how: str


def exposures(stage: StageTemplates) -> tuple[Exposure, ...]:
    """Everything of a stage that is public, or that nothing keeps from becoming so."""
    return tuple(
        Exposure(resource.place, how)
        for resource in stage.resources
        for how in dict.fromkeys(
            (*_by_policy(stage, resource), *_BY_TYPE.get(resource.type, lambda _: ())(resource.properties))
        )
    )


def _by_policy(stage: StageTemplates, resource: Resource) -> Iterator[str]:
    for statement in statements(resource.properties):
        narrowed = _is_narrowed(stage, resource.stack, statement.get("Condition", {}))
        if statement["Effect"] == "Allow" and _is_everybody(statement) and not narrowed:
            actions = _listed(statement.get("Action", "everything but a few actions"))
            yield f"its policy lets anybody {', '.join(sorted(stage.text(resource.stack, each) for each in actions))}"


def statements(value: Any) -> Iterator[Any]:
    """Statements with a principal, at any depth: bucket, queue, topic, key and table policies, and trust."""
    if isinstance(value, dict):
        if {"Principal", "NotPrincipal"} & set(value) and "Effect" in value:
            yield value
        for inner in value.values():
            yield from statements(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from statements(inner)


def _is_everybody(statement: Any) -> bool:
    """Whether it names everybody. All but a few are everybody, too."""
    principal = statement.get("Principal", "*")
    named = principal.values() if isinstance(principal, dict) else [principal]
    return any(each == "*" for part in named for each in _listed(part))


def _is_narrowed(stage: StageTemplates, stack: str, condition: Any) -> bool:
    return any(
        operator.lower().removeprefix("foranyvalue:") in _POSITIVE
        and key.lower() in _NARROWING
        and all(stage.text(stack, each).strip("*?") for each in _listed(value))
        for operator, tests in condition.items()
        for key, value in tests.items()
    )


def _bucket(properties: Any) -> Iterator[str]:
    blocked = properties.get("PublicAccessBlockConfiguration", {})
    open_doors = [
        door
        for door in ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
        if str(blocked.get(door, False)).lower() != "true"
    ]
    if open_doors:
        yield f"nothing keeps it from becoming public: {', '.join(open_doors)} off"
    if str(properties.get("AccessControl", "")).startswith(("Public", "AuthenticatedRead")):
        yield f"its access control list is {properties['AccessControl']}"


def _function_url(properties: Any) -> Iterator[str]:
    if properties.get("AuthType") == "NONE":
        yield "a function's address without any authentication"


def _invocation(properties: Any) -> Iterator[str]:
    narrowed = {"SourceArn", "SourceAccount", "PrincipalOrgID"} & set(properties)
    if properties.get("Principal") == "*" and not narrowed:
        yield "anybody may invoke the function"


def _security_group(properties: Any) -> Iterator[str]:
    for rule in (*properties.get("SecurityGroupIngress", ()), properties):
        if isinstance(rule, dict) and {rule.get("CidrIp"), rule.get("CidrIpv6")} & _ANYWHERE:
            yield f"its port {rule.get('FromPort', 'of any number')} is open to the internet"


def _web_interface(properties: Any) -> Iterator[str]:
    if "PRIVATE" not in properties.get("EndpointConfiguration", {}).get("Types", ()):
        yield "an interface on the internet"


def _balancer(properties: Any) -> Iterator[str]:
    if properties.get("Scheme", "internet-facing") == "internet-facing":
        yield "a load balancer on the internet"


def _subnet(properties: Any) -> Iterator[str]:
    if properties.get("MapPublicIpOnLaunch") is True:
        yield "what starts in it gets an address on the internet"


def _always(says: str) -> Callable[[Any], Iterator[str]]:
    return lambda _: iter((says,))


_BY_TYPE: Final[dict[str, Callable[[Any], Iterator[str]]]] = {
    "AWS::ApiGateway::RestApi": _web_interface,
    "AWS::ApiGatewayV2::Api": _always("an interface on the internet"),
    "AWS::CloudFront::Distribution": _always("a website on the internet"),
    "AWS::EC2::InternetGateway": _always("a way between the network and the internet"),
    "AWS::EC2::SecurityGroup": _security_group,
    "AWS::EC2::SecurityGroupIngress": _security_group,
    "AWS::EC2::Subnet": _subnet,
    "AWS::ElasticLoadBalancingV2::LoadBalancer": _balancer,
    "AWS::Lambda::Permission": _invocation,
    "AWS::Lambda::Url": _function_url,
    "AWS::S3::Bucket": _bucket,
}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
