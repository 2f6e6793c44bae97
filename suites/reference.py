from harness.modes import get
from harness.precision import MATMUL32
from harness.records import Case, Suite

SUITE = Suite(
    name="reference",
    purpose="the mission's own job, example 1 of the reference program, beside the published figures",
    # Relative paths: from --data-path. The settings are the defaults, as in the published runs.
    cases=(Case(id="1-content", content="1-content.jpg", styles=("1-style.jpg",), steps=1000, initial="noise"),),
    modes=tuple(get(name) for name in ("must_keep_origin_dtype", "allow_fp32_to_fp16", MATMUL32)),
    replicates=1,
    timeout=24 * 3600,
)
