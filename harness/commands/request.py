"""What the options of bench.py ask for, read once into one typed value."""

import os
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Tuple

import click

from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.records import Mode, Suite

_FILES = ("content", "styles", "mixlist", "customize_dtypes", "fusion_switch", "op_table", "data_path", "baselines")
"""Options whose values are always paths."""
_DRAWN = ("size", "steps", "seed", "network")
"""Options that replace a case's field of the same name."""
_MEASURED = ("replicates", "max_replicates", "half_width", "budget", "timeout")
"""Options that replace a suite's field of the same name."""
_WITH_RESUME = (
    *("resume", "hosts", "op_table", "inconclusive", "advisory", "require_fit", "baselines"),
    *("report", "lang", "json", "quiet"),
)
_NOT_WITH_AGAINST = ("resume", "gate", "plan_only", "health", "require_fit", *_MEASURED[:3])


@dataclass(frozen=True)
class Request:
    """A field for each option of bench.py: what was given, else the option's default, None, False or empty."""

    given: Tuple[str, ...]
    """Names of the options that stood on the command line, in its order."""
    suite: Optional[str]
    resume: Optional[str]
    plan_only: bool
    against: Optional[str]
    pairs: Tuple[int, int]
    """Fewest and most."""
    content: Tuple[str, ...]
    styles: Tuple[str, ...]
    size: Optional[int]
    steps: Optional[int]
    init: Optional[str]
    seed: Optional[int]
    batch: Optional[int]
    network: Optional[str]
    data_path: Optional[str]
    case: Optional[str]
    modes: Optional[str]
    mixlist: Optional[str]
    customize_dtypes: Optional[str]
    fusion_switch: Optional[str]
    cann: Optional[str]
    op_table: Optional[str]
    loss_scale: Optional[str]
    overflow: Optional[str]
    emit: Optional[str]
    device: str
    hosts: Optional[str]
    npu_option: Tuple[str, ...]
    replicates: Optional[int]
    max_replicates: Optional[int]
    half_width: Optional[float]
    budget: Optional[float]
    timeout: Optional[float]
    health: bool
    gate: bool
    require_fit: bool
    inconclusive: str
    advisory: bool
    baselines: Optional[str]
    output: str
    report: str
    lang: Optional[str]
    json: bool
    quiet: bool

    @classmethod
    def from_context(cls, context: click.Context) -> "Request":
        """Read the options of a parsed command line; an option without a field here is a TypeError."""
        return cls(given=tuple(given_options(context)), **context.params)

    def check(self) -> None:
        """Raise click.UsageError when the options contradict each other."""
        if (self.suite is None) == (self.resume is None):
            raise click.UsageError("expected --suite NAME, --resume RUN or a command; see --help")
        if self.resume is not None:
            _refuse(
                [name for name in self.given if name not in _WITH_RESUME],
                "--resume takes no {}: it goes on as the run began",
            )
        if self.against is not None:
            _refuse([name for name in self.given if name in _NOT_WITH_AGAINST], "--against takes no {}")
        elif "pairs" in self.given:
            raise click.UsageError("--pairs is of --against: expected --against GITREF beside it")

    def case_changes(self) -> Dict[str, Any]:
        """Return the fields of a Case that the options replace, with their new values."""
        changes = {name: getattr(self, name) for name in _DRAWN if getattr(self, name) is not None}
        if self.init is not None:
            changes["initial"] = self.init
        if self.styles:
            changes["styles"] = self.styles
        if self.content:
            changes.update(content=self.content[0], further_contents=self.content[1:], batch=len(self.content))
        if self.batch is not None:
            changes["batch"] = self.batch
        return changes

    def suite_changes(self) -> Dict[str, Any]:
        """Return the fields of a Suite that the options replace, without cases and modes, with their new values."""
        changes = {name: getattr(self, name) for name in _MEASURED if getattr(self, name) is not None}
        if "replicates" in changes:
            changes.setdefault("max_replicates", None)
        return changes

    def chosen_modes(self, suite: "Suite", kind: str) -> "List[Mode]":
        """Return the modes to run on a kind of device, with every option applied; raises UsageError."""
        from harness import modes

        if self.modes is not None:
            asked = list({mode.name: mode for mode in map(modes.get, modes.split(self.modes))}.values())
        else:
            asked = modes.defaults(suite.modes, kind)
        asked = modes.with_options(asked, self.mixlist, self.customize_dtypes, self.fusion_switch, self.cann)
        loss_scale = modes.parse_loss_scale(self.loss_scale or "none")
        return modes.on_chip(asked, loss_scale, self.overflow, self.emit, self.npu_option)

    def chosen_suite(self, kind: str) -> "Suite":
        """Return the suite to run on a kind of device, with every option applied.

        Raises:
            UsageError: an option has a value that cannot be used, or is none of this suite's.
        """
        import suites

        suite = suites.from_folder(suites.get(str(self.suite)), self.data_path)
        if self.case is not None:
            suite = suites.only(suite, self.case)
        if self.require_fit and not suite.fidelity:
            raise UsageError(f"--require-fit: suite {suite.name} judges no pictures (expected --suite accuracy)")
        if self.gate:
            suite = suites.for_gate(suite)
        changes = {**self.suite_changes(), "modes": self.chosen_modes(suite, kind)}
        return suites.customize(suite, self.case_changes(), changes)

    def for_another_tree(self) -> List[str]:
        """Return the options that decide what is measured, as a command line that works in another folder.

        Modes, output, reports and what compares the trees are left out. Files are named by absolute paths.
        """
        arguments: List[str] = []
        for name in _PASSED_ON:
            if name in self.given:
                value = getattr(self, name)
                for one in self._absolute(name, value if isinstance(value, tuple) else (value,)):
                    arguments += [spelled(name), str(one)]
        return arguments

    def _absolute(self, name: str, values: Tuple[Any, ...]) -> Tuple[Any, ...]:
        from harness.devices import npu_options
        from model import vgg

        if name == "npu_option":  # some of them are paths
            return tuple(f"{key}={value}" for key, value in npu_options.parse(values).items())
        words = {"init": ("content", "noise"), "network": vgg.BUILT_IN}.get(name, ())
        if name in _FILES or name in ("init", "network"):
            return tuple(value if value in words else os.path.abspath(value) for value in values)
        return values


_KEPT = {
    "given",
    "suite",
    "against",
    "pairs",
    "budget",
    "hosts",
    "modes",
    "inconclusive",
    "advisory",
    "baselines",
    "output",
    "report",
    "lang",
    "json",
    "quiet",
}
_PASSED_ON = [field.name for field in fields(Request) if field.name not in _KEPT.union(_NOT_WITH_AGAINST)]


def given_options(context: click.Context) -> List[str]:
    """Names of the parameters that stood on the command line."""
    from click.core import ParameterSource

    return [name for name in context.params if context.get_parameter_source(name) == ParameterSource.COMMANDLINE]


def spelled(name: str) -> str:
    """An option's field as the user spells it: `max_replicates` is `--max-replicates`."""
    return "--" + name.replace("_", "-")


def _refuse(names: List[str], message: str) -> None:
    if names:
        raise click.UsageError(message.format(spelled(names[0])))
