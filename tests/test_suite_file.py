import json
import re
from pathlib import Path

import pytest

import suites
from harness import suite_file
from harness.errors import UsageError
from tests.conftest import ROOT

GOOD = """
purpose = "ours"
modes = ["must_keep_origin_dtype", " force_fp16 ", {name = "allow_mix_precision", loss_scale = "8"}]

[[cases]]
id = "first"
content = "picture.png"
styles = ["style.png"]
size = 48
steps = 5
network = "synthetic-narrow"
[cases.settings]
tv_weight = 50

[[limits]]
metric = "timing"
relative = 0.2
reason = "a shared machine"
case = "first"
"""


@pytest.fixture
def write(tmp_path, picture, style):
    def file(text=GOOD):
        path = tmp_path / "ours.toml"
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        return str(path)

    return file


def test_a_file_is_a_suite_with_paths_relative_to_it(write, tmp_path, monkeypatch):
    path = write()
    monkeypatch.chdir(tmp_path)
    suite = suites.get("ours.toml")
    assert suite == suites.get(path)
    (case,) = suite.cases
    assert (suite.name, suite.replicates, suite.baselines) == ("ours", 3, str(tmp_path / "baselines"))
    assert (case.content, case.styles) == (str(tmp_path / "picture.png"), (str(tmp_path / "style.png"),))
    assert (case.initial, case.network, case.settings.tv_weight) == ("content", "synthetic-narrow", 50)
    assert [mode.name for mode in suite.modes] == ["must_keep_origin_dtype", "force_fp16", "allow_mix_precision+scale8"]
    assert suite.limits[0].reason == "a shared machine"


def test_a_suite_that_judges_pictures_draws_each_once(write):
    suite = suites.get(write(GOOD + "[fidelity]\nenvelope = 4\n"))
    assert (suite.replicates, suite.fidelity.envelope, suite.fidelity.window) == (1, 4, 5)


@pytest.mark.parametrize(
    "old, new, part",
    [
        ("steps = 5", "steps = 0", "cases 1 steps 0: input should be greater than 0"),
        ("steps = 5", "", "cases 1 steps: field required"),
        ("steps = 5", "steps = ", "not TOML: Invalid value (at line 10"),
        ("steps = 5", "step = 5", "cases 1 step: no such field, did you mean steps? (expected some of id, content, "),
        ("tv_weight", "tv_wait", "cases 1 settings tv_wait: no such field, did you mean tv_weight? (expected some of "),
        ("tv_weight = 50", 'pooling = "min"', "cases 1 settings pooling 'min': input should be 'max' or 'avg'"),
        ("tv_weight = 50", "tv_weight = nan", "cases 1 settings tv_weight nan: input should be"),
        ("relative = 0.2", "relative = 0", "limits 1 relative 0: input should be greater than 0"),
        ('reason = "a shared machine"', "", "limits 1 reason: field required"),
        ('case = "first"', 'case = "second"', "limits 1 case 'second': not of this suite (expected one of first)"),
        ('case = "first"', 'mode = "fp16"', "limits 1 mode 'fp16': not of this suite (expected one of must_keep_"),
        (" force_fp16 ", "force_fp61", "modes 2: mode 'force_fp61' is unknown, did you mean force_fp16? (expected"),
        ('loss_scale = "8"', 'loss_scale = "x"', "modes 3: --loss-scale x: init x: input should be a valid number"),
        ('loss_scale = "8"', 'mixlist = "none.json"', "none.json: No such file or directory"),
        ('purpose = "ours"', 'name = "perf"', "name 'perf': a shipped suite has it (expected another)"),
        ('purpose = "ours"', 'name = "../up"', "name '../up': expected letters, digits and . _ + - alone"),
        ('purpose = "ours"', "name = 7", "name 7: input should be a valid string"),
        ('purpose = "ours"', "replicates = 0", "replicates 0: input should be greater than 0"),
        ('purpose = "ours"', "color = 1", "color: no such field (expected some of name, purpose, "),
        ("[[cases]]", "[cases]", "cases: input should be a valid"),
        ('["style.png"]', '"style.png"', "cases 1 styles 'style.png': input should be a valid"),
        ('id = "first"', 'id = "first"\ninputs = {}', "cases 1 inputs: this is decided by the run"),
        ('purpose = "ours"', "own_cases = true", "own_cases: this is decided by the run"),
        ("ours", "\udcff", "not UTF-8"),
    ],
)
def test_a_bad_value_is_named_with_its_field_and_what_was_expected(write, old, new, part):
    path = write(GOOD.replace(old, new, 1))
    with pytest.raises(UsageError) as error:
        suites.get(path)
    assert str(error.value).startswith(f"suite {path}: ") and part in str(error.value)


def test_a_file_that_is_none_is_named(tmp_path):
    with pytest.raises(UsageError, match="none.toml: No such file or directory .expected a TOML file with a suite"):
        suites.get(str(tmp_path / "none.toml"))
    (tmp_path / "deep.toml").write_text("a = " + "[" * 10000)
    with pytest.raises(UsageError, match="deep.toml: "):
        suites.get(str(tmp_path / "deep.toml"))


def test_a_name_that_no_suite_has_gets_the_nearest():
    with pytest.raises(UsageError, match="suite 'pref' is unknown, did you mean perf. .expected one of accuracy, "):
        suites.get("pref")


def test_some_cases_can_be_chosen():
    scaling = suites.get("scaling")
    chosen = suites.only(scaling, "astronaut-96, astronaut-64,astronaut-96")
    assert [case.id for case in chosen.cases] == ["astronaut-96", "astronaut-64"]
    with pytest.raises(UsageError, match="--case 'astronaut-69': suite scaling has no such case, did you mean astron"):
        suites.only(scaling, "astronaut-69")


def test_cases_of_ones_own_stay_apart_when_options_change_them(write):
    second = '[[cases]]\nid = "second"\ncontent = "picture.png"\nstyles = ["style.png"]\nsize = 48\nsteps = 5\n'
    suite = suites.customize(suites.get(write(GOOD + second)), {"size": 40}, {})
    assert [case.id for case in suite.cases] == ["picture-40-first", "picture-40-second"]


@pytest.mark.parametrize("suffix", [".md", ".zh-CN.md"])
def test_the_example_of_the_page_is_a_suite(tmp_path, suffix):
    text = (ROOT / "docs" / f"own-suites{suffix}").read_text(encoding="utf-8")
    (tmp_path / "float32.cfg").write_text("OpType::MatMulV2:InputDtype:float16,float16,OutputDtype:float32")
    (tmp_path / "portraits.toml").write_text(re.findall("```toml\n(.*?)```", text, re.S)[0])
    suite = suites.get(str(tmp_path / "portraits.toml"))
    assert [case.id for case in suite.cases] == ["anna-256", "anna-noise"] and len(suite.modes) == 3
    rows = {name for row in re.findall(r"^\| (`[^|]*) \|", text, re.M) for name in re.findall(r"`(\w+)`", row)}
    fields = {*suite_file.Suite.model_fields, *suite_file.Case.model_fields} - {*suite_file.NOT_GIVEN}
    assert rows == fields


def test_the_folder_of_baselines_is_in_the_record(write):
    assert json.loads(suites.get(write()).model_dump_json())["baselines"].endswith("/baselines")
    assert suites.get("perf").baselines is None


def test_python_files_are_the_shipped_suites():
    assert suites.names() == sorted(path.stem for path in Path(suites.__file__).parent.glob("[a-z]*.py"))
