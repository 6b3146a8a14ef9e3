from __future__ import annotations

from typing import TYPE_CHECKING

from local_cloud.paths import EMULATOR_PYTHON, FUNCTIONS_PYTHON
from tests.conformance.scenarios import function, invoke

if TYPE_CHECKING:
    from local_cloud.cloud import LocalCloud

SOURCE = """
import importlib.util, os, sys
def handle(event, context):
    found = {name: importlib.util.find_spec(name) is not None for name in event}
    return {"interpreter": sys.executable, "found": found, "silenced": "LOG_LEVEL" in os.environ}
"""
PACKAGES = ["botocore", "aws_lambda_powertools", "fastjsonschema", "ministack", "boto3", "switchboard", "aws_cdk"]


def test_functions_see_what_the_runtime_and_the_layer_bring(corrected: LocalCloud, as_it_comes: LocalCloud) -> None:
    answer = invoke(corrected, function(corrected, SOURCE), PACKAGES)["Payload"]
    assert answer["interpreter"] == str(FUNCTIONS_PYTHON)
    assert {name for name, found in answer["found"].items() if found} == set(PACKAGES[:3])
    assert not answer["silenced"]

    answer = invoke(as_it_comes, function(as_it_comes, SOURCE), PACKAGES)["Payload"]
    assert answer["interpreter"] == str(EMULATOR_PYTHON)
    assert answer["found"]["ministack"]
    assert answer["silenced"]
