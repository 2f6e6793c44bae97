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
    """Runs with noise that one envelope consists of."""
    window: int = Field(5, gt=0)
    """Number of last pictures over which the median of a loss is taken, since single losses spike."""
    growth: Tuple[int, ...] = (1, 2, 5)
    """Numbers of updates after which the picture is compared with the float64 trajectory's."""

    def marks(self, steps: int) -> Tuple[int, ...]:
        """Return after which updates the picture of a job of `steps` steps is looked at: `growth`, and the last."""
        return (*(updates for updates in self.growth if updates < steps), steps)


class TensorError(Record):
    """How far a tensor lies from the float64 one."""

    relative_l2: Figure
    """||x - y|| / ||y|| of the tensor x and the float64 one y; a loss term's error is relative to the total loss."""
    cosine: Optional[Figure] = None
    """Cosine of the angle between the tensor and the float64 one; None when a norm is zero."""
    max_abs: Figure
    """Largest absolute difference of an element."""


class Probe(Record):
    """One tensor of the first step, held against a float64 run of the same graph."""

    name: str
    """Name of a layer such as `relu4_1`, of a Gram matrix such as `gram_relu4_1`, of a loss term, or `picture`."""
    kind: ProbeKind
    """What is probed; a `gradient` is of the total loss with respect to the layer's output, or to the picture."""
    accumulated: TensorError
    """The tensor as the mode's step has it."""
    local: Optional[TensorError] = None
    """The tensor as the mode computes it from exact inputs: what this layer alone adds."""
    norm: Figure
    """L2 norm of the tensor, or the value of a loss term."""
    sketch: Tuple[Figure, ...] = ()
    """Count sketch of the tensor: two sketches' distance estimates the tensors' (harness.fidelity.distances.sketch)."""
    saturated: Optional[Count] = None
    """Values that saturated; None where nothing counts them: in native kernels and on the card."""
    underflowed: Optional[Count] = None
    """Values other than zero that became zero; None where nothing counts them."""
    nan: Optional[Count] = None
    """NaN that were made 0; None where nothing counts them."""


class Envelope(Record):
    """What harmless noise does: runs of one mode whose picture is moved by some ulps before each step, by seed.

    Pixels that are equal stay equal, since noise that breaks ties in max pooling is not harmless.
    """

    noise: FormatName
    """Number format whose ulps the noise is measured in."""
    distances: Tuple[Figure, ...]
    """1 - SSIM of the luminance between each run's picture and the unperturbed one."""
    channels: Tuple[Figure, ...] = ()
    """1 - SSIM of the colour channel that differs most from the unperturbed picture's, for each run."""
    levels: Tuple[Figure, ...] = ()
    """Largest difference of a colour channel's mean from the unperturbed picture's, in 8-bit levels, for each run."""
    true_losses: Tuple[Figure, ...]
    """Median of the total loss over the window's last pictures, as the mode reports it, for each run."""
    growth: Tuple[Tuple[Figure, ...], ...]
    """Relative L2 distance from the unperturbed picture after each of FidelityPlan.marks, for each run."""


class Control(Record):
    """A known fault, run beside the healthy job: what a gate must be able to tell from noise."""

    fault: str
    distance: Figure
    """1 - SSIM of the luminance between the faulty picture and the healthy one."""
    channel: Figure = 0.0
    """1 - SSIM of the colour channel that differs most between the faulty picture and the healthy one."""
    level: Figure = 0.0
    """Largest difference of a colour channel's mean from the healthy picture's, in 8-bit levels."""
    growth: Tuple[Figure, ...] = ()
    """Relative L2 distance of the faulty picture from the healthy one after each of FidelityPlan.marks."""


class TrialFidelity(Record):
    """What a worker measured of its picture's fidelity; all of it is deterministic on one build."""

    probes: Tuple[Probe, ...] = ()
    growth: Tuple[Tuple[int, Figure], ...] = ()
    """Pairs of updates made and the picture's relative L2 distance from the float64 trajectory after them."""
    reported_losses: Losses
    """Medians of the losses over the window's last pictures, as the mode reports them."""
    true_losses: Losses
    """Medians of the losses over the window's last pictures, re-scored in float32."""
    window: int
    """Number of last pictures that the losses are medians over."""
    spread: Optional[Envelope] = None
    """What noise of some float32 ulps does to this mode's picture: how far healthy builds may lie apart."""
    envelopes: Tuple[Envelope, ...] = ()
    """What noise of one ulp of each format does to the reference mode's picture, by which modes are judged fit."""
    snapshots: Tuple[Tuple[Figure, ...], ...] = ()
    """Count sketch of the picture after each of FidelityPlan.marks."""
    controls: Tuple[Control, ...] = ()
    """What known faults do to the picture; measured in the reference mode alone."""
    noise_of: str = ""
    """Id of the approved run that measured spread, envelopes and controls, where all else that was measured here is
    what it measured, bit for bit; empty when they were measured here."""
    neutral: Optional[bool] = None
    """True when the picture is the same, bit for bit, with and without the probes; None when that was not checked."""


