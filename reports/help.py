"""Command lines whose help is in Chinese; imports no package but what the caller has, as help needs none."""

import argparse
import copy
from typing import TYPE_CHECKING, Optional

from reports.catalogue import catalogue

if TYPE_CHECKING:
    import click


def translated(command: "click.Command") -> "click.Command":
    """Return a copy of a command and of those below it, with the Chinese of every help text in its place."""
    other, texts = copy.copy(command), catalogue().help
    first_line = (command.help or "").partition("\n")[0]
    if first_line in texts:
        other.help = texts[first_line]
        other.short_help = texts[first_line].partition("。")[0] + "。"
    other.params = [copy.copy(parameter) for parameter in command.params]
    for parameter in other.params:
        if getattr(parameter, "help", None):  # arguments have none
            vars(parameter)["help"] = _found(vars(parameter)["help"])
    subcommands = getattr(command, "commands", {})
    vars(other)["commands"] = {name: translated(subcommand) for name, subcommand in subcommands.items()}
    return other


def translate_parser(parser: argparse.ArgumentParser) -> None:
    """Put the Chinese of every help text in the place of the English."""
    parser.description = _found(parser.description)
    for group in parser._action_groups:
        group.title = _found(group.title)
    for action in parser._actions:
        action.help = _found(action.help)


def _found(english: Optional[str]) -> Optional[str]:
    return catalogue().help.get(english, english) if english else english
