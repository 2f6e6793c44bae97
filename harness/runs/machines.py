"""What a run is measured on: this machine, or what stands in for it; hosts that are reached over a network do."""

from typing import Dict, Sequence, Tuple

from typing_extensions import Protocol

from harness.devices import memory, naming
from harness.errors import UsageError
from harness.machine import environment
from harness.records import Case, Environment, HostRecord, Mode
from harness.store.run_folder import RunFolder
from harness.trial.exchange import here
from harness.trial.place import Slot


class Machines(Protocol):
    """The machine or machines that a run is measured on."""

    device: str
    """Devices that steps run on, as harness.devices.naming.parse reads them; of several hosts, those of one."""
    hosts: Tuple[HostRecord, ...]
    """The machines, unless it is this one."""

    def describe(self) -> Environment:
        """Return the environment that the run's figures are of."""

    def resolve(self, case: Case, cache: str, modes: Sequence[Mode], forward_only: bool) -> Case:
        """Return the case with what its files hold; raises UsageError and others where it cannot be measured."""

    def require_unchanged(self, what: str, before: Environment) -> None:
        """Raise UsageError, beginning with `what`, when times would not go together with those of `before`."""

    def slots(self, folder: RunFolder) -> Sequence[Slot]:
        """Return where the trials of the run with this folder are run."""


class ThisMachine:
    """The machine that runs this program."""

    hosts: Tuple[HostRecord, ...] = ()

    def __init__(self, device: str) -> None:
        self.device = device

    def describe(self) -> Environment:
        """Describe this machine and its software."""
        return environment.describe(device=self.device)

    def resolve(self, case: Case, cache: str, modes: Sequence[Mode], forward_only: bool) -> Case:
        """Return the case with what its files hold; raises as memory.resolve does."""
        return memory.resolve(case, cache, modes, self.device, forward_only)

    def require_unchanged(self, what: str, before: Environment) -> None:
        """Raise UsageError when this machine, or its software, is another than before."""
        then, now = _comparable(before), _comparable(self.describe())
        if then != now:
            raise UsageError(f"{what}: the environment has changed: {difference(then, now)}")

    def slots(self, folder: RunFolder) -> Sequence[Slot]:
        """Return a slot for each of the devices."""
        place = here(folder)
        return [Slot(place, each.name) for each in naming.parse(self.device)]


def difference(before: Dict[str, object], now: Dict[str, object]) -> str:
    """Return what has changed between two records, such as `cores was 2, is 4`."""
    changed = [name for name in before if before[name] != now.get(name)]
    return "; ".join(f"{name} was {before[name]}, is {now.get(name)}" for name in changed)


def _comparable(machine: Environment) -> Dict[str, object]:
    # The conditions follow from what else is here, and so does what git says of the revision.
    return machine.model_dump(exclude={"load_average", "conditions", "machine_key", "commit", "committed", "branch"})
