"""How good a picture is: what is measured of it, what is judged by that, and which blocks are to blame."""

from typing import Dict, Optional, Tuple

from pydantic import AfterValidator, Field
from typing_extensions import Annotated, Literal

from harness.precision.number_formats import CONVERTED
from harness.records.base import SCHEMA_VERSION, Count, Figure, FileName, Losses, Record
from harness.remark import Remark


def _known_format(name: str) -> str:
    if name not in CONVERTED:
        raise ValueError(f"expected a number format, one of {', '.join(CONVERTED)}")
    return name


FormatName = Annotated[str, AfterValidator(_known_format), Field(json_schema_extra={"enum": list(CONVERTED)})]
"""Name of a number format that a step can be asked to compute in."""


ProbeKind = Literal["activation", "gradient", "gram", "loss"]
Fitness = Literal["fit", "wrong", "not_judged"]


class FidelityPlan(Record):
    """What is measured of a picture's fidelity beside the picture itself."""

    envelope: int = Field(10, ge=3)
    """Runs with noise, per envelope."""
    window: int = Field(5, gt=0)
    """Losses are medians over this many last pictures, since single ones spike."""
    growth: Tuple[int, ...] = (1, 2, 5)
    """Updates after which the picture is held against float64's."""

    def marks(self, steps: int) -> Tuple[int, ...]:
        """Updates after which the picture of a job of so many steps is looked at: those of `growth`, and the last."""
        return (*(updates for updates in self.growth if updates < steps), steps)


class TensorError(Record):
    """How far a tensor lies from the float64 one."""

    relative_l2: Figure
    """||x - y|| / ||y||; of a loss term over the total loss."""
    cosine: Optional[Figure] = None
    """None when a norm is zero."""
    max_abs: Figure


class Probe(Record):
    """One tensor of the first step, held against a float64 run of the same graph."""

    name: str
    """Of the layer, such as `relu4_1` or `pool2`; `gram_relu4_1`; of a loss term; `picture`."""
    kind: ProbeKind
    """`gradient` is that of the total loss with respect to the layer's output, or to the picture."""
    accumulated: TensorError
    """The tensor as the mode's step has it."""
    local: Optional[TensorError] = None
    """The tensor as the mode computes it from exact inputs: what this layer alone adds."""
    norm: Figure
    """L2 norm; of a loss term its value."""
    sketch: Tuple[Figure, ...] = ()
    """Count sketch: its distance from another one estimates that of the tensors (harness.fidelity.distances.sketch)."""
    saturated: Optional[Count] = None
    underflowed: Optional[Count] = None
    """Values other than zero that became zero."""
    nan: Optional[Count] = None
    """None, as the two before it, where nothing counts: in native kernels and on the card."""


class Envelope(Record):
    """What harmless noise does: runs of one mode whose picture is moved by some ulps before each step, by seed.

    Pixels that are equal stay equal, since noise that breaks ties in max pooling is not harmless.
    """

    noise: FormatName
    """The format whose ulps they are."""
    distances: Tuple[Figure, ...]
    """1 - SSIM, luminance, between each run's picture and the unperturbed one."""
    channels: Tuple[Figure, ...] = ()
    """1 - SSIM of the colour channel that differs most."""
    levels: Tuple[Figure, ...] = ()
    """Difference of the mean of the colour channel whose mean differs most, in 8-bit levels."""
    true_losses: Tuple[Figure, ...]
    """Windowed medians of the total loss, as the mode reports it."""
    growth: Tuple[Tuple[Figure, ...], ...]
    """Of each run, relative L2 distance from the unperturbed picture after the updates of FidelityPlan.marks."""


class Control(Record):
    """A known fault, run beside the healthy job: what a gate must be able to tell from noise."""

    fault: str
    distance: Figure
    """1 - SSIM, luminance, between its picture and the healthy one."""
    channel: Figure = 0.0
    """As Envelope.channels, and the next as Envelope.levels and growth."""
    level: Figure = 0.0
    growth: Tuple[Figure, ...] = ()


