import re

import pytest

from reports.html import page as html
from reports.html import pictures
from reports.language import ENGLISH
from reports.stored_run import Evidence
from tests.reports.html.browsing import requested, violations
from tests.reports.runs import MIXED, REFERENCE, make_run


def _write(evidence, folder):
    path = folder / "report.html"
    path.write_bytes(html.render(evidence, ENGLISH))
    return path


def test_the_page_holds_what_the_run_holds(evidence):
    page = html.render(evidence, ENGLISH).decode()
    for text in (
        "Failed",
        "the dtype plan is not the approved one",
        "casts: 1 -&gt; 2",
        "style Gram saturates",
        "0.515",
    ):
        assert text in page, text
    assert "python bench.py --suite tiny --content &#39;my photo.png&#39;" in page
    for heading in ("Losses", "Speed against fidelity", "Step times by process", "Drift of activations", "SSIM maps"):
        assert f"<h3>{heading}</h3>" in page, heading


def test_the_decision_is_the_first_thing_and_the_gates_are_the_second(evidence):
    page = html.render(evidence, ENGLISH).decode()
    places = [page.index(text) for text in ("<h1>", "is its picture right", f"Take {REFERENCE}", "1 failed, 0 missing")]
    assert places == sorted(places)
    assert '<td data-label="right?" class="outcome wrong">✗ no</td>' in page


def test_an_emulated_time_is_in_no_chart_and_the_floor_takes_its_place(evidence):
    page = html.render(evidence, ENGLISH).decode()
    steps = re.search("<h3>Step times by process</h3>.*?</svg>", page, re.DOTALL)[0]
    assert REFERENCE in steps and MIXED not in steps
    plane = re.search("<h3>Speed against fidelity</h3>.*?</svg>", page, re.DOTALL)[0]
    assert f"{MIXED}: 0.86, " in plane and "910 floor ms" in plane
    without = evidence._replace(run=evidence.run.model_copy(update={"plans": []}))
    assert "Speed against fidelity" not in html.render(without, ENGLISH).decode()


def test_the_true_loss_stands_where_its_pictures_are(evidence):
    """It is a median of the last five pictures, whose middle is two before the last."""
    page = html.render(evidence, ENGLISH).decode()
    diamond = re.search('<path class="mark c0" d="M([0-9.]+) .*?<title>' + REFERENCE + ": ([0-9e+]+)<", page)
    assert float(diamond[2]) == evidence.run.summaries[0].true_loss == 9e5
    ticks = dict(re.findall('<text class="tick middle" x="([0-9.]+)" y="[0-9.]+">([0-9]+)</text>', page))
    assert ticks[diamond[1]] == "3"


def test_a_true_loss_far_from_the_reported_one_is_marked(tmp_path, case):
    judged = make_run(tmp_path / "run", case)
    for evidence in (judged, make_run(tmp_path / "run", case, fidelity=[])):
        page = html.render(evidence, ENGLISH).decode()
        assert re.findall('<td class="n far"[^>]*>([^<]*)<', page) == ["! 9.009e+08"]
        assert "!: the mode reports another loss than its picture has" in page


def test_a_section_without_data_is_left_out(tmp_path, case):
    bare = make_run(
        tmp_path / "bare", case, plans=[], fidelity=[], verdicts=[], trials=[], summaries=[], complete=False
    )
    page = html.render(bare, ENGLISH).decode()
    assert "Interrupted" in page and "0 of 4 trials finished" in page
    for absent in ("<h3>", "<svg", "<input"):
        assert absent not in page


def test_what_is_not_judged_is_no_pass(tmp_path, case):
    page = html.render(make_run(tmp_path / "run", case, verdicts=[]), ENGLISH).decode()
    assert "<strong>Not judged</strong>" in page and "Passed" not in page


@pytest.mark.any_tensorflow
def test_a_slider_moves_tables_sort_and_nothing_is_fetched(opened, evidence, tmp_path):
    with opened(_write(evidence, tmp_path)) as page:
        slider = page.find_element("css selector", "input[type=range]")
        after = page.find_element("css selector", ".compare .after")
        assert "50%" in after.value_of_css_property("clip-path")
        slider.send_keys("\ue012" * 10)  # arrow to the left
        assert "40%" in after.value_of_css_property("clip-path")
        shown = after.get_attribute("src")
        page.find_element("css selector", ".gallery button").click()
        assert after.get_attribute("src") != shown and after.get_attribute("src").startswith("data:image/")

        heading = page.find_element("css selector", "#case-1 th:nth-child(8) button")
        cells = "#case-1 table.sortable:first-of-type tbody td:nth-child(8)"
        orders = []
        for _ in range(2):
            heading.click()
            found = page.find_elements("css selector", cells)[:2]
            orders.append([float(cell.get_attribute("data-value")) for cell in found])
        assert orders == [sorted(orders[0]), sorted(orders[0], reverse=True)]

        assert page.get_log("browser") == []
        assert requested(page) == {"file", "data"}
        assert all(image.get_attribute("alt") for image in page.find_elements("tag name", "img"))


