from harness.modes import NAMES, get
from harness.records import FidelityPlan, Suite
from model.settings import StyleSettings
from suites import PICTURES, shipped_case

SIZE = 96
# No setting as by default, so that none can be ignored unseen. Content weighs more than usual, tv so much that its
# gradient is more than what float16 loses of the others; epsilon smooths Adam's first steps, which else follow the sign
# of each gradient, so that noise moves the picture little.
SETTINGS = StyleSettings(
    content_weight=50.0,
    content_weight_blend=0.7,
    style_weight=400.0,
    style_layer_weight_exp=1.2,
    style_blend_weights=(0.7, 0.3),
    style_scales=(1.0, 0.75),
    tv_weight=4000.0,
    learning_rate=30.0,
    beta1=0.5,
    beta2=0.99,
    epsilon=30.0,
)

SUITE = Suite(
    name="accuracy",
    purpose="is each precision mode's picture still right",
    cases=(
        # The start is so near to the content that black and white at once go beyond what can be shown: whoever clips
        # them is seen. Part of it is noise, so that the content loss is not zero.
        shipped_case(
            size=SIZE,
            steps=12,
            noise_blend=0.02,
            seed=1,
            settings=SETTINGS,
            further_styles=(str(PICTURES / "astronaut.png"),),
        ),
        # From noise, as the reference program starts, with the two settings that the other case leaves alone.
        shipped_case(
            size=SIZE,
            steps=6,
            initial="noise",
            settings=StyleSettings(pooling="avg", preserve_colors=True, epsilon=1.0),
        ),
    ),
    modes=tuple(get(name) for name in NAMES),
    # One trial tells all: nothing here is timed, and everything is deterministic.
    replicates=1,
    # A trial that hangs is ended; one on a machine that is busy with other work is not.
    timeout=3600.0,
    fidelity=FidelityPlan(),
)
