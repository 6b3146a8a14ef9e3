"""What a run is about to change and what it changed, page by page, so that it can be taken back.

A page's keys are written down before the page is, and what became of them after it. Where the second object is missing
the run was cut off in between, and any of those keys may have been changed. The same is true of a key whose update was
refused because the item had the attribute by then: a writer gave it, or this run did, in a request whose answer was
lost on the way and that was sent again.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final

from switchboard.backfill.engine import Outcome
from switchboard.schema import runs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from switchboard.backfill.engine import Settles
    from switchboard.backfill.job import Key
    from switchboard.backfill.key_lists import KeyLists

_CANDIDATES: Final = f".{runs.CANDIDATES}.json"
_OUTCOMES: Final = f".{runs.OUTCOMES}.json"
_UNKNOWN: Final = frozenset({Outcome.ALREADY, Outcome.FAILED})


class Journal:
    """Settles pages with `inner`, and keeps a journal of it.

    `page` names the page to be settled (`runs.journal_page`), and `attempt` draws a name of its own for each attempt at
    it, so that an attempt that was cut off stays readable beside the one that followed.
    """

    def __init__(
        self, inner: Settles[Key], lists: KeyLists, *, page: Callable[[], str], attempt: Callable[[], str]
    ) -> None:
        self._inner = inner
        self._lists = lists
        self._page = page
        self._attempt = attempt

    def settle(self, work: Sequence[Key]) -> Sequence[Outcome]:
        """What became of each item. Raises what the bucket's client raises, before anything is changed, and as `inner`.

        Where the outcomes cannot be written the page is settled all the same, and its keys are uncertain.
        """
        if not work:
            return ()
        name = self._page() + self._attempt()
        self._lists.write(name + _CANDIDATES, {runs.CANDIDATES: work})
        outcomes = self._inner.settle(work)
        settled = list(zip(work, outcomes, strict=True))
        self._lists.write(
            name + _OUTCOMES,
            {
                Outcome.UPDATED.value: [key for key, outcome in settled if outcome is Outcome.UPDATED],
                runs.UNCERTAIN: [key for key, outcome in settled if outcome in _UNKNOWN],
            },
        )
        return outcomes


@dataclass(frozen=True, slots=True)
class Journalled:
    """One page of a run, all attempts at it together; `last` is the name of the last of its objects."""

    last: str
    updated: tuple[Key, ...]
    uncertain: tuple[Key, ...]


def journalled(lists: KeyLists, run_id: str, segment: int, *, after: str = "") -> Iterator[Journalled]:
    """The journal of one segment, page by page in its order, from the page after the one whose `last` was `after`.

    An uncertain key of one page may be among those that another page updated: an attempt that was cut off is repeated
    with a page of another size where the budget changed meanwhile. Raises what the bucket's client raises.
    """
    prefix = runs.journal_prefix(run_id, segment)
    names = lists.names(prefix, after=after)
    for _, of_page in groupby(names, key=lambda name: name.removeprefix(prefix).split("-")[:2]):
        yield _together(lists, list(of_page))


def _together(lists: KeyLists, names: Sequence[str]) -> Journalled:
    updated: dict[Key, None] = {}
    uncertain: dict[Key, None] = {}
    for name in names:
        if name.endswith(_OUTCOMES):
            outcomes = lists.read(name)
            updated |= dict.fromkeys(outcomes[Outcome.UPDATED.value])
            uncertain |= dict.fromkeys(outcomes[runs.UNCERTAIN])
        elif name.removesuffix(_CANDIDATES) + _OUTCOMES not in names:
            uncertain |= dict.fromkeys(lists.read(name)[runs.CANDIDATES])
    return Journalled(names[-1], tuple(updated), tuple(key for key in uncertain if key not in updated))
