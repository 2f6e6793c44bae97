import pytest

from tests.reports.runs import make_run

HOSTILE = "<img src=x onerror='window.pwned=1'>\"&'| `a` **b** [c](http://d) @all\n::error::e\r%0A\x1b]0;f\x07]]>"
"""HTML, Markdown, XML, workflow commands and terminal escapes in one."""


@pytest.fixture
def hostile(tmp_path, case):
    """A run whose names, reasons and environment try to be more than text."""
    bad = case.model_copy(update={"id": HOSTILE, "initial": HOSTILE})
    made = make_run(tmp_path / "run", bad)
    run = made.run
    crashed = {
        "status": "crashed",
        "reason": HOSTILE,
        "log_tail": (HOSTILE, "```", "</pre>"),
        "picture": "../../secret",
    }
    trials = [run.trials[0].model_copy(update=crashed), *run.trials[1:]]
    verdicts = [verdict.model_copy(update={"reason": HOSTILE, "details": (HOSTILE,)}) for verdict in run.verdicts]
    machine = run.environment.model_copy(
        update={"processor": HOSTILE, "revision": HOSTILE, "packages": {HOSTILE: HOSTILE}}
    )
    changes = {"trials": trials, "verdicts": verdicts, "environment": machine, "command": ("bench.py", HOSTILE)}
    return made._replace(run=run.model_copy(update={"id": HOSTILE, **changes}))
