"""A system whose every name is in somebody's bad hands, and the page that is made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli.review.load import Load
from cli.review.page import page
from cli.review.report import review
from cli.review.sources import Source
from switchboard.prices import list_prices
from tests.unit.cli.review.system import System, alarm, policy, resource, role

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = (
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "\"onload='alert(1)' x=\"",
    "</title></pre></svg><img src=x onerror=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "\N{RIGHT-TO-LEFT OVERRIDE}elbatarcneS\N{POP DIRECTIONAL FORMATTING}",
    "שלום/عالم",
    "zero\N{ZERO WIDTH SPACE}width\x07",
)


def hostile_system() -> System:
    """Every text that a page shows, in somebody's bad hands."""
    system = System("dev", "prod")
    for number, name in enumerate(HOSTILE):
        functions = system.resources("prod", "functions")
        functions[f"R{number}"] = role(f"functions/{name}", name)
        functions[f"R{number}"]["Properties"]["Description"] = name
        functions[f"P{number}"] = policy(
            f"functions/P{number}",
            f"R{number}",
            {
                "Sid": name,
                "Effect": "Allow",
                "Action": ["lambda:InvokeFunction", name],
                "Resource": [{"Fn::GetAtt": ["Writer1", "Arn"]}, name],
                "Condition": {name: {name: [name]}},
            },
        )
        functions[f"L{number}"] = resource("AWS::Logs::LogGroup", f"functions/L{name}", LogGroupName=name)
        functions[f"F{number}"] = resource("AWS::Lambda::Function", f"functions/F{name}", FunctionName=name)
        functions[f"Q{number}"] = resource("AWS::SQS::Queue", f"functions/Q{name}", QueueName=name)
        functions[name] = resource(f"AWS::{name}", f"functions/T{name}", Value=name)
        data = system.resources("prod", "data")
        data[f"T{number}"] = resource(
            "AWS::DynamoDB::Table",
            f"data/T{name}",
            KeySchema=[{"AttributeName": name, "KeyType": "HASH"}],
            BillingMode=name,
            Tags=[{"Key": "purpose", "Value": name}],
        )
        observability = system.resources("prod", "observability")
        observability[f"A{number}"] = alarm(name, name)
    return system


def shown(system: System, folder: Path, before: System | None = None) -> str:
    old = Source(HOSTILE[0], before.read(folder / "before")) if before else None
    found = review(Source(HOSTILE[1], system.read(folder / "after")), before=old, load=Load(), prices=list_prices())
    return page(found)
