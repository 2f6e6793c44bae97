from harness.modes import get
from harness.records import Suite
from suites import shipped_case

SUITE = Suite(
    name="smoke",
    purpose="does everything work: three small trials, no figure worth quoting",
    cases=(shipped_case(size=64, steps=5),),
    modes=tuple(get(name) for name in ("must_keep_origin_dtype", "force_fp16", "allow_mix_precision+matmul32")),
    replicates=1,
    timeout=120,
)
