"""What a page in the browser asks for, and what in it shuts readers out."""

import json
from pathlib import Path

import pytest


def requested(page):
    """The schemes of all that the page asked for since it was opened, such as `file` and `https`."""
    events = [json.loads(entry["message"])["message"] for entry in page.get_log("performance")]
    urls = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    return {url.partition(":")[0] for url in urls}


def violations(page):
    """What axe-core finds on a page with all its folds open: names, contrast, headings, what the keyboard reaches."""
    package = pytest.importorskip("axe_core_python")
    page.execute_script("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
    page.execute_script((Path(package.__file__).parent / "axe.min.js").read_text(encoding="utf-8"))
    found = page.execute_async_script("const done = arguments[0]; axe.run().then(done)")
    assert len(found["passes"]) > 10
    return [(rule["id"], rule["nodes"][0]["html"]) for rule in found["violations"]]
