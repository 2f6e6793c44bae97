"""Command lines whose help is in Chinese; imports no package but what the caller has, as help needs none."""

import argparse
from typing import TYPE_CHECKING, Dict, Optional

from reports.catalogue import catalogue, let_libraries_speak_chinese

if TYPE_CHECKING:
    import click


def translate_commands(command: "click.Command") -> None:
    """Put the Chinese of every help text of a command and its subcommands in the place of the English."""
    let_libraries_speak_chinese()
    texts = catalogue().help
    _translate(command, texts)


def _translate(command: "click.Command", texts: Dict[str, str]) -> None:
    first_line = (command.help or "").partition("\n")[0]
    if first_line in texts:
        command.help = texts[first_line]
        command.short_help = texts[first_line].partition("。")[0] + "。"
    for parameter in command.params:
        if getattr(parameter, "help", None):  # arguments have none
            vars(parameter)["help"] = _found(texts, vars(parameter)["help"])
    for subcommand in getattr(command, "commands", {}).values():
        _translate(subcommand, texts)


def translate_parser(parser: argparse.ArgumentParser) -> None:
    """Do the same to a parser of argparse, which is to be made after `let_libraries_speak_chinese`."""
    texts = catalogue().help
    parser.description = _found(texts, parser.description)
    for group in parser._action_groups:
        group.title = _found(texts, group.title)
    for action in parser._actions:
        action.help = _found(texts, action.help)


def _found(texts: Dict[str, str], english: Optional[str]) -> Optional[str]:
    return texts.get(english, english) if english else english