class PictureDistance(Record):
    """How far a picture lies from another."""

    ssim: Figure
    """SSIM of the luminance."""
    ssim_channels: Tuple[Figure, Figure, Figure]
    """SSIM of the red, green and blue channels."""
    levels: Tuple[Figure, Figure, Figure] = (0.0, 0.0, 0.0)
    """How much higher the means of red, green and blue are than the other picture's, in 8-bit levels."""
    psnr: Optional[Figure]
    """Peak signal-to-noise ratio in decibels; None for equal pictures, where it is infinite."""
    flip_mean: Optional[Figure] = None
    """Mean of NVIDIA's FLIP error map at 67 pixels per degree; None where flip-evaluator is not installed."""
    flip_p99: Optional[Figure] = None
    """99th percentile of NVIDIA's FLIP error map; None where flip-evaluator is not installed."""


class Bound(Record):
    """A figure held against its limit, by the regression gate or by the judgement of fitness."""

    figure: Remark
    """What is bounded: a similarity, a loss, or a tensor of the first step."""
    value: Figure
    limit: Figure
    at_least: bool = False
    """True when the figure may not be below the limit, False when it may not be above it."""
    ok: bool
    """True when the figure keeps its limit."""
    gates: bool = True
    """False when healthy noise may move the figure further than every known fault does, so that it decides nothing."""


class ModeFidelity(Record):
    """The fidelity of one case in one mode: what its regression verdict and its fitness rest on."""

    case: str
    mode: str
    to_reference: Optional[PictureDistance] = None
    """Distance from the reference mode's picture of the same run; None where there is none to compare with."""
    to_baseline: Optional[PictureDistance] = None
    """Distance from the stored picture; None without a comparable baseline."""
    baseline_picture: Optional[FileName] = None
    """Path of the stored picture, relative to the project."""
    headroom: Dict[str, Figure] = {}
    """Error of the mode over that of the reference mode, both floored, by probe as `NAME KIND`."""
    fitness: Fitness
    reasons: Tuple[Remark, ...] = ()
    """Why the fitness is what it is, one clause each."""
    fit_bounds: Tuple[Bound, ...] = ()
    """Figures that the fitness rests on, with their limits."""
    regression: Literal["pass", "fail", "inconclusive", "missing"]
    """Outcome of the regression gate, which compares with the stored baseline."""
    regression_reason: str
    """Why the regression gate decided so: a key of harness.gates.reasons.REASONS."""
    regression_details: Tuple[Remark, ...] = ()
    regression_bounds: Tuple[Bound, ...] = ()
    """Figures that the regression rests on, with their limits; empty without a comparable baseline."""
    faster: Optional[bool] = None
    """True when a step is faster than the reference mode's; None where a time is emulated or was not measured."""
    gateable: Optional[bool] = None
    """False when noise alone may move the picture as far as every known fault does, so that SSIM shows none of them."""


class Blame(Record):
    """Which blocks of the step make a mode's picture wrong."""

    schema_version: int = SCHEMA_VERSION
    case: str
    mode: str
    steps: int
    """Updates of the picture that the search makes for each set of blocks."""
    size: int
    """Width in pixels of the picture that the search draws."""
    fit_before: bool
    """True when the mode is fit as it is."""
    blocks: Tuple[str, ...] = ()
    """Ops of a smallest set that makes the mode fit when kept in float32; empty when the mode is fit or no set does."""
    minimal: bool = True
    """False when `blocks` are what mended another mode, and nobody tried whether fewer do."""
    fit_after: bool = False
    """True when the mode is fit with the ops of `blocks` in float32."""
    scores: Tuple[Tuple[Tuple[str, ...], float, float, bool], ...] = ()
    """Every set tried: its blocks, 1 - SSIM to the float32 picture, true loss over float32's, and whether it is fit."""
    neutral: bool = True
    """True when counting what float16 loses left the picture as it was."""
    customize_dtypes: str = ""
    """Text of a customize_dtypes file that keeps the ops of `blocks` in float32; empty without such ops."""
    command: Tuple[str, ...] = ()
    """Command line that draws the case in this and the reference mode, without dtypes; empty where it is not known."""
