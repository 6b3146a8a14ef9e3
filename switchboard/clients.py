"""AWS clients from botocore alone: importing boto3 as well costs a cold start a fifth more and brings nothing here."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore.config import Config

if TYPE_CHECKING:
    from botocore.session import Session


@cache
def _session() -> Session:
    return botocore.session.get_session()


def client(service: str, *, connect_timeout: float, read_timeout: float, attempts: int, connections: int) -> Any:
    """A client of `service` in the environment's region, with its credentials and its `AWS_ENDPOINT_URL`.

    `connect_timeout` and `read_timeout` are seconds of one attempt, `attempts` counts the first one too, and
    `connections` bounds how many requests are in flight at once. Parameters are not checked against the service model:
    the requests are built by this code alone, and the check costs as much as building them.
    """
    config = Config(
        connect_timeout=connect_timeout,
        read_timeout=read_timeout,
        retries={"mode": "standard", "total_max_attempts": attempts},
        max_pool_connections=connections,
        parameter_validation=False,
        tcp_keepalive=True,
    )
    return _session().create_client(service, config=config)
