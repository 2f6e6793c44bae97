"""Pages in headless Chromium, as their reader has them: from disk, without a network."""

import os
import shutil
from contextlib import contextmanager

import pytest


@pytest.fixture(scope="session")
def browser():
    """Chromium; skips the tests where none is installed, unless CHROMIUM_REQUIRED is set: then they fail."""
    pytest.importorskip("selenium")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    chromium = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
    driver = shutil.which("chromedriver")
    if not (chromium and driver):
        missing = "no Chromium with its chromedriver: apt-get install chromium chromium-driver"
        pytest.fail(missing) if os.environ.get("CHROMIUM_REQUIRED") else pytest.skip(missing)
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = webdriver.Chrome(options=options, service=Service(driver))
    yield browser
    browser.quit()


@pytest.fixture
def opened(browser):
    """Opens a page in a tab of its own; what the browser logs until it is closed is of that page."""

    @contextmanager
    def opened(path, width=1200, height=900, dark=False):
        (first,) = browser.window_handles
        browser.switch_to.new_window("tab")
        try:
            for name in ("browser", "performance"):
                browser.get_log(name)  # what came before
            scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
            browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
            metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
            browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
            browser.get(path.resolve().as_uri())
            yield browser
        finally:
            browser.close()
            browser.switch_to.window(first)

    return opened
