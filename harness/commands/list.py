"""bench.py list: what there is to choose from."""

from typing import Optional

import click

from harness.commands.options import language_option


@click.command("list")
@click.option("--suite", metavar="NAME|FILE.toml", help="Only this suite; one of your own is checked so.")
@language_option
def list_all(suite: Optional[str], lang: Optional[str]) -> None:
    """List suites with their cases, modes with what they lower, and devices."""
    import suites
    from harness import modes
    from harness.machine import cann, environment
    from harness.precision import FURTHER_MODES
    from reports.language import Words, language_of
    from reports.terminal import listing

    words = Words(lang or language_of())
    listing.print_suites([suites.get(name) for name in ([suite] if suite else suites.names())], words)
    if suite is None:
        listing.print_modes([*modes.NAMES, *FURTHER_MODES], words)
        listing.print_devices(environment.usable_cores(), len(cann.cards()), words)