@pytest.mark.any_tensorflow
@pytest.mark.parametrize("width, dark", [(390, False), (1200, True)])
def test_the_page_fits_its_window_and_follows_the_theme(opened, evidence, tmp_path, width, dark):
    with opened(_write(evidence, tmp_path), width=width, dark=dark) as page:
        assert page.execute_script("return document.documentElement.scrollWidth") <= width
        ink = page.execute_script("return getComputedStyle(document.body).color")
        assert (max(map(int, re.findall(r"\d+", ink))) > 128) == dark


@pytest.mark.any_tensorflow
@pytest.mark.parametrize("dark", [False, True])
def test_nothing_on_the_page_shuts_anybody_out(opened, evidence, tmp_path, dark):
    with opened(_write(evidence, tmp_path), dark=dark) as page:
        assert violations(page) == []


@pytest.mark.any_tensorflow
def test_a_chart_is_whole_on_a_phone_and_colours_are_printed(opened, evidence, tmp_path):
    with opened(_write(evidence, tmp_path), width=390, dark=True) as page:
        edges = page.execute_script(
            "return [...document.querySelectorAll('svg .mark')].map(m => m.getBoundingClientRect().right)"
        )
        assert edges and max(edges) <= 390
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
        swatch = "getComputedStyle(document.querySelector('.swatch'))"
        assert page.execute_script(f"return {swatch}.printColorAdjust") == "exact"
        assert page.execute_script(f"return {swatch}.backgroundColor") == "rgb(0, 114, 178)"  # of the light scheme
        assert page.execute_script("return document.querySelector('.hint').checkVisibility()") is False
        page.execute_script("dispatchEvent(new Event('beforeprint'))")
        assert page.find_elements("css selector", "details:not([open]):not(.plan details, .figures)") == []
        assert page.find_elements("css selector", "details.figures:not([open])")  # hundreds of rows for paper


@pytest.mark.any_tensorflow
def test_paper_holds_the_tables_with_their_names_whole(opened, evidence, tmp_path):
    names = "[...document.querySelectorAll('.decision th[scope=row], td.mode')]"
    right = "Math.max(...[...document.querySelectorAll('table.wide')].map(t => t.getBoundingClientRect().right))"
    for shown in (evidence, evidence._replace(run=evidence.run.model_copy(update={"fidelity": []}))):
        with opened(_write(shown, tmp_path), width=720) as page:  # A4 without its margins
            page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
            lines = page.execute_script(f"return {names}.map(e => e.getClientRects().length && e.innerText)")
            heights = page.execute_script(
                f"return {names}.map(e => e.lastChild)"
                ".map(t => {const r = document.createRange(); r.selectNode(t); return r.getClientRects().length})"
            )
            assert MIXED in lines and set(heights) == {1}
            assert page.execute_script(f"return {right}") <= 720


def test_a_heading_of_a_number_is_not_broken(evidence):
    assert "95\N{NO-BREAK SPACE}%\N{NO-BREAK SPACE}±" in _times(evidence)


def _times(evidence):
    """The page of the run without judged pictures, which has the table of times."""
    return html.render(evidence._replace(run=evidence.run.model_copy(update={"fidelity": []})), ENGLISH).decode()


@pytest.mark.any_tensorflow
def test_hostile_text_stays_text(opened, hostile, tmp_path):
    with opened(_write(hostile, tmp_path)) as page:
        assert page.execute_script("return window.pwned") is None
        assert page.find_elements("css selector", "img[src=x]") == []
        assert "<img src=x onerror='window.pwned=1'>" in page.find_element("tag name", "body").text
        assert page.get_log("browser") == []


def test_pictures_outside_the_run_are_not_shown(evidence):
    (evidence.folder.parent / "secret.png").write_bytes((evidence.folder / evidence.run.trials[0].picture).read_bytes())
    assert evidence.file("../secret.png") is None
    assert evidence.file(str(evidence.folder.parent / "secret.png")) is None


def test_a_damaged_picture_and_changed_inputs_are_left_out(evidence, case):
    for trial in evidence.run.trials:
        (evidence.folder / trial.picture).write_bytes(b"no picture")
    assert "<input" not in html.render(evidence, ENGLISH).decode()
    changed = case.model_copy(update={"inputs": case.inputs.model_copy(update={"content_sha256": "0"})})
    assert pictures.of_case(make_run(evidence.folder, changed), changed, 10**6, ENGLISH).problem


def test_large_pictures_are_shrunk_to_the_budget():
    import numpy as np

    noise = np.random.default_rng(0).integers(0, 256, (900, 1200, 3), dtype=np.uint8)
    uri = pictures.data_uri(noise, 100_000, b"x" * 200_000)
    assert uri.startswith("data:image/jpeg") and len(uri) < 140_000


def test_each_case_reads_its_own_trials_alone(evidence, monkeypatch):
    case = evidence.run.suite.cases[0]
    other = case.model_copy(update={"id": "other"})
    suite = evidence.run.suite.model_copy(update={"cases": (case, other)})
    trials = evidence.run.trials
    twins = [trial.model_copy(update={"case": "other"}) for trial in trials]
    read = []
    monkeypatch.setattr(Evidence, "trials", lambda self, *pair: read.append(self.run.trials) or self.run.trials)
    both = evidence.run.model_copy(update={"suite": suite, "trials": trials + twins})
    html.render(evidence._replace(run=both), ENGLISH)
    assert read and all(found in (trials, twins) for found in read)
