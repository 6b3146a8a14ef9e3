"""Who and where the local cloud is."""

from __future__ import annotations

from typing import Final

ACCOUNT: Final = "000000000000"
REGION: Final = "us-east-1"
ROOT_KEY: Final = "test"
"""Access key id and secret of the account's root, whom the emulator allows everything."""
