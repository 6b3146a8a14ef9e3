"""What an import counts beside the counters of every job: outcomes by status, and both sides of the verification."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from switchboard.backfill.legacy.rekeying import MODULUS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Day = tuple[str, str]
"""A sponsor and a day, `yyyy-mm-dd`; the day is `-` where a timestamp cannot be read."""

WORK: Final = "work"
VERIFIED: Final = "verified"


@dataclass(slots=True)
class Side:
    """One side of the comparison: its items, the sum of their digests, which no order changes, and when they were."""

    items: int = 0
    checksum: int = 0
    days: Counter[Day] = field(default_factory=Counter)

    def add(self, digest: int, day: Day) -> None:
        """Count one item."""
        self.items += 1
        self.checksum = (self.checksum + digest) % MODULUS
        self.days[day] += 1

    @property
    def checksum_text(self) -> str:
        """The sum as 32 hexadecimal digits."""
        return f"{self.checksum:032x}"

    def join(self, other: Side) -> None:
        """Count the items of `other` as well."""
        self.items += other.items
        self.checksum = (self.checksum + other.checksum) % MODULUS
        self.days.update(other.days)

    def as_json(self) -> dict[str, Any]:
        """`items`, `checksum`, and `days` as rows of sponsor, day and number of items."""
        days = [[*day, count] for day, count in sorted(self.days.items())]
        return {"items": self.items, "checksum": self.checksum_text, "days": days}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Side:
        """The side that `as_json` wrote."""
        days = Counter({(sponsor, day): count for sponsor, day, count in document["days"]})
        return cls(document["items"], int(document["checksum"], 16), days)


@dataclass(slots=True)
class Tally:
    """The counts of a page, or of several together.

    `statuses` counts what was done: the writer's statuses, the reasons for keeping, and `left_alone`. `source` and
    `target` are the two sides of a verification, `places` what stands in the CDR table, records and kept items.
    `read_units` are those of the CDR table.
    """

    statuses: Counter[str] = field(default_factory=Counter)
    source: Side = field(default_factory=Side)
    target: Side = field(default_factory=Side)
    places: Counter[str] = field(default_factory=Counter)
    read_units: float = 0.0

    @property
    def agrees(self) -> bool:
        """Whether both sides have the same items: by number, by checksum, and by sponsor and day."""
        return self.source == self.target

    def join(self, other: Tally) -> None:
        """Count what `other` counts as well."""
        self.statuses.update(other.statuses)
        self.source.join(other.source)
        self.target.join(other.target)
        self.places.update(other.places)
        self.read_units += other.read_units

    def as_json(self) -> dict[str, Any]:
        """The tally as an object keeps it."""
        return {
            "statuses": dict(self.statuses),
            "source": self.source.as_json(),
            "target": self.target.as_json(),
            "places": dict(self.places),
            "read_units": self.read_units,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Tally:
        """The tally that `as_json` wrote."""
        return cls(
            Counter(document["statuses"]),
            Side.from_json(document["source"]),
            Side.from_json(document["target"]),
            Counter(document["places"]),
            document["read_units"],
        )


class Notes:
    """The tally of the page at hand, which source and settler share, handed on at its end and begun anew.

    So a worker's memory holds the sponsors and days of one page. `write` is told what was done with the page (`WORK` or
    `VERIFIED`), and `used` tells the read units that the CDR table has served so far.
    """

    def __init__(self, write: Callable[[str, Tally], None], *, used: Callable[[], float]) -> None:
        self.page = Tally()
        self._write = write
        self._used = used
        self._told = used()

    def end(self, done: str) -> None:
        """The page is settled or verified. Raises what `write` raises."""
        used = self._used()
        self.page.read_units, self._told = used - self._told, used
        self._write(done, self.page)
        self.page = Tally()
