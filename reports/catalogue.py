"""The Chinese texts, and which language is asked for; of the standard library alone, for help has to be fast."""

import gettext
import json
import os
import re
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Dict, Iterator, List, Mapping, NamedTuple, Pattern, Sequence, Tuple

LANGUAGES = ("en", "zh")
_FILE = Path(__file__).resolve().parent / "zh.json"
_LOCALE_VARIABLES = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
"""In gettext's order: the first that is set decides."""
_HOLE = re.compile(r"{(\d)}")


class Catalogue(NamedTuple):
    """The texts of a language other than English."""

    words: Dict[str, str] = {}
    """By their English."""
    remarks: Dict[str, str] = {}
    """Sentences by the code of a remark."""
    reasons: Dict[str, List[str]] = {}
    """What happened and what to do, by the reason code of a verdict."""
    statuses: Dict[str, List[str]] = {}
    """The same by the status of a trial."""
    help: Dict[str, str] = {}
    """What `--help` shows, by its English; commands' docstrings by their first line."""
    libraries: Dict[str, str] = {}
    """What click and argparse say themselves, by their English."""
    messages: Dict[str, str] = {}
    """Errors and other sentences that come whole, by the form of the English: {0}, {1}, ... stand for values."""


@lru_cache(maxsize=None)
def catalogue() -> Catalogue:
    """Return the Chinese texts."""
    return Catalogue(**json.loads(_FILE.read_text(encoding="utf-8")))


def language_of(environment: Mapping[str, str] = os.environ) -> str:
    """Return the language of the locale: `zh` for any Chinese one, else `en`."""
    value = next((environment[name] for name in _LOCALE_VARIABLES if environment.get(name)), "")
    return "zh" if value.lower().startswith("zh") else "en"


def language_asked_for(arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> str:
    """Return the language of a command line that nobody has parsed yet: of its --lang, else of the locale."""
    given = [value for name, value in zip(arguments, arguments[1:]) if name == "--lang"]
    given += [argument[len("--lang=") :] for argument in arguments if argument.startswith("--lang=")]
    return next((value for value in given if value in LANGUAGES), language_of(environment))


@contextmanager
def libraries_in(language: str) -> Iterator[None]:
    """Make click and argparse say their own words in this language for a while.

    They ask gettext, which has no catalogue of theirs, so that it answers from ours.
    """
    if language != "zh":
        yield
        return
    texts = {**catalogue().help, **catalogue().libraries}
    theirs = gettext.dgettext, gettext.dngettext
    vars(gettext)["dgettext"] = lambda domain, message: texts.get(message, message)
    vars(gettext)["dngettext"] = lambda domain, one, many, n: texts.get(one, one if n == 1 else many)
    try:
        yield
    finally:
        vars(gettext)["dgettext"], vars(gettext)["dngettext"] = theirs


def in_chinese(message: str) -> str:
    """Return a message in Chinese, found by its form; what has no Chinese stays as it is, part for part.

    Values in it are translated likewise, for a message may quote another. Parts between ": " are tried one by one where
    the whole has no form of its own.
    """
    for form, chinese in _forms():
        match = form.fullmatch(message)
        if match is not None:
            values = {name: in_chinese(value) for name, value in match.groupdict().items()}
            return "".join(values[f"value{part}"] if i % 2 else part for i, part in enumerate(_HOLE.split(chinese)))
    head, colon, rest = message.partition(": ")
    if not colon:
        return message
    translated = in_chinese(rest)
    return message if translated == rest else f"{in_chinese(head)}：{translated}"


@lru_cache(maxsize=None)
def _forms() -> List[Tuple[Pattern[str], str]]:
    """Return what matches each message's English, and its Chinese; those with most text of their own come first."""
    forms = sorted(catalogue().messages.items(), key=lambda item: len(_HOLE.sub("", item[0])), reverse=True)
    return [(re.compile(_matching(english), re.DOTALL), chinese) for english, chinese in forms]


def _matching(english: str) -> str:
    parts = _HOLE.split(english)  # texts and numbers of holes in turn
    return "".join(f"(?P<value{part}>.+?)" if index % 2 else re.escape(part) for index, part in enumerate(parts))
