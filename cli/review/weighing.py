"""What kind of change it is that something comes, goes or is not as it was: by its type, and by the property."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cli.review.changes import Kind
from cli.review.failures import ALARM

if TYPE_CHECKING:
    from cli.review.assembly import Resource

_HELD: Final = (
    *("AWS::IAM::Role", "AWS::IAM::ManagedPolicy", "AWS::IAM::Policy"),
    *("AWS::IAM::RolePolicy", "AWS::IAM::UserPolicy", "AWS::IAM::GroupPolicy"),
)
"""Their statements are compared as permissions and as trust."""
_ACCESS: Final = frozenset(
    {
        *("AWS::IAM::AccessKey", "AWS::IAM::Group", "AWS::IAM::User", "AWS::IAM::UserToGroupAddition"),
        *("AWS::IAM::OIDCProvider", "AWS::IAM::SAMLProvider", "AWS::RolesAnywhere::TrustAnchor"),
        *("AWS::RolesAnywhere::Profile", "AWS::Lambda::Permission", "AWS::Lambda::LayerVersionPermission"),
        *("AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupEgress", "AWS::EC2::SecurityGroupIngress"),
        *("AWS::EC2::Route", "AWS::EC2::VPCEndpoint", "AWS::EKS::PodIdentityAssociation"),
        *("AWS::S3::BucketPolicy", "AWS::SNS::TopicPolicy", "AWS::SNS::TopicInlinePolicy", "AWS::SQS::QueuePolicy"),
        *("AWS::SQS::QueueInlinePolicy", "AWS::Logs::ResourcePolicy", "AWS::Organizations::Policy"),
        *("AWS::SecretsManager::ResourcePolicy", "AWS::S3::AccessPoint"),
    }
)
"""What decides who or what is let in, beside the policies of roles."""
_GUARDS: Final = frozenset(
    {
        *("AWS::Backup::BackupPlan", "AWS::Backup::BackupSelection", "AWS::CloudTrail::Trail"),
        *("AWS::Config::ConfigRule", "AWS::Config::ConfigurationRecorder", "AWS::Config::DeliveryChannel"),
        *("AWS::EC2::FlowLog", "AWS::Logs::MetricFilter", "AWS::SNS::Subscription", "AWS::SNS::Topic"),
    }
)
"""What watches, copies, or tells somebody."""
_DELIVERING: Final = frozenset({"AWS::Lambda::EventInvokeConfig", "AWS::Lambda::EventSourceMapping"})
_PUBLISHED: Final = "AWS::SSM::Parameter"
_BY_PROPERTY: Final = {
    "Tags": Kind.CHANGED,
    **dict.fromkeys(("PolicyDocument", "KeyPolicy", "ResourcePolicy", "AccessPolicy"), Kind.POLICY),
    **dict.fromkeys(("ReplicationConfiguration", "LoggingConfiguration", "ObjectLock"), Kind.KEPT),
    "StreamSpecification": Kind.DELIVERY,
}
"""What a property is about, whatever has it, by how its path begins."""
_DASHBOARD: Final = "AWS::CloudWatch::Dashboard"
_ALARM_NOISE: Final = ("Tags", "AlarmDescription")


def of_coming(resource: Resource) -> Kind:
    """What it is that a resource is new."""
    return Kind.POLICY if resource.type in _ACCESS else Kind.ADDED


def of_going(resource: Resource) -> Kind:
    """What it is that a resource is gone."""
    if resource.type == ALARM:
        return Kind.ALARM_REMOVED
    if resource.type in _DELIVERING:
        return Kind.DELIVERY
    if resource.type == _PUBLISHED:
        return Kind.PUBLISHED
    return _by_type(resource) or Kind.REMOVED


def of_changing(resource: Resource, path: str) -> Kind | None:
    """What it is that a property is another one; None for what is told another way, or is nobody's worry."""
    if resource.type == ALARM:
        return None if path.startswith(_ALARM_NOISE) else Kind.ALARM_CHANGED
    if resource.type == _DASHBOARD or (resource.type in _HELD and "PolicyDocument" in path):
        return None
    by_property = next((kind for beginning, kind in _BY_PROPERTY.items() if path.startswith(beginning)), None)
    if by_property is None and resource.type == _PUBLISHED and path in {"Name", "Value"}:
        return Kind.PUBLISHED
    return by_property or _by_type(resource) or Kind.CHANGED


def _by_type(resource: Resource) -> Kind | None:
    if resource.type in _ACCESS:
        return Kind.POLICY
    return Kind.GUARD if resource.type in _GUARDS else None
