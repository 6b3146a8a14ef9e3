"""AWS's list prices: one file of the repository says them, each with its source."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_FILE: Final = Path(__file__).with_name("prices.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """US dollars for one of each, in `region`, as the pages that the file names said on `date` (`yyyy-mm-dd`)."""

    region: str
    date: str
    dynamodb_write_unit: float
    dynamodb_read_unit: float
    dynamodb_export_gb: float
    lambda_gb_second: float
    lambda_request: float
    step_functions_transition: float
    s3_put: float
    s3_get: float
    s3_gb_month: float
    dynamodb_write_capacity_hour: float
    dynamodb_read_capacity_hour: float
    dynamodb_gb_month: float
    dynamodb_recovery_gb_month: float
    backup_gb_month: float
    sqs_request: float
    cloudwatch_alarm_metric: float
    cloudwatch_metric: float
    cloudwatch_dashboard: float
    logs_gb: float
    logs_gb_month: float
    xray_trace: float
    kms_key: float
    config_evaluation: float


def list_prices() -> Prices:
    """The prices of the file beside this module, before discounts and free tiers."""
    stored = json.loads(_FILE.read_text(encoding="utf-8"))
    each = {name: price["usd"] / price["per"] for name, price in stored["prices"].items()}
    return Prices(region=stored["region"], date=stored["date"], **each)
