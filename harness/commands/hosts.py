"""The option --hosts: the hosts are claimed while a command measures, and let go after it."""

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Callable, Iterator, Optional

import click

if TYPE_CHECKING:
    from harness.hosts.run import HostMachines
    from reports.language import Words

Command = Callable[..., Any]


def hosts_option(command: Command) -> Command:
    """Add the option that names the cluster whose hosts measure."""
    return click.option(
        "--hosts", metavar="auto|ADDRESS", help="Measure on the hosts of this Ray cluster; auto: the one joined here."
    )(command)


@contextmanager
def claimed_machines(
    address: Optional[str], device: str, words: "Words", quiet: bool = False
) -> "Iterator[Optional[HostMachines]]":
    """Claim the hosts of a cluster for the context; None without an address.

    Raises:
        UsageError: there is no such cluster or host, one cannot be measured on, or Ray is missing.
    """
    if address is None:
        yield None
        return
    from harness.hosts import engine
    from harness.hosts.run import HostMachines
    from reports.terminal.progress import Progress

    with Progress(quiet=quiet, words=words) as progress:
        cluster = engine.connect(address, device, lambda: progress.preparing("hosts"))
    try:
        yield HostMachines(cluster)
    finally:
        engine.disconnect(cluster)
