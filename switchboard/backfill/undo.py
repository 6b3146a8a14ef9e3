"""What a run changed, taken back: the attribute is removed where it still has the value that the run gave it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from switchboard.backfill.engine import Page
from switchboard.backfill.errors import InvalidInput
from switchboard.backfill.job import quoted
from switchboard.backfill.journal import journalled
from switchboard.backfill.listed import ListedKeys, Listing
from switchboard.backfill.source import PAGE
from switchboard.schema import runs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from switchboard.backfill.engine import Cursor
    from switchboard.backfill.job import Key, Table
    from switchboard.backfill.journal import Journalled
    from switchboard.backfill.key_lists import KeyLists
    from switchboard.backfill.listed import Standing
    from switchboard.dynamo.values import AttributeValue

_REFUSED: Final = {
    runs.IMPORT_LEGACY_CDR: "an import only inserts records, which nobody may remove",
    runs.RENAME_USER: "a name is taken back by renaming the user once more",
    runs.UNDO: "start the undone job again instead",
}


def check_undoable(job: str, status: str) -> None:
    """Return where a run of `job` (a name of `switchboard.schema.runs`) that has this status may be undone.

    Raises `InvalidInput` for imports, renames and undos, and for a run that still works.
    """
    if job in _REFUSED:
        raise InvalidInput(f"run: expected one that set an attribute: {_REFUSED[job]}")
    if status == runs.RUNNING:
        raise InvalidInput("run: expected one that has ended or is paused: pause it first")


@dataclass(frozen=True, slots=True)
class RemoveAttribute:
    """Take `attribute` from items of `table` where it has `value`: the reverse of `SetAttribute`, a `Change`."""

    table: Table
    attribute: str
    value: AttributeValue

    def statement(self) -> str:
        """The PartiQL update of one item; its parameters are the value and the key's values."""
        attribute = quoted(self.attribute)
        keys = " AND ".join(f"{quoted(name)}=?" for name in self.table.key_names)
        return f'UPDATE "{self.table.name}" REMOVE {attribute} WHERE {attribute}=? AND {keys}'

    def parameters(self, key: Key) -> list[AttributeValue]:
        """The parameters of the statement for one item."""
        return [self.value, *({kind: text} for kind, text in key)]

    def done(self, item: Mapping[str, Any]) -> bool:  # noqa: ARG002 - whatever it holds
        """True: what an item holds whose condition failed, a writer gave it, even if it is the same value by now."""
        return True

    def holds(self, item: Mapping[str, AttributeValue]) -> bool:
        """Whether an item has the attribute with this value."""
        return self.attribute in item and _comparable(item[self.attribute]) == _comparable(self.value)


class Undoing:
    """`Pages` of the items that one segment of a run updated, from the journals of the segments `of_run`.

    With `touch_uncertain` the items are among them of which the run does not know whether it updated them. Without,
    those that hold the run's value are listed under the undo's own `run_id`, where `uncertain_keys` reads them. That is
    done by `missing`, after the work: an item that one page of a run leaves uncertain may be one that another page
    updated, which is taken back.
    """

    def __init__(
        self,
        change: RemoveAttribute,
        lists: KeyLists,
        standing: Standing,
        *,
        run_id: str,
        undone: str,
        of_run: Sequence[int],
        touch_uncertain: bool,
        size: Callable[[], int] = lambda: PAGE,
    ) -> None:
        """`undone` is the run to undo; `size` says before each page how many items to take at most."""
        self._change = change
        self._lists = lists
        self._standing = standing
        self._run_id = run_id
        self._undone = undone
        self._of_run = sorted(of_run)
        self._touch_uncertain = touch_uncertain
        self._work = ListedKeys(self._listed, left=self._left, size=size)
        self._all = ListedKeys(self._listed_apart, left=self._left)

    def pages(self, cursor: Cursor | None, *, consistent: bool) -> Iterator[Page[Key]]:
        """The pages after `cursor`; a further pass has none: a value found then was given again by a writer.

        Raises what the clients raise, and `Systemic`.
        """
        if consistent:
            yield Page((), 0, None)
        else:
            yield from self._work.pages(cursor, consistent=False)

    def missing(self, cursor: Cursor | None) -> Iterator[Page[Key]]:
        """The same items, those as work that hold the value, by strongly consistent reads; the others are listed."""
        return self._all.missing(cursor)

    def _left(self, keys: Sequence[Key]) -> tuple[Key, ...]:
        return self._standing.those(keys, self._change.holds)

    def _listed(self, after: str) -> Iterator[Listing]:
        for page in self._journalled(after):
            yield Listing(page.last, page.updated + page.uncertain if self._touch_uncertain else page.updated)

    def _listed_apart(self, after: str) -> Iterator[Listing]:
        for page in self._journalled(after):
            if self._touch_uncertain:
                yield Listing(page.last, page.updated + page.uncertain)
            else:
                if page.uncertain:
                    self._set_apart(page)
                yield Listing(page.last, page.updated)

    def _journalled(self, after: str) -> Iterator[Journalled]:
        for segment in self._of_run:
            prefix = runs.journal_prefix(self._undone, segment)
            if not after or after < prefix:
                yield from journalled(self._lists, self._undone, segment)
            elif after.startswith(prefix):
                yield from journalled(self._lists, self._undone, segment, after=after)

    def _set_apart(self, page: Journalled) -> None:
        """List what holds the value; also where nothing does, since the count before this one may have listed it."""
        name = page.last.removeprefix(runs.objects_prefix(self._undone) + runs.JOURNAL_PREFIX)
        self._lists.write(runs.uncertain_prefix(self._run_id) + name, {runs.UNCERTAIN: self._left(page.uncertain)})


def uncertain_keys(lists: KeyLists, run_id: str) -> Iterator[Key]:
    """The keys that the undo `run_id` left alone, each once: several pages may have been cut off before one key.

    Raises what the bucket's client raises.
    """
    seen: set[Key] = set()
    for name in lists.names(runs.uncertain_prefix(run_id)):
        for key in lists.read(name)[runs.UNCERTAIN]:
            if key not in seen:
                seen.add(key)
                yield key


def _comparable(value: AttributeValue) -> Any:
    """A value as DynamoDB compares it: numbers by what they are, sets without order."""
    ((kind, content),) = value.items()
    if kind == "N":
        return kind, Decimal(content)
    if kind == "NS":
        return kind, frozenset(map(Decimal, content))
    if kind in {"SS", "BS"}:
        return kind, frozenset(content)
    if kind == "M":
        return kind, frozenset((name, _comparable(part)) for name, part in content.items())
    if kind == "L":
        return kind, tuple(map(_comparable, content))
    return kind, content
