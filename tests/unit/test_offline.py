"""The promises of tests/conftest.py hold."""

from __future__ import annotations

import os
import socket

import pytest
from pytest_socket import SocketConnectBlockedError


@pytest.mark.filterwarnings("ignore:A test tried to use")
@pytest.mark.parametrize("address", ["192.0.2.1", "198.51.100.7"])
def test_no_test_reaches_beyond_this_machine(address: str) -> None:
    with socket.socket() as connection, pytest.raises(SocketConnectBlockedError):
        connection.connect((address, 443))


def test_credentials_are_faked_and_no_profile_is_read() -> None:
    assert os.environ["AWS_ACCESS_KEY_ID"] == "testing"
    assert "AWS_PROFILE" not in os.environ
    assert "AWS_SESSION_TOKEN" not in os.environ
    assert os.environ["AWS_CONFIG_FILE"] == os.devnull
