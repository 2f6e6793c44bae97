from harness.modes import NAMES, get
from harness.records import Suite
from suites import shipped_case

SUITE = Suite(
    name="perf",
    purpose="step time, throughput and final loss of each precision mode",
    # One step to compile, and ten with one to spare for the two windows that show a steady state.
    cases=(shipped_case(size=256, steps=12),),
    modes=tuple(get(name) for name in NAMES),
    # As with --gate: the spread of three would make the interval half as wide again.
    replicates=5,
    max_replicates=10,
    budget=45,
)
