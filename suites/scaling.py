from harness.modes import get
from harness.records import REFERENCE_MODE, Suite
from suites import shipped_case

SUITE = Suite(
    name="scaling",
    purpose="how step time and peak memory grow with the picture",
    cases=tuple(shipped_case(size=size, steps=12) for size in (64, 96, 128, 192, 256)),
    modes=(get(REFERENCE_MODE),),
    replicates=3,
)
