import pytest

from harness.remark import remark
from tests.reports.runs import make_run

HOSTILE = "<img src=x onerror='window.pwned=1'>\"&'| `a` **b** [c](http://d) @all\n::error::e\r%0A\x1b]0;f\x07]]>\ufffe"
"""HTML, Markdown, XML, workflow commands and terminal escapes in one."""
SURROGATE = "\ud800"
"""What JSON can hold and UTF-8 cannot."""


@pytest.fixture
def hostile(tmp_path, case):
    """A run whose names, reasons and environment try to be more than text."""
    bad = case.model_copy(update={"id": HOSTILE, "initial": HOSTILE})
    made = make_run(tmp_path / "run", bad)
    run = made.run
    text = HOSTILE + SURROGATE
    crashed = {"status": "crashed", "reason": text, "log_tail": (text, "```", "</pre>"), "picture": "../../secret"}
    trials = [run.trials[0].model_copy(update=crashed), *run.trials[1:]]
    told = {"reason": text, "details": (remark("text", text=text),)}
    verdicts = [verdict.model_copy(update=told) for verdict in run.verdicts]
    machine = run.environment.model_copy(update={"processor": text, "revision": text, "packages": {text: text}})
    changes = {"trials": trials, "verdicts": verdicts, "environment": machine, "command": ("bench.py", text)}
    return made._replace(run=run.model_copy(update={"id": text, **changes}))
