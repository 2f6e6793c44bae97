from harness.modes import get as mode
from harness.records import Suite
from suites import shipped_case

SUITE = Suite(
    name="smoke",
    purpose="does everything work: one small trial per mode, no figure worth quoting",
    cases=[shipped_case(size=64, steps=6)],
    modes=[mode("must_keep_origin_dtype")],
    replicates=1,
    timeout=120,
)
