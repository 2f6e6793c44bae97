"""The options that say how a graph is run, shared by the commands that run one."""

from typing import TYPE_CHECKING, Any, Callable, Dict, List, Tuple

import click

from harness.commands.options import Command
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.check.messages import GraphQuestion

_COUNT = click.IntRange(1)
_RANGE = "-1..1"
_NAMES = ("graph", "signature", "fetches", "shapes", "inputs", "feeds", "init_op")
_COMPILER = ("mixlist", "customize_dtypes", "fusion_switch", "cann", "op_table")
_DEFAULTS: Dict[str, Any] = {"between": _RANGE, "seed": 0, "samples": 3, "steps": 1, "noise": 6}
"""By the name of an option that has a default."""


def feeding_options(steps: bool = True) -> Callable[[Command], Command]:
    """Return a decorator that adds the options for what a graph is fed and how it is run; `graph_question` reads them.

    Args:
        steps: whether to add --steps, which some commands have already.
    """
    options = [
        click.option("--feeds", metavar="FILE.npz|DIR", help="Arrays by placeholder; a folder of files is a sample."),
        click.option(
            "--range", "between", metavar="A..B", default=_RANGE, show_default=True, help="Range of random feeds."
        ),
        click.option("--seed", type=int, metavar="N", default=0, show_default=True, help="Seed of random feeds."),
        click.option(
            "--samples", type=_COUNT, metavar="N", default=3, show_default=True, help="How many sets of random feeds."
        ),
        click.option("--init-op", metavar="NAME", help="Operation that sets the variables; init unless given."),
        click.option(
            "--noise",
            type=_COUNT,
            metavar="N",
            default=6,
            show_default=True,
            help="Runs with noise on the inputs, from which the limits come.",
        ),
    ]
    if steps:
        options.append(
            click.option("--steps", type=_COUNT, metavar="N", default=1, show_default=True, help="Steps of training.")
        )

    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def refuse_without_graph(values: Dict[str, Any]) -> None:
    """Raise UsageError when an option of a graph was given without one."""
    for name in [name for name in (*_NAMES, *_DEFAULTS) if name in values]:
        if values[name] not in (None, (), _DEFAULTS.get(name)):
            raise UsageError(f"--{_spelling(name)}: it is of --graph (expected --graph FILE beside it)")


def graph_question(values: Dict[str, Any]) -> "GraphQuestion":
    """Return how the options of `graph_options` and `feeding_options` say that a graph is run; raises UsageError."""
    from harness.check.feeds import feed_files, parse_range
    from harness.check.messages import GraphQuestion, RandomRange
    from harness.graphs.source import graph_source

    low, high = parse_range(values["between"])
    if not 0 <= values["seed"] < 2**32:
        raise UsageError(f"--seed {values['seed']}: expected a number from 0 to {2**32 - 1}")
    names = ("graph", "signature", "fetches", "shapes", "inputs")
    return GraphQuestion(
        graph=graph_source(*(values[name] for name in names)),
        feeds=feed_files(values["feeds"]) if values["feeds"] else (),
        random=RandomRange(low=low, high=high, seed=values["seed"], samples=values["samples"]),
        initialize=values["init_op"] or "",
        steps=values["steps"],
        noise=values["noise"],
    )


def spelled_options(values: Dict[str, Any]) -> Tuple[str, ...]:
    """Return the same options, and files of modes, as a command line spells them; defaults are left out."""
    words: List[str] = []
    for name in [name for name in (*_NAMES, *_DEFAULTS, *_COMPILER) if name in values]:
        value = values[name]
        for one in value if isinstance(value, tuple) else (value,):
            if one is not None and one != _DEFAULTS.get(name):
                words += [f"--{_spelling(name)}", str(one)]
    return tuple(words)


def _spelling(name: str) -> str:
    spelled = {"fetches": "fetch", "shapes": "shape", "inputs": "input", "between": "range"}
    return spelled.get(name, name).replace("_", "-")
