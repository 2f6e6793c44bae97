import io

import pytest
from rich.cells import cell_len
from rich.text import Text

from reports.language import Words
from reports.terminal.console import PlainConsole
from reports.terminal.tables import Column, folded, print_folded, print_table

NAMES = ("must_keep_origin_dtype", "allow_mix_precision+matmul32")
LONG = "style Gram saturates at relu1_1 ... relu5_1 (5); SSIM to reference 0.21, expected at least 0.98"
LANGUAGES = ("en", "zh")


def shown(width, columns, names=NAMES, language="en"):
    console = PlainConsole(file=io.StringIO(), width=width, color_system=None)
    print_table(console, Column("mode", names, number=False), columns, Words(language))
    return console.file.getvalue()


def figures(count, rank=0):
    return [Column(f"figure {index}", ("1.2345e+08", "–"), rank=index * rank) for index in range(count)]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [60, 80, 120, 10_000])
def test_no_name_is_broken_and_no_line_too_long(width, language):
    long = Column("why", ("", LONG if language == "en" else "风格 Gram 矩阵在 relu1_1 饱和，" * 6), False, long=True)
    text = shown(width, [long, *figures(5, rank=1)], language=language)
    assert all(name in text for name in NAMES)
    assert all(cell_len(line) <= width for line in text.splitlines())
    assert ("no room for" in text or "宽度不足" in text) == (width < 120)


def test_columns_give_way_by_rank_and_are_named():
    heading, *_, note = shown(55, figures(3, rank=1)).splitlines()
    assert heading.split() == ["mode", "figure", "0", "figure", "1"] and note == "no room for: figure 2"


def test_a_name_that_leaves_no_room_stands_above_its_figures():
    name = "a" * 50
    lines = shown(60, figures(2), (name, "b")).splitlines()
    assert lines[2] == name and lines[3] == "    1.2345e+08         –".replace("         –", "  1.2345e+08")
    assert lines[4] == "b"


def test_a_pipe_gets_every_row_in_one_line():
    long = Column("why", ("", LONG), False, long=True)
    rows = shown(10_000, [long, *figures(9, rank=1)]).splitlines()
    assert len(rows) == 4 and LONG in rows[3]


def test_a_long_text_stands_beneath_where_there_is_no_room_beside():
    long = Column("why", ("", LONG), False, long=True)
    lines = shown(60, [long, *figures(1)]).splitlines()
    assert lines[-2].startswith("        style Gram saturates") and lines[-3].startswith(NAMES[1])


def test_texts_fold_at_blanks_and_between_chinese_characters():
    assert [line.plain for line in folded(Text("one two three"), 8)] == ["one two", "three"]
    assert [line.plain for line in folded(Text("a/very/long/path of it"), 8)] == ["a/very/long/path", "of it"]
    assert [line.plain for line in folded(Text("风格图饱和"), 4)] == ["风格", "图饱", "和"]
    assert [line.plain for line in folded(Text("风格，（图）饱和。"), 6)] == ["风格，", "（图）", "饱和。"]


def test_what_is_in_a_name_takes_the_room_it_is_shown_with():
    text = shown(60, figures(1), ("a\nb", "c\x1b]0;f\x07"))
    assert "a b " in text and "\x1b" not in text and len({line.rfind("8") for line in text.splitlines()[2:3]}) == 1


def test_every_line_of_an_indented_text_is_indented():
    console = PlainConsole(file=io.StringIO(), width=14, color_system=None)
    print_folded(console, Text("one two three a/long/path/of/it"), 4)
    assert console.file.getvalue().splitlines() == ["    one two", "    three", "    a/long/path/of/it"]
