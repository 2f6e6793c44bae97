#!/usr/bin/env python3
"""StyleBench's command line: parse, call, exit status."""

import os
import sys
import traceback
from typing import Any, Callable

from harness.machine import requirements

if __name__ == "__main__" and requirements.absent():  # before anything is imported that needs them
    from harness.commands.bare import main as without_packages

    sys.exit(without_packages(sys.argv[1:]))

import click

from harness.commands import say
from harness.commands.against import compare_trees, continue_comparison
from harness.commands.approve import approve
from harness.commands.blame import blame
from harness.commands.calibrate import calibrate
from harness.commands.check import check
from harness.commands.choose import choose
from harness.commands.compare import compare
from harness.commands.doctor import doctor
from harness.commands.explain import explain
from harness.commands.history import history
from harness.commands.index import index
from harness.commands.list import list_all
from harness.commands.options import SectionedGroup, all_options, version_option
from harness.commands.push import push
from harness.commands.report import report
from harness.commands.request import Request, given_options, spelled
from harness.commands.run import continue_run, measure
from harness.errors import ChildFailedError
from harness.gates.exit_status import INTERNAL, INTERRUPTED, USAGE
from harness.machine.signals import end_as_interrupts
from reports.catalogue import language_asked_for, libraries_in
from reports.help import translated


@click.group(
    cls=SectionedGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@all_options
@version_option
def cli(**_: Any) -> None:
    """Benchmark neural style transfer under the Ascend 910's precision modes.

    \b
    python bench.py --suite perf      step time, throughput and loss of each mode
    python bench.py --suite accuracy  is each mode's picture still the approved one, and is it right
    python bench.py choose            which mode may be used for your own pictures, and why not the others
    python bench.py --suite smoke     does everything work, in under a minute
    python bench.py check             does your own graph compute right in each mode
    python bench.py list              suites, cases, modes and devices to choose from
    python bench.py doctor            what is installed and what is missing
    """
    context = click.get_current_context()
    if context.invoked_subcommand is not None:
        for name in given_options(context):
            command = context.invoked_subcommand
            raise click.UsageError(f"{spelled(name)} stands before {command}: expected {command} and its options only")
        return
    request = Request.from_context(context)
    request.check()
    context.exit(_action(request)(request))


for command in (
    approve,
    blame,
    calibrate,
    check,
    choose,
    compare,
    doctor,
    explain,
    history,
    index,
    list_all,
    push,
    report,
):
    cli.add_command(command)


def _action(request: Request) -> Callable[[Request], int]:
    if request.resume is not None:
        is_comparison = os.path.exists(os.path.join(request.resume, "comparison.json"))
        return continue_comparison if is_comparison else continue_run
    return measure if request.against is None else compare_trees


def main() -> int:
    """Run the command line and return the exit status."""
    language = language_asked_for(sys.argv)
    with libraries_in(language):
        return _run(translated(cli) if language == "zh" else cli)


def _run(command: click.Command) -> int:
    try:
        return command.main(standalone_mode=False) or 0
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except (click.Abort, KeyboardInterrupt):
        return _say("interrupted", INTERRUPTED)
    except click.ClickException as error:
        return _say(error.format_message(), USAGE)
    except (OSError, ChildFailedError) as error:
        # A full or failing disk: what the journal holds is kept, and --resume measures the rest.
        return _say(str(error), INTERNAL)
    except ImportError as error:  # of a package that only some commands need, or a broken one
        return _say(f"{error} ({requirements.ADVICE})", USAGE)
    except Exception as error:
        from harness.errors import UsageError
        from model.images import ImageError
        from model.vgg import NetworkError

        if isinstance(error, (UsageError, ImageError, NetworkError)):
            return _say(str(error), USAGE)
        # Never Python's own 1, which means that a gate failed.
        traceback.print_exc()
        return _say(f"{type(error).__name__}: this is a fault of bench.py, not of your input", INTERNAL)


def _say(reason: str, status: int) -> int:
    say(reason)
    return status


if __name__ == "__main__":
    end_as_interrupts()
    sys.exit(main())
