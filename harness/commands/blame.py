"""bench.py blame: which ops make a mode's picture wrong."""

from pathlib import Path
from typing import Optional

import click

from harness.commands.options import output_option
from harness.errors import UsageError
from harness.gates.exit_status import INCONCLUSIVE
from harness.store.cache import cache_folder


@click.command()
@click.argument("mode")
@click.option(
    "--size",
    type=int,
    metavar="PIXELS",
    default=64,
    show_default=True,
    help="Width of the picture.",
)
@click.option("--steps", type=int, metavar="N", default=10, show_default=True, help="Updates of the picture.")
@click.option("--network", metavar="NAME|FILE", help="synthetic, or the path of imagenet-vgg-verydeep-19.mat.")
@click.option("--mixlist", metavar="FILE", help="modify_mixlist file (JSON) for the mixed modes.")
@click.option("--customize-dtypes", metavar="FILE", help="customize_dtypes file; what is found is added to it.")
@output_option("Folder that gets the search's folder.")
@click.pass_context
def blame(
    context: click.Context,
    mode: str,
    size: int,
    steps: int,
    network: Optional[str],
    mixlist: Optional[str],
    customize_dtypes: Optional[str],
    output: str,
) -> None:
    """Find which ops of the step make MODE's picture wrong.

    Parts of the step are kept in float32 and the picture is scored anew, some dozens of times, until the smallest part
    is left that makes the mode fit. It is written as a customize_dtypes file.
    """
    import suites
    from harness import modes
    from harness.blame import search as causes
    from harness.devices import memory
    from harness.store.files import write_atomic
    from harness.store.run_folder import RunFolder
    from reports.terminal.blame import BlameProgress, print_blame

    (chosen,) = modes.with_options([modes.get(mode)], mixlist, customize_dtypes)
    if chosen.emit == "native":
        raise UsageError(f"blame {mode}: it swaps kernels of the 910, which has no bfloat16; expected a float16 mode")
    changes = {"size": size, "steps": steps, **({"network": network} if network else {})}
    case = suites.customize(suites.get("accuracy"), changes, {}).cases[0]
    question = causes.Question(
        case=memory.resolve(case, cache_folder(), [chosen], "cpu"), mode=chosen, cache=cache_folder()
    )
    found = causes.blame(question, BlameProgress().scored)
    folder = RunFolder.create(Path(output), "blame").path
    write_atomic(folder / "blame.json", (found.model_dump_json(indent=1) + "\n").encode())
    file = folder / "float32.cfg"
    if found.customize_dtypes:
        write_atomic(file, found.customize_dtypes.encode())
    print_blame(found, file)
    context.exit(0 if found.fit_after else INCONCLUSIVE)
