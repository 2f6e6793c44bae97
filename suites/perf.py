from harness.modes import get as mode
from harness.records import Suite
from suites import shipped_case

SUITE = Suite(
    name="perf",
    purpose="step time, throughput and final loss of each precision mode",
    # One compile step, two to warm up, ten timed ones.
    cases=[shipped_case(size=256, steps=13)],
    modes=[mode("must_keep_origin_dtype")],
    replicates=3,
)