class TrialFidelity(Record):
    """What a worker measured of its picture's fidelity; all of it is deterministic on one build."""

    probes: Tuple[Probe, ...] = ()
    growth: Tuple[Tuple[int, Figure], ...] = ()
    """Updates made, and the picture's relative L2 distance from the float64 trajectory then."""
    reported_losses: Losses
    """Windowed medians, as the mode reports them."""
    true_losses: Losses
    """Windowed medians of the same pictures, re-scored in float32."""
    window: int
    spread: Optional[Envelope] = None
    """What noise of some float32 ulps does to this mode: how far healthy builds of it may lie apart."""
    envelopes: Tuple[Envelope, ...] = ()
    """Of the reference mode alone: what one ulp of a narrow format does, by which the modes of that format are fit."""
    snapshots: Tuple[Tuple[Figure, ...], ...] = ()
    """Count sketches of the picture after the updates of FidelityPlan.marks."""
    controls: Tuple[Control, ...] = ()
    neutral: Optional[bool] = None
    """Whether the picture is the same, bit for bit, with and without the probes; None when not checked."""


class PictureDistance(Record):
    """How far a picture lies from another."""

    ssim: Figure
    """Of the luminance."""
    ssim_channels: Tuple[Figure, Figure, Figure]
    """Of red, green, blue."""
    levels: Tuple[Figure, Figure, Figure] = (0.0, 0.0, 0.0)
    """How much higher the means of red, green, blue are, in 8-bit levels."""
    psnr: Optional[Figure]
    """Decibels; None for equal pictures, where it is infinite."""
    flip_mean: Optional[Figure] = None
    """NVIDIA's FLIP at 67 pixels per degree, as is the next; None: not evaluated, flip-evaluator is not installed."""
    flip_p99: Optional[Figure] = None


class Bound(Record):
    """A figure and what it may be: the decision of a gate, or of the fitness."""

    figure: Remark
    """What is bounded: a similarity, a loss, or a tensor of the first step."""
    value: Figure
    limit: Figure
    at_least: bool = False
    """The limit is a lower one."""
    ok: bool
    gates: bool = True
    """False: healthy noise may move the figure further than every known fault does, so that it decides nothing."""


class ModeFidelity(Record):
    """The fidelity of one case in one mode: what its regression verdict and its fitness rest on."""

    case: str
    mode: str
    to_reference: Optional[PictureDistance] = None
    """From the reference mode's picture of the same run."""
    to_baseline: Optional[PictureDistance] = None
    """From the stored picture."""
    baseline_picture: Optional[FileName] = None
    """Path of the stored picture, relative to the project."""
    headroom: Dict[str, Figure] = {}
    """By probe, `name kind`: error of the mode over that of the reference mode, floored."""
    fitness: Fitness
    reasons: Tuple[Remark, ...] = ()
    """Why, one clause each."""
    fit_bounds: Tuple[Bound, ...] = ()
    regression: Literal["pass", "fail", "inconclusive", "missing"]
    regression_reason: str
    """A key of harness.gates.reasons.REASONS."""
    regression_details: Tuple[Remark, ...] = ()
    regression_bounds: Tuple[Bound, ...] = ()
    """Empty without a comparable baseline."""
    faster: Optional[bool] = None
    """Than the reference mode; None where the time is emulated or was not measured."""
    gateable: Optional[bool] = None
    """False: noise alone may move the picture further than each known fault does: at this horizon SSIM shows none."""


class Blame(Record):
    """Which blocks of the step make a mode's picture wrong."""

    schema_version: int = SCHEMA_VERSION
    case: str
    mode: str
    steps: int
    size: int
    """Pixels of width; steps and size are those of the search, not of a suite."""
    fit_before: bool
    """The mode as it is."""
    blocks: Tuple[str, ...] = ()
    """A smallest set found that, kept in float32, makes the mode fit; empty when the mode is fit or no set does."""
    fit_after: bool = False
    """The mode with those blocks in float32."""
    scores: Tuple[Tuple[Tuple[str, ...], float, float, bool], ...] = ()
    """Every set tried: blocks in float32, 1 - SSIM to float32, true loss over float32's, fit."""
    neutral: bool = True
    """Watching the step changed nothing."""
    customize_dtypes: str = ""
    """A ready file."""
