"""One browser for all tests; where the machine has none, they say what installs it and do not run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.chromium import browsing, installed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.browser.chromium import Tab


@pytest.fixture(scope="session")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    browser = installed()
    if browser is None:
        pytest.skip("not run: there is no Chromium here; `apt-get install chromium` installs one")
    with browsing(browser, tmp_path_factory.mktemp("browser")) as opened:
        yield opened
