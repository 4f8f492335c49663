"""The operating system's Chromium, for the tests that look at pages."""

import shutil
from typing import Final

import pytest

CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser")
needs_chromium: Final = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
