from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, ProfileNotFound

from cli.errors import Code, Failure
from cli.session import Target, Where, connect

if TYPE_CHECKING:
    from pathlib import Path

CLOUD: Any = SimpleNamespace(endpoint_url="http://127.0.0.1:4999")
AWS = {"AWS_REGION": "eu-west-1"}


def client_of(where: Where, *, cloud: Any = CLOUD, environ: dict[str, str] | None = None) -> Any:
    target = connect(where, running=lambda: cloud, environ=AWS if environ is None else environ)
    return target.client("ssm")


def key_of(client: Any) -> str:
    return str(client._request_signer._credentials.access_key)


def refusal(where: Where, *, cloud: Any = CLOUD, environ: dict[str, str] | None = None) -> Failure:
    with pytest.raises(Failure) as refused:
        client_of(where, cloud=cloud, environ=environ)
    assert refused.value.remedy
    return refused.value


@pytest.fixture
def long_term_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA" + "EXAMPLE0" * 2)


def test_stage_local_is_the_running_cloud_as_its_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-something-else")
    client = client_of(Where(stage="local"))
    assert (client.meta.endpoint_url, client.meta.region_name) == ("http://127.0.0.1:4999", "us-east-1")
    assert key_of(client) == "test"


def test_stage_local_without_a_running_cloud_is_not_found() -> None:
    failure = refusal(Where(stage="local"), cloud=None)
    assert failure.code is Code.NOT_FOUND
    assert "switchboard local up" in failure.remedy


def test_a_stage_at_aws_uses_the_usual_credentials_and_region() -> None:
    client = client_of(Where(stage="dev"))
    assert client.meta.endpoint_url == "https://ssm.eu-west-1.amazonaws.com"
    assert key_of(client) == "testing"
    assert client_of(Where(stage="dev", region="eu-north-1")).meta.region_name == "eu-north-1"


def test_an_endpoint_means_the_names_of_stage_local_there() -> None:
    where = Where(endpoint_url="http://127.0.0.1:4998")
    assert connect(where, running=lambda: None, environ={}).stage == "local"
    client = client_of(where, environ={})
    assert client.meta.endpoint_url == "http://127.0.0.1:4998"
    assert key_of(client) == "testing"


@pytest.mark.parametrize(
    "where",
    [
        Where(),
        Where(stage="local", endpoint_url="http://127.0.0.1:4999"),
        Where(stage="Local"),
        Where(stage="loc"),
        Where(stage=""),
        Where(stage="production"),
        Where(endpoint_url="127.0.0.1:4999"),
        Where(endpoint_url="ftp://127.0.0.1"),
        Where(endpoint_url=""),
    ],
)
def test_exactly_one_known_place_must_be_named(where: Where) -> None:
    assert refusal(where).code is Code.USAGE


def test_a_stage_at_aws_needs_a_region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    assert refusal(Where(stage="dev"), environ={}).code is Code.USAGE
    assert client_of(Where(endpoint_url="http://localhost:4999"), environ={}).meta.region_name == "us-east-1"


@pytest.mark.usefixtures("long_term_key")
@pytest.mark.parametrize(
    "where",
    [Where(stage="dev"), Where(stage="prod"), Where(endpoint_url="https://lambda.eu-west-1.amazonaws.com")],
)
def test_long_term_keys_are_refused_outside_this_machine(where: Where) -> None:
    failure = refusal(where)
    assert failure.code is Code.REFUSED
    assert "role" in failure.remedy
    assert "EXAMPLE0" not in f"{failure.message}{failure.remedy}"


@pytest.mark.usefixtures("long_term_key")
@pytest.mark.parametrize("url", ["http://127.0.0.1:4999", "http://[::1]:4999", "http://localhost:4999"])
def test_long_term_keys_may_talk_to_this_machine(url: str) -> None:
    assert client_of(Where(endpoint_url=url)).meta.endpoint_url == url


def test_missing_credentials_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert refusal(Where(stage="dev")).code is Code.REFUSED


def test_a_stage_at_aws_is_not_looked_for_at_another_endpoint() -> None:
    failure = refusal(Where(stage="dev"), environ={**AWS, "AWS_ENDPOINT_URL": "http://127.0.0.1:4999"})
    assert failure.code is Code.REFUSED
    assert "--endpoint-url" in failure.remedy


def test_a_profile_is_used_where_it_exists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config"
    config.write_text("[profile op]\naws_access_key_id=ASIAPROFILE\naws_secret_access_key=x\nregion=eu-south-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    client = client_of(Where(stage="prod", profile="op"), environ={})
    assert (key_of(client), client.meta.region_name) == ("ASIAPROFILE", "eu-south-1")
    assert key_of(client_of(Where(stage="local", profile="op"))) == "ASIAPROFILE"
    with pytest.raises(ProfileNotFound):
        client_of(Where(stage="prod", profile="none"))


class Parameters:
    """An SSM client that answers every question with one error."""

    def __init__(self, code: str) -> None:
        self.code = code

    def get_parameter(self, *, Name: str) -> Any:  # noqa: N803 - the API's own name
        response: Any = {"Error": {"Code": self.code}, "ResponseMetadata": {"HTTPStatusCode": 400}}
        raise ClientError(response, f"GetParameter of {Name}")


@pytest.mark.parametrize("code", ["ParameterNotFound", "UnknownOperationException"])
def test_a_stage_that_is_not_deployed_and_an_engine_of_tables_alone_publish_nothing(code: str) -> None:
    target = Target("local", lambda _: Parameters(code))
    assert target.published("cdr/table") is None
    with pytest.raises(Failure) as refused:
        target.parameter("cdr/table")
    assert refused.value.code is Code.NOT_FOUND


def test_whoever_may_not_look_is_not_told_that_nothing_is_there() -> None:
    with pytest.raises(Failure) as refused:
        Target("local", lambda _: Parameters("AccessDeniedException")).published("cdr/table")
    assert refused.value.code is Code.REFUSED
