from harness.modes import NAMES, get
from harness.records import Suite
from suites import shipped_case

SUITE = Suite(
    name="smoke",
    purpose="does everything work: one small trial per mode, no figure worth quoting",
    cases=[shipped_case(size=64, steps=5)],
    modes=[get(name) for name in NAMES],
    replicates=1,
    warmup=1,
    timeout=120,
)
