"""Settings of the site that the browser visits: the tests', under a strict policy."""

from __future__ import annotations

from tests.settings import *  # noqa: F403
from tests.settings import MIDDLEWARE

ROOT_URLCONF = "tests.browser.site"
MIDDLEWARE = [*MIDDLEWARE, "tests.browser.site.strict_policy"]
