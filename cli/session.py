"""Which cloud a command talks to, as whom, and how it finds the stage's functions there."""

from __future__ import annotations

import ipaddress
import json
import os
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from cli import output
from cli.errors import Code, Failure, failure_of, failure_of_function
from local_cloud.cloud import LocalCloud
from local_cloud.identity import REGION as LOCAL_REGION
from local_cloud.identity import ROOT_KEY
from switchboard.schema import deployment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import boto3

_CONFIG: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "connect_timeout": 5,
        "read_timeout": 300,
        "retries": {"mode": "standard", "total_max_attempts": 4},
        "tcp_keepalive": True,
    }
)
"""What every client's `Config` says."""

_UNPUBLISHED: Final = frozenset({"ParameterNotFound", "UnknownOperationException"})
"""Nothing has that name; or the endpoint is an engine of tables alone, which knows no parameters."""


@dataclass(frozen=True, slots=True)
class Where:
    """What the common options say. Exactly one of `stage` and `endpoint_url` is given."""

    stage: str | None = None
    endpoint_url: str | None = None
    profile: str | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a function answered: its text unchanged, and what that means."""

    text: str
    value: Any


class Target:
    """One stage, reached with one identity. `make_client` makes a boto3 client by a service's name."""

    def __init__(self, stage: str, make_client: Callable[[str], Any]) -> None:
        self.stage = stage
        self._make_client = make_client
        self._clients: dict[str, Any] = {}
        self._parameters: dict[str, str] = {}

    def client(self, service: str) -> Any:
        """A boto3 client of a service; made at the first use."""
        if service not in self._clients:
            self._clients[service] = self._make_client(service)
        return self._clients[service]

    def invoke(self, path: str, payload: bytes) -> Answer:
        """Invoke the function published under `path` and wait for its answer.

        Raises `Failure` where the stage published none, AWS refuses or does not answer, or the function fails.
        """
        return self.call(self.parameter(path), payload)

    def call(self, function: str, payload: bytes) -> Answer:
        """Invoke a function by its name or ARN and wait for its answer. Raises as `invoke` does."""
        try:
            response = self.client("lambda").invoke(
                FunctionName=function, InvocationType="RequestResponse", Payload=payload
            )
            text = response["Payload"].read().decode()
        except (BotoCoreError, ClientError) as error:
            raise failure_of(error) or error from error
        value = json.loads(text)
        if "FunctionError" in response:
            raise failure_of_function(function.rpartition(":")[2], value if isinstance(value, dict) else {})
        return Answer(text, value)

    def parameter(self, path: str) -> str:
        """What the stage published under `path`. Raises `Failure` (not found) where it published nothing there."""
        found = self.published(path)
        if found is None:
            raise Failure(
                Code.NOT_FOUND,
                f"There is no parameter {deployment.parameter_name(self.stage, path)}.",
                remedy=f"Is stage {self.stage} deployed there?",
            )
        return found

    def published(self, path: str) -> str | None:
        """What the stage published under `path`; None where it published nothing, or where only tables are served."""
        if path not in self._parameters:
            try:
                answer = self.client("ssm").get_parameter(Name=deployment.parameter_name(self.stage, path))
            except ClientError as error:
                if error.response["Error"]["Code"] in _UNPUBLISHED:
                    return None
                raise failure_of(error) or error from error
            except BotoCoreError as error:
                raise failure_of(error) or error from error
            self._parameters[path] = answer["Parameter"]["Value"]
        return self._parameters[path]


