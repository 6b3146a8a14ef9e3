"""The name of a table, typed before something is taken out of it."""

from __future__ import annotations

import sys

from cli import output


def name_of_table(given: str | None, question: str) -> str:
    """The name that was given as an option, or else what the person types; nothing where nobody is there to type."""
    if given is not None:
        return given
    output.say(question)
    return sys.stdin.readline().strip()
