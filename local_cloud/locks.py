"""File locks, which the kernel releases however their holder ends."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def acquire(path: Path, *, wait: bool = True) -> int | None:
    """Lock `path` exclusively and return the descriptor that holds the lock, or None where another holds it.

    The lock belongs to the open file, not to the process: a child that inherits the descriptor holds it too, and it is
    free when the last holder closed it or died. With `wait` the call blocks until then.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on `path`, whose folder is made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = acquire(path)
    try:
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)
