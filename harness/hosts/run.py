"""The hosts of a run: places for its trials, whose files come back into the run's folder."""

import secrets
import threading
from contextlib import suppress
from typing import Dict, List, Mapping, Optional, Sequence

from harness.errors import UsageError
from harness.hosts.engine import Cluster, Host, RayPlace
from harness.hosts.parcel import below
from harness.hosts.shipping import Tree, answer, baselines_of, case_with_files, job
from harness.records import Case, Environment, HostRecord, Mode
from harness.step import inputs
from harness.store.files import write_atomic
from harness.store.run_folder import RunFolder
from harness.trial.exchange import BESIDE_TRIAL, Attempt, drop, read_reply
from harness.trial.place import LostError, Slot


class HostDevice:
    """A device of a host, which anything may be asked of that this project's code there can answer."""

    def __init__(self, host: Host, device: str, tree: Tree) -> None:
        self.host, self.name, self._tree = host.name, device, tree
        self._place = RayPlace(host.name, host.agent, device)

    def ask(
        self,
        module: str,
        question: bytes,
        seconds: float,
        files: Mapping[str, bytes],
        trees: Sequence[Tree] = (),
        stop: Optional[threading.Event] = None,
    ) -> Dict[str, bytes]:
        """Run a module on the host; return the entries of its result: `answer`, and files below `out`.

        Args:
            seconds: longest time that it may take.
            files: what the question names, by name.
            trees: further code.

        Raises:
            LostError: there is no answer; the message names the host.
            KeyboardInterrupt: Ctrl-C, or `stop` was set.
        """
        sent = job(secrets.token_hex(8), module, question, seconds, [self._tree, *trees], files)
        return answer(self._place.run(sent, seconds + BESIDE_TRIAL, lambda event: None, stop), self.host)

    def is_alive(self) -> bool:
        """Return False once the host has gone."""
        return self._place.is_alive()


class HostMachines:
    """Machines, other than this one, that a run is spread over."""

    def __init__(self, cluster: Cluster) -> None:
        self._hosts, self._tree = cluster.hosts, cluster.tree
        kind = self._hosts[0].devices[0].split(":")[0]
        self.device = kind if kind == "npu" else ",".join(self._hosts[0].devices)
        self.hosts = tuple(
            HostRecord(name=host.name, devices=tuple(host.devices), environment=host.environment)
            for host in self._hosts
        )

    def describe(self) -> Environment:
        """Return the environment of most devices: the figures of a run are of one kind of machine."""
        count: Dict[str, int] = {}
        for host in self._hosts:
            key = host.environment.machine_key
            count[key] = count.get(key, 0) + len(host.devices)
        most = max(count, key=lambda key: count[key])
        return next(host.environment for host in self._hosts if host.environment.machine_key == most)

    def resolve(self, case: Case, cache: str, modes: Sequence[Mode], forward_only: bool) -> Case:
        """Return the case with what its files hold; whether it fits into the memory of each host is not known."""
        return inputs.resolve(case, cache)

    def require_unchanged(self, what: str, before: Environment) -> None:
        """Raise UsageError, beginning with `what`, when machines or code are no longer those of the environment."""
        now = self.describe()
        if now.revision != before.revision:
            raise UsageError(f"{what}: the environment has changed: revision was {before.revision}, is {now.revision}")
        if before.machine_key not in {host.environment.machine_key for host in self._hosts}:
            raise UsageError(f"{what}: none of the hosts is like those that it was measured on")

    def alike(self) -> List[HostDevice]:
        """Return every device of the hosts that `describe` describes: others are unlike, and their times apart."""
        key = self.describe().machine_key
        alike = [host for host in self._hosts if host.environment.machine_key == key]
        return [HostDevice(host, device, self._tree) for host in alike for device in host.devices]

    def slots(self, folder: RunFolder) -> List[Slot]:
        """Return a slot for each device of each host, the first device of every host first."""
        found = []
        for index in range(max(len(host.devices) for host in self._hosts)):
            for host in self._hosts:
                if index < len(host.devices):
                    device = host.devices[index]
                    shipping = _Shipping(host.name, folder, self._tree)
                    place = RayPlace(host.name, host.agent, device, shipping.pack, shipping.unpack, shipping.drop)
                    found.append(Slot(place, device, host.environment.machine_key))
        return found


class _Shipping:
    """Packs attempts for a host, and unpacks what comes of them into the run's folder."""

    def __init__(self, host: str, folder: RunFolder, tree: Tree) -> None:
        self._host, self._folder, self._tree = host, folder, tree
        self._sent = ""

    def pack(self, data: bytes) -> bytes:
        """Return the job of an attempt, with what it reads."""
        attempt = Attempt.model_validate_json(data)
        self._sent = attempt.id
        case, files = case_with_files(attempt.trial.case)
        baselines = baselines_of(attempt.trial)
        changes = {"case": case, "picture": "", "cache": "", "baselines": "baselines" if baselines else ""}
        for name in ("targets", "oracle"):  # shared by the trials of a run on one host
            changes[name] = getattr(attempt.trial, name).rpartition("/")[2]
        question = attempt.model_copy(update={"trial": attempt.trial.model_copy(update=changes)})
        seconds = attempt.timeout + 60.0
        sent = question.model_dump_json().encode()
        return job(attempt.id, "harness.hosts.trial", sent, seconds, [self._tree], {**files, **baselines})

    def unpack(self, result: bytes) -> bytes:
        """Return the reply of the attempt that was packed last, its files in the run's folder; raises LostError."""
        entries = answer(result, self._host)
        reply = read_reply(entries["answer"])
        if reply.attempt == self._sent:
            for name, data in below(entries, "out").items():
                path = self._folder.path / name
                if ".." in path.parts or not name.startswith("trials/"):
                    raise LostError(f"host {self._host}: file {name!r} is none of a trial's")
                path.parent.mkdir(parents=True, exist_ok=True)
                write_atomic(path, data)
        return entries["answer"]

    def drop(self, result: bytes) -> None:
        """Note a result that came too late."""
        with suppress(LostError):
            drop(self._folder, read_reply(answer(result, self._host)["answer"]))
