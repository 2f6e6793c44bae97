"""The pages, README.md and docs/: held against their Chinese twins, the commands' own options, and the tree."""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Set, Tuple
from urllib.parse import unquote

import click
import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

import bench
import neural_style
import suites
from harness.modes import KNOWN
from reports.formats import FORMATS
from tests.conftest import ROOT

pytestmark = pytest.mark.any_tensorflow

CHINESE = ".zh-CN.md"
FOLDERS = (".github", "baselines", "docs", "harness", "model", "reports", "scripts", "suites", "tests")
SCRIPTS = ("train_full_1p.sh", "train_performance_1p.sh", "modelarts_entry_acc.py", "modelarts_entry_perf.py")


class Page(NamedTuple):
    """A page and what Markdown makes of it."""

    path: Path
    text: str
    tokens: List[Token]

    def __repr__(self) -> str:
        return self.path.name

    def spans(self, kind: str) -> Iterator[Token]:
        for token in self.tokens:
            yield from (child for child in token.children or () if child.type == kind)

    def headings(self) -> List[Tuple[str, Token]]:
        """Tag and inline token of each heading."""
        pairs = zip(self.tokens, self.tokens[1:])
        return [(opening.tag, inline) for opening, inline in pairs if opening.type == "heading_open"]

    def code(self) -> Set[str]:
        return {" ".join(span.content.split()) for span in self.spans("code_inline")}

    def links(self) -> List[str]:
        images = [str(span.attrs["src"]) for span in self.spans("image")]
        return [unquote(str(span.attrs["href"])) for span in self.spans("link_open")] + images

    def anchors(self) -> Set[str]:
        """Of the headings, as GitHub makes them."""
        return {re.sub(r"[^\w\- ]", "", inline.content.lower()).replace(" ", "-") for _, inline in self.headings()}

    def rows(self) -> Iterator[Tuple[List[str], Token]]:
        """The first cell of each row of each table, with the headings above it, innermost first."""
        above: Dict[str, str] = {}
        in_row = False
        for opening, inline in zip(self.tokens, self.tokens[1:]):
            if opening.type == "heading_open":
                above = {tag: text for tag, text in above.items() if tag < opening.tag}
                above[opening.tag] = inline.content
            elif opening.type == "td_open" and in_row:
                yield [above[tag] for tag in sorted(above, reverse=True)], inline
            in_row = opening.type == "tr_open"


def read(path: Path) -> Page:
    text = path.read_text(encoding="utf-8")
    return Page(path, text, MarkdownIt("commonmark").enable("table").parse(text))


PAGES = [read(path) for path in (*sorted(ROOT.glob("README*.md")), *sorted((ROOT / "docs").glob("*.md")))]
ENGLISH = [page for page in PAGES if not page.path.name.endswith(CHINESE)]
every_page = pytest.mark.parametrize("page", PAGES, ids=[page.path.name for page in PAGES])
every_english_page = pytest.mark.parametrize("page", ENGLISH, ids=[page.path.name for page in ENGLISH])
both_languages = pytest.mark.parametrize("suffix", [".md", CHINESE])


def in_language(suffix: str) -> List[Page]:
    return [page for page in PAGES if page.path.name.endswith(CHINESE) == (suffix == CHINESE)]


def twin(page: Page) -> Page:
    return read(page.path.with_name(page.path.stem + CHINESE))


def test_there_are_pages_and_each_has_a_twin():
    assert len(ENGLISH) > 5
    assert {page.path for page in PAGES} == {path for page in ENGLISH for path in (page.path, twin(page).path)}


# Twins


@every_english_page
def test_twins_have_the_same_headings(page):
    levels = [[tag for tag, _ in each.headings()] for each in (page, twin(page))]
    assert levels[0] == levels[1]


@every_english_page
def test_twins_have_the_same_code_blocks(page):
    blocks = [[token.content for token in each.tokens if token.type == "code_block"] for each in (page, twin(page))]
    assert len(blocks[0]) == len(blocks[1])
    for ours, theirs in zip(*blocks):
        assert [_untranslated(line, line) for line in theirs.splitlines()] == [
            _untranslated(line, other) for line, other in zip(ours.splitlines(), theirs.splitlines())
        ]


def _untranslated(line: str, in_chinese: str) -> str:
    """The line; without its remark where that is translated."""
    translated = re.search("[\u4e00-\u9fff]", in_chinese)
    return re.split(r"\s{2,}|\s+#", line.strip())[0] if translated else line


@every_english_page
def test_twins_have_the_same_code_in_their_text(page):
    assert page.code() == twin(page).code()


