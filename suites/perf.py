from harness.modes import NAMES, get
from harness.records import Suite
from suites import shipped_case

SUITE = Suite(
    name="perf",
    purpose="step time, throughput and final loss of each precision mode",
    # One step to compile, one to warm up, ten timed ones.
    cases=[shipped_case(size=256, steps=12)],
    modes=[get(name) for name in NAMES],
    replicates=3,
    warmup=1,
)
