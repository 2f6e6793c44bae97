"""What one stylization is asked for: the options as one record, checked before anything is computed."""

import importlib.util
import os
from typing import Any, Dict, List, Mapping, Optional, Type, TypeVar

from pydantic import Field, ValidationError

from harness import modes as precision_modes
from harness.devices import naming
from harness.devices.kinds import KINDS
from harness.errors import UsageError
from harness.mission import files
from harness.precision.rules.op_table import use_table
from harness.records import Case, Mode, Record
from harness.store.files import numbered
from model.settings import StyleSettings

_OPTIONS = {
    "batch": "batch-size",
    "epsilon": "eps",
    "noise_blend": "initial-noiseblend",
    "size": "width",
    "steps": "iterations",
}
"""Options whose name differs from the field that they set, by field."""

_Model = TypeVar("_Model", StyleSettings, Case, "Job")


class Job(Record):
    """One stylization: what is drawn, in which mode, and which files it leaves."""

    case: Case
    mode: Mode
    device: str
    output: str
    print_iterations: int = Field(0, ge=0)
    """Updates from one printed loss block to the next; 0: only the last block is printed."""
    checkpoint_output: Optional[str] = None
    """Path of checkpoint pictures with a placeholder for the number of updates; None: no checkpoints."""
    checkpoint_iterations: Optional[int] = Field(None, ge=0)
    """Updates from one checkpoint to the next; None or 0: no checkpoints."""
    progress_write: bool = False
    progress_plot: bool = False
    record: Optional[str] = None
    overwrite: bool = False
    resume: bool = False

    def is_checkpoint(self, updates: int) -> bool:
        """Return True when the picture after this many updates is a checkpoint: every period, and the last."""
        if not self.checkpoint_iterations or updates == 0:
            return False
        return updates == self.case.steps or updates % self.checkpoint_iterations == 0

    def is_printed(self, updates: int) -> bool:
        """Return True when the losses after this many updates are printed: every period from 0 on, and the last."""
        if updates == self.case.steps:
            return True
        return self.print_iterations > 0 and updates % self.print_iterations == 0

    def outputs(self) -> List[str]:
        """Where the results go, one for each picture of the batch."""
        return [numbered(self.output, index) for index in range(self.case.batch)]

    def checkpoint_paths(self, updates: int) -> List[str]:
        """Where the checkpoints after this many updates go, one for each picture of the batch."""
        assert self.checkpoint_output is not None
        path = files.fill(self.checkpoint_output, updates)
        return [numbered(path, index) for index in range(self.case.batch)]

    def pictures(self) -> List[str]:
        """Every picture the job writes."""
        if self.checkpoint_output is None or not self.checkpoint_iterations:
            return self.outputs()
        steps, period = self.case.steps, self.checkpoint_iterations
        checkpoints = [*range(period, steps, period), steps]
        return [path for updates in checkpoints for path in self.checkpoint_paths(updates)] + self.outputs()

    def beside(self, name: str) -> str:
        """Path of a file beside the output."""
        return os.path.join(os.path.dirname(self.output), name)

    def state(self) -> str:
        """Path of the file that `--resume` continues from."""
        return self.output + ".state.npz"

    def others(self) -> List[str]:
        """Every other file the job writes."""
        paths = [self.beside("progress.txt")] if self.progress_write else []
        paths += [self.beside("progress.png")] if self.progress_plot else []
        paths += [self.record] if self.record is not None else []
        return paths + ([self.state()] if self.checkpoint_iterations else [])


def from_options(options: Mapping[str, Any]) -> Job:
    """Return the job that the command line's options ask for.

    Raises:
        UsageError, images.ImageError: an option cannot be used. No picture or network has been read yet.
    """
    name = KINDS[naming.choose_one(options["device"]).kind].reference_mode
    if options["precision_mode"] is not None:
        name = options["precision_mode"]
    if options["op_table"] is not None:
        use_table(options["op_table"])
    (mode,) = precision_modes.with_options(
        [precision_modes.get(name)],
        mixlist=options["mixlist"],
        customize_dtypes=options["customize_dtypes"],
        fusion_switch=options["fusion_switch"],
        profile=options["cann"],
    )
    fields = ("output", "device", "progress_write", "progress_plot", "record", "overwrite", "resume")
    job = _validated(
        Job,
        case=_case(options),
        mode=mode,
        print_iterations=options["print_iterations"] or 0,
        checkpoint_output=options["checkpoint_output"],
        checkpoint_iterations=options["checkpoint_iterations"],
        **{name: options[name] for name in fields},
    )
    _check_checkpoints(job)
    if job.progress_plot and importlib.util.find_spec("matplotlib") is None:
        raise UsageError("--progress-plot: matplotlib is not installed (pip install matplotlib)")
    files.check(job.pictures(), job.others())
    return job


def _case(options: Mapping[str, Any]) -> Case:
    settings = _validated(StyleSettings, **{name: options[name] for name in StyleSettings.model_fields})
    styles = options["styles"]
    for name in ("style_scales", "style_blend_weights"):
        values = getattr(settings, name)
        if values is not None and len(values) != len(styles):
            raise UsageError(f"--{_option(name)}: {len(values)} values, expected {len(styles)}, one per style picture")
    content, *further_contents = options["content"]
    batch = options["batch_size"]
    noise_blend = options["initial_noiseblend"]
    if options["initial"] is not None:
        initial = os.path.abspath(options["initial"])  # never one of the words below
    else:
        initial = "noise" if noise_blend is None or noise_blend == 1 else "content"
    return _validated(
        Case,
        id=os.path.splitext(os.path.basename(content))[0] or "content",
        content=content,
        further_contents=tuple(further_contents),
        batch=batch if batch is not None else len(options["content"]),
        styles=tuple(styles),
        size=options["width"],
        steps=options["iterations"],
        settings=settings,
        network=options["network"],
        initial=initial,
        noise_blend=noise_blend,
        seed=options["seed"],
    )


def _check_checkpoints(job: Job) -> None:
    if (job.checkpoint_output is None) != (job.checkpoint_iterations is None):
        raise UsageError("--checkpoint-output and --checkpoint-iterations must be given together")
    if job.checkpoint_output is None:
        return
    if job.checkpoint_paths(1) == job.checkpoint_paths(2):
        raise UsageError(
            f"--checkpoint-output {job.checkpoint_output}: expected a placeholder for the iteration, such as {{}} or %d"
        )


def _validated(model: Type[_Model], **fields: Any) -> _Model:
    try:
        return model(**fields)
    except ValidationError as error:
        first = error.errors()[0]
        reason = first["msg"].replace("Value error, ", "").replace("Input should", "should")
        if not first["loc"]:
            raise UsageError(_spelled(reason)) from error
        raise UsageError(f"--{_option(str(first['loc'][0]))} {first['input']}: {reason}") from error


def _option(field: str) -> str:
    return _OPTIONS.get(field, field).replace("_", "-")


def _spelled(reason: str) -> str:
    """The reason with fields spelled as options."""
    names: Dict[str, str] = {name: f"--{_option(name)}" for name in StyleSettings.model_fields}
    return " ".join(names.get(word.rstrip(","), word.rstrip(",")) + "," * word.endswith(",") for word in reason.split())
