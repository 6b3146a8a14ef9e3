"""A Chromium without a window, spoken to over two pipes: the DevTools protocol without any library or port."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

NAMES = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = (
    "--headless",
    "--no-sandbox",  # nothing but our own pages is opened, and containers run as root
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--remote-debugging-pipe",
)

CONNECT = """
import fcntl, os, sys
heard, said = (fcntl.fcntl(int(each), fcntl.F_DUPFD, 10) for each in sys.argv[1:3])
os.dup2(heard, 3)
os.dup2(said, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""Becomes the browser, which listens on descriptor 3 and speaks on 4."""


def installed() -> str | None:
    """The browser of this machine; None where there is none."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Tab:
    """One open page. Whatever the browser complains about is kept in `complaints`."""

    def __init__(self, to_browser: BinaryIO, from_browser: BinaryIO) -> None:
        self._to, self._from = to_browser, from_browser
        self._heard = b""
        self._asked = 0
        self._events: list[dict[str, Any]] = []
        self._session: str | None = None
        self.complaints: list[str] = []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the DevTools protocol and wait for its answer."""
        self._asked += 1
        request = {"id": self._asked, "method": method, "params": parameters}
        if self._session:
            request["sessionId"] = self._session
        self._to.write(json.dumps(request).encode() + b"\0")
        while True:
            message = self._next()
            if message.get("id") == self._asked:
                assert "error" not in message, message["error"]
                answer: dict[str, Any] = message["result"]
                return answer
            self._note(message)

    def open(self, page: Path, *, width: int, height: int = 900, dark: bool = False) -> None:
        """Open a file and wait until it is loaded."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[scheme])
        self._events.clear()
        self.ask("Page.navigate", url=page.as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self._events):
            self._note(self._next())

    def value(self, expression: str) -> Any:
        """The value of an expression in the page."""
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def picture(self, file: Path) -> None:
        """Save what is seen as a PNG file."""
        file.write_bytes(base64.b64decode(self.ask("Page.captureScreenshot", format="png")["data"]))

    def requests(self) -> list[str]:
        """The addresses that the page asked for since it was opened."""
        sent = [event["params"] for event in self._events if event["method"] == "Network.requestWillBeSent"]
        return [each["request"]["url"] for each in sent]

    def _note(self, message: dict[str, Any]) -> None:
        self._events.append(message)
        if message["method"] in {"Log.entryAdded", "Runtime.exceptionThrown"}:
            self.complaints.append(json.dumps(message["params"]))
        if message["method"] == "Runtime.consoleAPICalled" and message["params"]["type"] in {"error", "warning"}:
            self.complaints.append(json.dumps(message["params"]["args"]))

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._heard:
            more = os.read(self._from.fileno(), 1 << 20)
            assert more, "the browser ended"
            self._heard += more
        said, _, self._heard = self._heard.partition(b"\0")
        message: dict[str, Any] = json.loads(said)
        return message


@contextmanager
def browsing(browser: str, home: Path) -> Iterator[Tab]:
    """A browser with an empty profile in `home`, for as long as the block runs."""
    heard, to_browser = os.pipe()
    from_browser, said = os.pipe()
    words = [sys.executable, "-c", CONNECT, str(heard), str(said), browser, *OPTIONS, f"--user-data-dir={home}"]
    environment = {**os.environ, "HOME": str(home)}
    with subprocess.Popen(
        words, pass_fds=(heard, said), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        os.close(heard)
        os.close(said)
        try:
            with os.fdopen(to_browser, "wb", buffering=0) as to, os.fdopen(from_browser, "rb") as from_:
                tab = Tab(to, from_)
                yield tab
                tab.ask("Browser.close")
        finally:
            process.kill()
