"""Programs in simulated time: one of them runs at any moment, and time passes only where all of them sleep."""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from threading import Semaphore, Thread
from typing import TYPE_CHECKING, Any, TypeVar

from switchboard.concurrency import IN_FLIGHT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Work = TypeVar("Work")
Done = TypeVar("Done")


class SimulatedTime:
    """A clock: calling it tells the seconds, `sleep` takes some. Who wakes at the same moment does so in order."""

    def __init__(self) -> None:
        self.now = 0.0
        self._order = count()
        self._asleep: list[tuple[float, int, Semaphore]] = []
        self._handed_back = Semaphore(0)
        self._faults: list[BaseException] = []

    def __call__(self) -> float:
        return self.now

    def begin(self, program: Callable[[], Any], *, after: float = 0.0) -> None:
        """Have `program` start so many seconds from now."""
        turn = self._turn(after)

        def run() -> None:
            turn.acquire()
            try:
                program()
            except BaseException as fault:  # noqa: BLE001 - raised again in the test's own thread
                self._faults.append(fault)
            self._handed_back.release()

        Thread(target=run, daemon=True).start()

    def sleep(self, seconds: float) -> None:
        """Let the others run, and go on so many seconds later."""
        turn = self._turn(seconds)
        self._handed_back.release()
        turn.acquire()

    def run(self) -> None:
        """Run until every program has ended; raises what the first of them raised."""
        while self._asleep and not self._faults:
            self.now, _, turn = heappop(self._asleep)
            turn.release()
            self._handed_back.acquire()
        if self._faults:
            raise self._faults[0]

    def in_flight(self, call: Callable[[Work], Done], work: Sequence[Work]) -> list[Done]:
        """`switchboard.concurrency.in_flight`, in simulated time."""
        left, done = iter(enumerate(work)), {}
        lanes = min(IN_FLIGHT, len(work))
        ended = Semaphore(0)
        faults: list[Exception] = []

        def lane() -> None:
            nonlocal lanes
            for place, piece in left:
                try:
                    done[place] = call(piece)
                except Exception as fault:  # noqa: BLE001 - raised again in the program that waits
                    faults.append(fault)
                    break
            lanes -= 1
            if not lanes:
                heappush(self._asleep, (self.now, next(self._order), ended))

        if lanes:
            for _ in range(lanes):
                self.begin(lane)
            self._handed_back.release()
            ended.acquire()
        if faults:
            raise faults[0]
        return [done[place] for place in range(len(work))]

    def _turn(self, after: float) -> Semaphore:
        turn = Semaphore(0)
        heappush(self._asleep, (self.now + max(0.0, after), next(self._order), turn))
        return turn
