from harness.modes import NAMES, get
from harness.records import FidelityPlan, Suite
from suites import shipped_case

SIZE = 96
STEPS = 24

SUITE = Suite(
    name="accuracy",
    purpose="is each precision mode's picture still right",
    cases=(
        shipped_case(size=SIZE, steps=STEPS),
        # As the reference program starts; noise decides more of such a picture, so it is shown and never gates.
        shipped_case(size=SIZE, steps=STEPS, initial="noise", advisory=True),
    ),
    modes=tuple(get(name) for name in NAMES),
    # One trial tells all: nothing here is timed, and everything is deterministic.
    replicates=1,
    fidelity=FidelityPlan(),
)
