import re

import pytest

from harness.errors import UsageError
from harness.history.folders import index_of
from harness.history.series import series
from reports.html.site import write_site
from reports.language import ENGLISH
from tests.history.histories import MIXED, REFERENCE, day, entry, stored
from tests.reports.conftest import HOSTILE
from tests.reports.html.browsing import requested, violations

TIMES = [0.500, 0.502, 0.499, 0.501] * 2 + [0.550, 0.551, 0.549, 0.552] * 2


def _site(found, folder, results=None, marked=()):
    return write_site(found, folder, results or folder / "none", set(marked), ENGLISH)


@pytest.fixture
def history():
    return series([entry(number, seconds) for number, seconds in enumerate(TIMES)])


def test_the_overview_shows_each_case_and_mode_with_its_last_change(history, tmp_path):
    index, page = _site(history, tmp_path / "site", marked={("perf-3", "small", REFERENCE)})
    text = index.read_text(encoding="utf-8")
    assert index.name == "index.html" and f'<a href="{page.name}">small</a>' in text
    assert 'class="spark"' in text and "0.552</td>" in text
    assert "step time 0.5005 s → 0.5505 s, 0000000 (2026-01-09)</td>" in text
    text = page.read_text(encoding="utf-8")
    assert "step time 0.5005 s → 0.5505 s" in text and text.count("◆") == 1 and "<h3>true loss</h3>" in text


def test_nothing_stored_is_a_page_that_says_so(tmp_path):
    (index,) = _site([], tmp_path)
    assert "No stored run of that kind." in index.read_text(encoding="utf-8")


def test_cases_with_names_that_are_alike_have_pages_of_their_own(tmp_path):
    found = series([entry(case=name) for name in ("a b", "a-b", "a/b", "A" * 300)])
    paths = _site(found, tmp_path)
    assert len(set(paths)) == 5 and all(path.parent == tmp_path and path.exists() for path in paths)


def test_a_folder_that_cannot_be_made_is_refused(history, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="report folder .*expected one that can be written"):
        _site(history, tmp_path / "file")


@pytest.mark.any_tensorflow
def test_it_opens_from_disk_and_leads_to_the_run_s_own_report(opened, tmp_path, case):
    results = tmp_path / "my results"
    for number in range(3):
        folder = stored(results, case, f"run-{number}", number)
        (folder / "report.html").write_text("<title>its own</title>")
    paths = _site(index_of(results).runs.series(), tmp_path / "site", results)
    with opened(paths[0]) as page:
        assert page.execute_script("return document.documentElement.scrollWidth") <= 1200
        assert len(page.find_elements("css selector", "svg.spark")) == 1  # the other mode's times are emulated
        page.find_element("link text", "small").click()
        assert MIXED in page.find_element("tag name", "body").text
        assert page.find_elements("css selector", ".charts svg polyline")
        page.find_element("css selector", "details summary").click()
        heading = page.find_element("css selector", "details[open] th:nth-child(2) button")
        cells = "details[open] tbody td:nth-child(2)"
        orders = []
        for _ in range(2):
            heading.click()
            orders.append([cell.text for cell in page.find_elements("css selector", cells)])
        assert orders[0] == orders[1][::-1] == [f"2026-01-0{number} 00:00" for number in (1, 2, 3)]
        assert page.get_log("browser") == []
        assert requested(page) == {"file"}
        page.find_element("link text", "run-2").click()
        assert page.title == "its own"


@pytest.mark.any_tensorflow
@pytest.mark.parametrize("width, dark", [(390, False), (1200, True)])
def test_a_case_s_page_fits_its_window_and_follows_the_theme(opened, history, tmp_path, width, dark):
    for path in _site(history, tmp_path):
        with opened(path, width=width, dark=dark) as page:
            assert page.execute_script("return document.documentElement.scrollWidth") <= width
            ink = page.execute_script("return getComputedStyle(document.body).color")
            assert (max(map(int, re.findall(r"\d+", ink))) > 128) == dark


@pytest.mark.any_tensorflow
@pytest.mark.parametrize("dark", [False, True])
def test_nothing_on_a_page_shuts_anybody_out(opened, history, tmp_path, dark):
    for path in _site(history, tmp_path):
        with opened(path, dark=dark) as page:
            assert violations(page) == []


def test_a_mode_whose_job_changed_is_once_in_the_legend(tmp_path):
    _, page = _site(series([entry(0, job="one"), entry(1, job="other")]), tmp_path)
    (legend,) = re.findall('<ul class="legend".*?</ul>', page.read_text(encoding="utf-8"))
    assert legend.count(REFERENCE) == 1


def test_emulated_times_are_in_no_chart(tmp_path):
    found = series([entry(number, emulated=number < 2, mode=MIXED if number < 2 else REFERENCE) for number in range(4)])
    index, page = _site(found, tmp_path)
    assert index.read_text(encoding="utf-8").count('class="spark"') == 1
    charts = re.findall(r"<h3>(.*?)</h3>.*?(<svg.*?</svg>)", page.read_text(encoding="utf-8"), re.S)
    drawn = {title: MIXED in chart for title, chart in charts}
    assert (drawn["step time, s"], drawn["true loss"]) == (False, True)


@pytest.mark.any_tensorflow
def test_hostile_text_stays_text(opened, tmp_path):
    texts = ("suite", "case", "mode", "device", "machine", "run", "revision", "branch", "processor", "started")
    found = series([entry(number, **dict.fromkeys(texts, HOSTILE)) for number in range(3)])
    for path in _site(found, tmp_path):
        assert path.parent == tmp_path
        with opened(path) as page:
            assert page.execute_script("return window.pwned") is None
            assert page.find_elements("css selector", "img[src=x]") == []
            assert "<img src=x onerror='window.pwned=1'>" in page.find_element("tag name", "body").text
            assert page.get_log("browser") == []


@pytest.mark.parametrize("run", ["../secret", "/etc", "a\0b", "javascript:alert(1)//..", "x" * 5000])
def test_no_run_leads_out_of_the_results(run, tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "report.html").write_text("")
    _, page = _site(series([entry(run=run)]), tmp_path / "site", tmp_path / "results")
    assert re.findall('<a href="([^"#]*)"', page.read_text(encoding="utf-8")) == ["index.html"]


def test_a_long_history_is_drawn_whole_and_its_latest_runs_are_listed(tmp_path):
    found = series([entry(number % 9999, 0.5 + number % 7 / 100, started=day(0)) for number in range(1000)])
    _, page = _site(found, tmp_path)
    text = page.read_text(encoding="utf-8")
    assert "and 900 more" in text and len(text) < 200_000
