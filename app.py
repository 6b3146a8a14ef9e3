"""The CDK app: build it from the context the CDK CLI hands over, then synthesize it."""

from __future__ import annotations

from infra.build import build, new_app

app = new_app()
build(app)
app.synth()
