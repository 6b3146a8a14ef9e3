"""Names that nobody knows when a policy is written, but whose every character has its place.

A question mark stands for one character. So a pattern of shapes lets fewer names through than one that ends in a star,
and a name of another length is never among them.
"""

from __future__ import annotations

from typing import Final

UUID: Final = "????????-????-????-????-????????????"
SHA_256: Final = "?" * 64
"""In hexadecimal digits."""
DAY: Final = "????/??/??"
MOMENT: Final = "????-??-??T??.??.??"
SHARD: Final = f"shardId-{'?' * 20}-{'?' * 8}"
"""A shard of a table's stream, as the examples of the DynamoDB API Reference name it (`DescribeStream`)."""
SEGMENT: Final = "??????"
CHECKPOINT: Final = "?????????"
"""Numbers of a backfill's segment and of its checkpoints."""

ALL: Final = (SHA_256, UUID, MOMENT, DAY, SHARD, CHECKPOINT, SEGMENT)
"""The longest first, so that none is mistaken for a part of another."""
