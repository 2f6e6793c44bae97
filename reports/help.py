"""Command lines whose help is in Chinese; imports no package but what the caller has, as help needs none."""

import argparse
import copy
import re
from typing import TYPE_CHECKING, Optional, Type

from reports.catalogue import catalogue

if TYPE_CHECKING:
    import click


def translated(command: "click.Command") -> "click.Command":
    """Return a copy of a command and of those below it, with the Chinese of every help text in its place."""
    other, texts = copy.copy(command), catalogue().help
    other.context_class = _context_class()
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


def _context_class() -> "Type[click.Context]":
    """Return a context whose help has the colon of Chinese behind a heading."""
    import click

    class Formatter(click.HelpFormatter):
        def write_heading(self, heading: str) -> None:
            self.write(f"{'':>{self.current_indent}}{heading}：\n")

    class Context(click.Context):
        formatter_class = Formatter

    return Context


class _Formatter(argparse.HelpFormatter):
    """The same of argparse's headings."""

    def format_help(self) -> str:
        return re.sub(r"^(\S.*):$", r"\1：", super().format_help(), flags=re.MULTILINE)


def translate_parser(parser: argparse.ArgumentParser) -> None:
    """Put the Chinese of every help text in the place of the English."""
    parser.formatter_class = _Formatter
    parser.description = _found(parser.description)
    for group in parser._action_groups:
        group.title = _found(group.title)
    for action in parser._actions:
        action.help = _found(action.help)


def _found(english: Optional[str]) -> Optional[str]:
    return catalogue().help.get(english, english) if english else english
