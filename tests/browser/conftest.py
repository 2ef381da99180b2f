"""A real Chromium, and a real server for it to visit."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

from hatch_build import Frontend
from tests.browser.gateway import Gateway
from tests.chaos.proxy import Network, Proxy
from tests.processes import ROOT, Server, serve

_WITHOUT = [
    # Pages of the browser's own for each window, which take more than a test's page does.
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    # What Playwright leaves out, whose list this one takes the place of.
    "AimEnabled",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades",
    "LensOverlay",
    "MediaRouter",
    "NetworkTimeServiceQuerying",
    "OptimizationHints",
    "PaintHolding",
    "PreconnectToSearch",
    "ThirdPartyStoragePartitioning",
]
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--disable-features={','.join(_WITHOUT)}",
]
_NAMES = ("chromium", "google-chrome")
_PATIENCE = 30_000.0

#: Makes each violation of the policy an error of the page's console.
_TELL_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (violation) =>
  console.error(`policy: ${violation.violatedDirective} ${violation.blockedURI}`));
"""


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """The system's Chromium, headless, with a profile of its own."""
    executable = next(filter(None, map(shutil.which, _NAMES)), None)
    if executable is None:
        pytest.skip("there is no Chromium; Debian's package is `chromium`")
    expect.set_options(timeout=_PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """``manage.py serve`` of the site."""
    settings = {"DJANGO_SETTINGS_MODULE": "tests.browser.settings"}
    with serve(tmp_path_factory.mktemp("site"), environment=settings) as server:
        yield server


@pytest.fixture(scope="package")
def bundle() -> None:
    """The client for browsers, as ``make`` builds it."""
    if not Frontend(ROOT).built:
        pytest.skip("the browser's client is not built; `make bundle` does it, with npm")


@pytest.fixture
def link(site: Server) -> Iterator[Proxy]:
    """Another way to the site, which may be cut."""
    network = Network()
    with closing(network), closing(Proxy(network, ("127.0.0.1", site.port))) as link:
        yield link


@pytest.fixture
def gateway(site: Server) -> Iterator[Gateway]:
    """Another way to the site, through a proxy that may be told to misbehave."""
    network = Network()
    with closing(network), closing(Gateway(network, site.port)) as gateway:
        yield gateway


@pytest.fixture
def scripts() -> bool:
    """Whether the browser runs scripts; a test may say otherwise."""
    return True


@pytest.fixture
def context(browser: Browser, site: Server, *, scripts: bool) -> Iterator[BrowserContext]:
    """A profile without cookies, on a narrow screen."""
    context = browser.new_context(
        base_url=site.url,
        java_script_enabled=scripts,
        viewport={"width": 360, "height": 640},
    )
    context.set_default_timeout(_PATIENCE)
    context.add_init_script(_TELL_VIOLATIONS)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    page = context.new_page()
    page.goto("/start")
    return page


@pytest.fixture
def problems(page: Page) -> list[str]:
    """What the page complains of: errors of scripts, violations of the policy, failed loads."""
    found: list[str] = []
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on("console", lambda said: found.append(_told(said)) if said.type == "error" else None)
    return found


def _told(said: ConsoleMessage) -> str:
    return f"{said.text} {said.location['url']}"


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Path]:
    """A file that does not exist until the test touches it, or ends: no job waits for ever."""
    gate = tmp_path / "gate"
    yield gate
    gate.touch()


def report(gate: Path, kind: str = "page") -> str:
    """The URL of a slow report that answers once ``gate`` exists."""
    return f"/report?{urlencode({'gate': str(gate), 'kind': kind})}"