@every_english_page
def test_twins_have_the_same_figures(page):
    figures = [set(re.findall(r"\d+(?:[.,]\d+)*", each.text)) for each in (page, twin(page))]
    assert figures[0] == figures[1]


@every_english_page
def test_twins_have_the_same_links_each_within_its_language(page):
    ours, theirs = ([link.split("#")[0] for link in each.links()] for each in (page, twin(page)))
    assert Counter(ours) == Counter(map(_exchanged, theirs))
    # Each leads to its twin once, and else to pages of its own language.
    assert [link for link in ours if link.endswith(CHINESE)] == [twin(page).path.name]


def _exchanged(link: str) -> str:
    """The link to the same page in the other language."""
    return link.replace(CHINESE, ".md") if link.endswith(CHINESE) else link.replace(".md", CHINESE)


# Options


def declared() -> Dict[str, Set[str]]:
    """The long options of each command, by the command's name as the pages give it."""
    found = {name: _options(command) for name, command in _commands("bench.py", bench.cli)}
    actions = neural_style.build_parser()._actions
    found["neural_style.py"] = {name for action in actions for name in action.option_strings}
    for script in SCRIPTS:
        path = ROOT / "scripts" / script
        command = [sys.executable if path.suffix == ".py" else "bash", str(path), "--help"]
        told = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout
        found[f"scripts/{script}"] = set(re.findall(r"^  (--\w+)", told, re.M))
    return {
        name: {option for option in options if option.startswith("--")} - {"--help"} for name, options in found.items()
    }


def _commands(name: str, command: click.Command) -> Iterator[Tuple[str, click.Command]]:
    """A command and those below it by their names; one that does nothing but hold others is left out."""
    below = command.commands if isinstance(command, click.Group) else {}
    if not below or command.invoke_without_command:
        yield name, command
    for word, found in below.items():
        yield from _commands(f"{name} {word}", found)


def _options(command: click.Command) -> List[str]:
    options = [param for param in command.params if isinstance(param, click.Option) and not param.hidden]
    return [name for option in options for name in (*option.opts, *option.secondary_opts)]


DECLARED = declared()


def documented(page: Page) -> Iterator[Tuple[str, str]]:
    """Each command and option that the tables under a heading with the command's name hold."""
    for headings, cell in page.rows():
        named = [[name for name in DECLARED if f"`{name}`" in heading] for heading in headings]
        commands = next((names for names in named if names), [])
        spans = [span.content for span in cell.children or () if span.type == "code_inline"]
        options = [span.split("=")[0].split(" ")[0] for span in spans if span.startswith("--")]
        yield from ((command, option) for command in commands for option in options)


@both_languages
@pytest.mark.parametrize("command", sorted(DECLARED))
def test_the_options_of_a_command_are_those_of_its_tables(command, suffix):
    found = [pair for page in in_language(suffix) for pair in documented(page)]
    assert {option for name, option in found if name == command} == DECLARED[command]


RAY_START = ("--head", "--port", "--num-cpus", "--address", "--resources")


@every_page
def test_every_option_that_a_page_names_exists(page):
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z0-9_-]*", page.text, re.ASCII))
    assert named - set().union(*DECLARED.values()) == named & {"--help", *RAY_START}


@both_languages
def test_the_page_of_options_names_every_command_suite_and_mode(suffix):
    page = read(ROOT / "docs" / f"options{suffix}")
    commands = [f"python {name}" for name in DECLARED if name.startswith("bench.py ")]
    assert [name for name in commands if not any(f"{code} ".startswith(f"{name} ") for code in page.code())] == []
    assert {*suites.names(), *KNOWN} <= page.code()


@both_languages
def test_the_page_of_reports_names_every_format(suffix):
    assert set(FORMATS) <= read(ROOT / "docs" / f"reports-and-ci{suffix}").code()


# The tree


@every_page
def test_every_link_leads_to_a_file_and_a_heading(page):
    for link in page.links():
        if "://" in link:
            continue
        target, _, anchor = link.partition("#")
        path = (page.path.parent / target) if target else page.path
        assert path.exists(), link
        assert not anchor or anchor in read(path).anchors(), link


@every_page
def test_every_path_that_a_page_names_exists(page):
    paths = [code for code in page.code() if re.fullmatch(rf"(?:{'|'.join(map(re.escape, FOLDERS))})/[\w./+-]*", code)]
    assert [path for path in paths if not (ROOT / path).exists()] == []


@both_languages
def test_the_readme_is_short(suffix):
    assert len((ROOT / f"README{suffix}").read_text(encoding="utf-8").splitlines()) <= 130
