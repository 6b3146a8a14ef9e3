"""Two or more programs over one table, in every order that their calls can take."""

from __future__ import annotations

from threading import Semaphore, Thread, current_thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.fakes.messages_table import MessagesTable

    Program = Callable[[], object]


def every_interleaving(scene: Callable[[], tuple[MessagesTable, tuple[Program, ...]]]) -> Iterator[list[int]]:
    """Run the programs of a fresh `scene` once in each order; yields the order, as program numbers call by call.

    A program runs from one of its calls up to the next without the others. The orders are enumerated depth first: each
    run follows a prefix and then prefers the first program, and the last choice that had an alternative is changed.
    """
    prefix: list[int] = []
    while True:
        table, programs = scene()
        order, alternatives = _run(table, programs, prefix)
        yield order
        while order and not (later := [other for other in alternatives[len(order) - 1] if other > order[-1]]):
            order = order[:-1]
        if not order:
            return
        prefix = [*order[:-1], later[0]]


def _run(table: MessagesTable, programs: tuple[Program, ...], prefix: list[int]) -> tuple[list[int], list[list[int]]]:
    arrived = Semaphore(0)
    turns = [Semaphore(0) for _ in programs]
    running = dict.fromkeys(range(len(programs)))
    failures: list[BaseException] = []

    def work(number: int, program: Program) -> None:
        turns[number].acquire()
        try:
            program()
        except BaseException as error:  # noqa: BLE001 - handed to the test below
            failures.append(error)
        del running[number]
        arrived.release()

    threads = [Thread(target=work, args=(number, program)) for number, program in enumerate(programs)]
    numbers = {thread: number for number, thread in enumerate(threads)}

    def before(_name: str, _request: dict[str, Any]) -> None:
        arrived.release()
        turns[numbers[current_thread()]].acquire()

    table.before = before
    for number, thread in enumerate(threads):
        thread.start()
        turns[number].release()
        arrived.acquire()
    order: list[int] = []
    alternatives: list[list[int]] = []
    while running:
        alternatives.append(sorted(running))
        order.append(prefix[len(order)] if len(order) < len(prefix) else alternatives[-1][0])
        turns[order[-1]].release()
        arrived.acquire()
    for thread in threads:
        thread.join()
    table.before = lambda _name, _request: None
    for failure in failures:
        raise failure
    return order, alternatives
