"""The corrections of the emulator: one module each, with what is wrong, what AWS does, and where that is written."""

from __future__ import annotations


def apply() -> None:
    """Correct the emulator in this process, before it serves.

    Raises `_seam.SeamError` where the emulator no longer has a function that a correction replaces.
    """
    from local_cloud.corrections import (  # noqa: PLC0415 - importing them imports the emulator, which only its own environment has
        function_interpreter,
        secure_transport,
    )

    for correction in (function_interpreter, secure_transport):
        correction.apply()
