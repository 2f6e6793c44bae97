"""A page in headless Chromium, as its reader has it: from disk, without a network."""

import os
import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def opened(path, width=1200, height=900, dark=False):
    """The page in a browser; skips the test where none is installed, unless CHROMIUM_REQUIRED is set: then it fails."""
    selenium = pytest.importorskip("selenium")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    browser = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
    driver = shutil.which("chromedriver")
    if not (browser and driver and selenium):
        missing = "no Chromium with its chromedriver: apt-get install chromium chromium-driver"
        pytest.fail(missing) if os.environ.get("CHROMIUM_REQUIRED") else pytest.skip(missing)
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.add_argument(f"--window-size={width},{height}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    page = webdriver.Chrome(options=options, service=Service(driver))
    try:
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        page.get(path.resolve().as_uri())
        yield page
    finally:
        page.quit()


def violations(page):
    """What axe-core finds on a page with all its folds open: names, contrast, headings, what the keyboard reaches."""
    package = pytest.importorskip("axe_core_python")
    page.execute_script("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
    page.execute_script((Path(package.__file__).parent / "axe.min.js").read_text(encoding="utf-8"))
    found = page.execute_async_script("const done = arguments[0]; axe.run().then(done)")
    assert len(found["passes"]) > 10
    return [(rule["id"], rule["nodes"][0]["html"]) for rule in found["violations"]]
