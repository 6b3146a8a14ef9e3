"""The items that an earlier run could not settle, tried again."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final

from switchboard.backfill.engine import Outcome
from switchboard.backfill.errors import InvalidInput
from switchboard.backfill.listed import ListedKeys, Listing
from switchboard.backfill.source import PAGE
from switchboard.schema import runs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from switchboard.backfill.job import Key, SetAttribute
    from switchboard.backfill.key_lists import KeyLists
    from switchboard.backfill.listed import Standing


INSTEAD: Final = {
    runs.IMPORT_LEGACY_CDR: "import again, which leaves alone what is imported",
    runs.RENAME_USER: "rename the user again, which leaves alone what is renamed",
    runs.UNDO: "undo the run again, which leaves alone what is undone",
}
"""What to do about failed items of jobs that are not replayed."""


def check_replayable(job: str, status: str) -> None:
    """Return where the failed items of a run of `job` that has this status may be tried again.

    Raises `InvalidInput` for jobs that are rather started again, and for a run that still works.
    """
    if job in INSTEAD:
        raise InvalidInput(f"run: expected one that set an attribute: {INSTEAD[job]}")
    if status == runs.RUNNING:
        raise InvalidInput("run: expected one that has ended or is paused: wait for its end")


def replaying(
    change: SetAttribute,
    lists: KeyLists,
    standing: Standing,
    *,
    replayed: str,
    of_run: Sequence[int],
    size: Callable[[], int] = lambda: PAGE,
) -> ListedKeys:
    """`Pages` of the failed items of the run `replayed` in its segments `of_run`.

    What is missing afterwards are those of them that exist and still lack the attribute; the run's other items are
    verified by a run of its job. `size` says before each page how many items to take at most.
    """

    def listings(after: str) -> Iterator[Listing]:
        names = (lists.names(prefix, after=after) for prefix in prefixes if after < prefix or after.startswith(prefix))
        for name in chain.from_iterable(names):
            yield Listing(name, tuple(dict.fromkeys(lists.read(name)[Outcome.FAILED.value])))

    def lacking(keys: Sequence[Key]) -> tuple[Key, ...]:
        return standing.those(keys, lambda item: not change.done(item))

    prefixes = [runs.failed_prefix(replayed, segment) for segment in sorted(of_run)]
    return ListedKeys(listings, left=lacking, size=size)
