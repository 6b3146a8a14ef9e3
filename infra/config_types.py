"""What a stage can say of itself. Fields are meanings: what one turns into is decided where it is read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_cdk.aws_logs import RetentionDays

CDR_UNITS: Final = "cdr"
MESSAGES_UNITS: Final = "messages"
RUNS_UNITS: Final = "runs"
"""How `Provisioned` calls the tables; an index is called by its own name."""

PLACEHOLDER_ACCOUNT: Final = "111122223333"
"""The account of AWS's own documentation, which nobody owns."""


@dataclass(frozen=True, slots=True)
class Units:
    """Provisioned capacity of one table or index, in write and read capacity units per second."""

    write: int
    read: int


@dataclass(frozen=True, slots=True)
class OnDemand:
    """Pay per request; nothing to plan."""

    def units(self, _name: str) -> None:
        """No table or index has provisioned capacity."""
        return


@dataclass(frozen=True, slots=True)
class Provisioned:
    """Capacity planned per table and index."""

    planned: Mapping[str, Units]

    def units(self, name: str) -> Units:
        """Capacity of a table or index. Raises `KeyError` for one that the plan forgot."""
        return self.planned[name]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a stage is deployed, when that is fixed."""

    account: str
    region: str

    @property
    def is_placeholder(self) -> bool:
        """Whether nobody said yet where the stage goes. It synthesizes; its deployment is refused."""
        return self.account == PLACEHOLDER_ACCOUNT


class DataEvents(Enum):
    """Whose data events the trail records on the tables, each for a price."""

    OF_OTHERS = "others"
    """Of everybody but the functions, which read and write all day: those would cost more than what they tell of."""
    OF_EVERYBODY = "everybody"


class Compute(Enum):
    """What a calling service runs on: the AWS service that assumes its role on its behalf."""

    EC2 = "ec2.amazonaws.com"
    ECS = "ecs-tasks.amazonaws.com"
    EKS = "pods.eks.amazonaws.com"
    LAMBDA = "lambda.amazonaws.com"


@dataclass(frozen=True, slots=True)
class Existing:
    """A singleton of the account that is there already, by its id, ARN or name; this system only refers to it."""

    id: str


@dataclass(frozen=True, slots=True)
class Create:
    """A singleton of the account that this stage makes, because nobody else did."""


@dataclass(frozen=True, slots=True)
class ExistingVpc:
    """Subnets that an existing VPC gives to this system alone, with route tables of their own.

    Endpoints of DynamoDB and S3 are made here, on these route tables, because their policies name this system's tables
    and buckets. `subnets` are ids, and `route_tables` the ids of the route tables that the subnets use; neither has a
    route to anywhere else.
    """

    id: str
    subnets: tuple[str, ...]
    route_tables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RolesAnywhere:
    """A calling service outside AWS, which proves with a certificate who it is.

    `trust_anchor` is the ARN of the trust anchor of IAM Roles Anywhere. `subject` are the parts of the certificate's
    subject that must be so, such as `{"CN": "qm-1.example.com", "O": "QM"}`; the common name is always among them.
    """

    trust_anchor: str
    subject: Mapping[str, str]

    def __post_init__(self) -> None:
        if not self.subject.get("CN"):
            raise ValueError("A certificate's subject is pinned by its common name at least: give CN.")


@dataclass(frozen=True, slots=True)
class Ci:
    """The pipeline that may deploy a stage: who signs its tokens, and the exact subject that they name."""

    subject: str
    provider: Existing | Create
    """The account's OpenID Connect provider of `issuer`: an ARN, or made with the stage."""
    issuer: str = "token.actions.githubusercontent.com"
    audience: str = "sts.amazonaws.com"

    def __post_init__(self) -> None:
        if "*" in self.subject or "?" in self.subject:
            raise ValueError("A pipeline is named by its exact subject: give one without wildcards.")


@dataclass(frozen=True, slots=True, kw_only=True)
class StageConfig:
    """One deployment of the whole system."""

    name: str
    place: Place | None
    """Account and region; `None` deploys to wherever the caller's credentials belong."""
    retain_data: bool
    """Tables, buckets and keys outlive their stack, and nothing deletes them by accident."""
    billing: OnDemand | Provisioned
    customer_managed_key: bool
    """Tables and buckets are encrypted with keys of this account, whose use CloudTrail shows."""
    backup_plan: bool
    """AWS Backup keeps weekly copies of the tables, beyond the 35 days of point-in-time recovery."""
    cdr_retention_days: int | None
    """Days after which DynamoDB removes a CDR; `None` keeps CDRs for ever."""
    log_retention: RetentionDays
    log_bucket: Existing | Create
    """Where S3 keeps who called the buckets: the account's bucket of access logs."""
    network: ExistingVpc | Create
    """Where the functions run: private subnets without a route to the internet."""
    bind_to_network: bool
    """Functions reach items of tables through this stage's own endpoint only, whoever holds their credentials."""
    copies_in: str | None
    """Another region, in which the account's bucket of copies takes a copy of every object; `None` keeps none."""
    reserved_concurrency: Mapping[str, int]
    """Concurrent executions set aside for a function by its short name, out of the account's; none unless given."""
    ci: Ci | None
    """The pipeline that deploys the stage; `None` where people do."""
    qm_runs_on: Compute | RolesAnywhere
    reporting_runs_on: Compute | RolesAnywhere
    messaging_runs_on: Compute | RolesAnywhere
    operators: str
    """The permission set of IAM Identity Center with which the platform team signs in."""
    trail: Existing | Create | None
    """The account's trail of management events, by the name of the log group that it writes to; or made with the stage.
    Data events of the tables go to a trail of this stage in either case; `None` goes without all of it."""
    data_events: DataEvents
    config_recorder: Existing | Create | None
    """AWS Config's recorder, of which a region has one; `None` goes without its rules."""
    alarm_email: str | None
    """The one address that alarms write to; `None` where somebody subscribes to the topic by another way."""
    runbook_url: str | None
    """Where people read the folder `docs/runbook`; `None` names its pages by their paths in the repository."""
    trust_account_root: bool
    """Every principal of the account that may assume roles may assume those of services and operators, too."""
    example_data: bool
    """Operators may write conversations that nobody held."""
    backfill_targets: Mapping[str, str]
    """Tables beside the messages table that `set_attribute` may change: their names, by what requests call them."""
    legacy_tables: tuple[str, ...]
    """Old CDR tables, keyed by `timestamp` (a number) and `sponsor_id`, that may be imported; they are only read."""
    make_legacy_tables: bool
    """The stage makes its legacy tables itself, to show an import; elsewhere they are there already."""


@dataclass(frozen=True, slots=True)
class Organisation:
    """What the management account of an organisation deploys, beside no data of its own."""

    targets: tuple[str, ...]
    """Ids of the accounts and organisational units to which the service control policy applies."""
    regions: tuple[str, ...]
    """The regions in which anything may happen there."""
    name: str = "organisation"

    @property
    def is_placeholder(self) -> bool:
        """Whether nobody said yet what the policy applies to. It synthesizes; its deployment is refused."""
        return self.targets == (PLACEHOLDER_ACCOUNT,)
