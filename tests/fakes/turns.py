"""Programs that take turns, one call at a time, in an order that a test chooses."""

from __future__ import annotations

from threading import Semaphore, Thread, get_ident
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from tests.fakes.messages_table import MessagesTable


class _Program:
    def __init__(self, work: Callable[[], Any], done: Semaphore) -> None:
        self.go = Semaphore(0)
        self.paused = done
        self.running = True
        self.result: Any = None
        self.fault: BaseException | None = None
        self.thread = Thread(target=self._run, args=(work,), daemon=True)
        self.thread.start()

    def _run(self, work: Callable[[], Any]) -> None:
        self.go.acquire()
        try:
            self.result = work()
        except BaseException as fault:  # noqa: BLE001 - raised again in the test's own thread
            self.fault = fault
        self.running = False
        self.paused.release()

    def pause(self) -> None:
        self.paused.release()
        self.go.acquire()

    def step(self) -> None:
        self.go.release()
        self.paused.acquire()


def take_turns(table: MessagesTable, programs: Sequence[Callable[[], Any]], rng: random.Random) -> list[Any]:
    """Run the programs against one table until all end; before each call one of them is drawn to go on.

    Answers their results, in their order. Only one of them runs at any moment, so that a seed repeats the schedule.
    """
    paused = Semaphore(0)
    running = [_Program(program, paused) for program in programs]
    by_thread = {program.thread.ident: program for program in running}

    def before(_name: str, _request: dict[str, Any]) -> None:
        program = by_thread.get(get_ident())
        if program is not None:
            program.pause()

    table.before = before
    while ready := [program for program in running if program.running]:
        rng.choice(ready).step()
    table.before = lambda _name, _request: None
    for program in running:
        if program.fault is not None:
            raise program.fault
    return [program.result for program in running]