def connect(
    where: Where,
    *,
    running: Callable[[], LocalCloud | None] = LocalCloud.running,
    environ: Mapping[str, str] = os.environ,
) -> Target:
    """Reach the stage that the options name.

    Raises `Failure`: usage where not exactly one known stage or endpoint is named, refused where the credentials are
    missing or are an IAM user's outside this machine, not found where no local cloud runs.
    """
    if (where.stage is None) == (where.endpoint_url is None):
        raise Failure(
            Code.USAGE, "Say where.", remedy=f"Give --stage {'|'.join(deployment.STAGES)}, or else --endpoint-url URL."
        )
    if where.stage == deployment.LOCAL_STAGE:
        return _local(where, running)
    if where.stage is not None and where.stage not in deployment.STAGES:
        raise Failure(
            Code.USAGE,
            "There is no such stage; names are matched exactly.",
            remedy=f"The stages are {', '.join(deployment.STAGES)}.",
        )
    if where.stage is not None and environ.get("AWS_ENDPOINT_URL"):
        raise Failure(
            Code.REFUSED,
            f"AWS_ENDPOINT_URL is set, so stage {where.stage} would not be looked for at AWS.",
            remedy="Unset it, or give --endpoint-url to mean that endpoint.",
        )
    region = where.region or environ.get("AWS_REGION")
    session = _session(where.profile, region)
    is_here = where.endpoint_url is not None and _is_loopback(where.endpoint_url)
    if session.region_name is None:
        if not is_here:
            raise Failure(Code.USAGE, "Say which region.", remedy="Give --region, or set AWS_REGION.")
        session = _session(where.profile, LOCAL_REGION)
    _check_credentials(session, is_here=is_here)
    return Target(where.stage or deployment.LOCAL_STAGE, _clients(session, where.endpoint_url))


def _local(where: Where, running: Callable[[], LocalCloud | None]) -> Target:
    with output.waiting("Asking the local cloud"):
        cloud = running()
    if cloud is None:
        raise Failure(Code.NOT_FOUND, "No local cloud is running.", remedy="Start one: switchboard local up")
    session = _session(where.profile, where.region or LOCAL_REGION, None if where.profile else ROOT_KEY)
    return Target(deployment.LOCAL_STAGE, _clients(session, cloud.endpoint_url))


def _session(profile: str | None, region: str | None, key: str | None = None) -> boto3.Session:
    import boto3  # noqa: PLC0415 - a third of the time that help, a completion or a wrong option would take

    return boto3.Session(profile_name=profile, region_name=region, aws_access_key_id=key, aws_secret_access_key=key)


def _clients(session: boto3.Session, endpoint_url: str | None) -> Callable[[str], Any]:
    from botocore.config import Config  # noqa: PLC0415 - likewise

    config = Config(**_CONFIG)

    def client(service: str) -> Any:
        try:
            made = session.client(service, endpoint_url=endpoint_url, config=config)  # type: ignore[call-overload]
        except ValueError:  # botocore's own word for an endpoint_url of the profile that is none
            raise Failure(
                Code.USAGE,
                "An endpoint in the configuration of the AWS CLI is not a URL.",
                remedy="Correct endpoint_url in ~/.aws/config, or give another --profile.",
            ) from None
        made.meta.events.register("before-parse", _refuse_web_page)
        return made

    return client


def _refuse_web_page(response_dict: Any, operation_model: Any, **_: object) -> None:
    """End the command where a web page answers, which botocore might read as an answer without any field."""
    is_page = str(response_dict["headers"].get("Content-Type", "")).startswith("text/html")
    if is_page and not operation_model.has_streaming_output:
        raise Failure(
            Code.UNAVAILABLE,
            "What answers at the endpoint is not AWS.",
            remedy="Is the address right? Networks where one signs in first answer in place of others, too.",
        )


def _check_credentials(session: boto3.Session, *, is_here: bool) -> None:
    credentials = session.get_credentials()
    if credentials is None:
        raise Failure(
            Code.REFUSED, "There are no AWS credentials.", remedy="Sign in, and give --profile or set AWS_PROFILE."
        )
    if not is_here and str(credentials.get_frozen_credentials().access_key).startswith(deployment.LONG_TERM_KEY):
        raise Failure(
            Code.REFUSED,
            "These are the long-term keys of an IAM user; outside the local stage they are not used.",
            remedy="Assume a role and use its temporary credentials: `aws sso login`, or a profile with role_arn.",
        )


def _is_loopback(url: str) -> bool:
    host = _host(url)
    if host is None:
        raise Failure(Code.USAGE, "--endpoint-url is not a URL.", remedy="Write it like http://127.0.0.1:4566")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _host(url: str) -> str | None:
    """The host of a URL that a client can be made for; None for any other text."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and (parts.port is None or parts.port > 0)
    except ValueError:
        return None
    return parts.hostname if usable else None
