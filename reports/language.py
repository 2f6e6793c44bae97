"""What people read, in English and Simplified Chinese. English stands in the code and is the key of the Chinese."""

import json
import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Dict, List, Mapping, NamedTuple, Sequence, Tuple, Union

from harness.gates.reasons import REASONS, Reason
from harness.remark import Remark
from reports.sentences import SENTENCES

LANGUAGES = ("en", "zh")
_CATALOGUE = Path(__file__).resolve().parent / "zh.json"
_LOCALE_VARIABLES = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
"""In gettext's order: the first that is set decides."""
_NAMED = 3
"""Names of a list that are all given; of a longer one the first and the last are."""

STATUSES: Dict[str, Reason] = {
    "ok": Reason("the trial ended well", "nothing to do"),
    "crashed": Reason("the trial's process died", "read its log; the last lines are shown"),
    "timed_out": Reason("the trial took longer than it may", "give it more time (--timeout) or a smaller case"),
    "diverged": Reason("a loss was no longer finite", "look at the losses and at --health, or lower the learning rate"),
    "refused": Reason("the device cannot run this trial", "see what `python bench.py doctor` finds"),
}
"""By the status of a trial."""


def language_of(environment: Mapping[str, str] = os.environ) -> str:
    """Return the language of the locale: `zh` for any Chinese one, else `en`."""
    value = next((environment[name] for name in _LOCALE_VARIABLES if environment.get(name)), "")
    return "zh" if value.lower().startswith("zh") else "en"


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


class Words:
    """Says things in one language; English where the catalogue has no text."""

    def __init__(self, language: str = "en") -> None:
        self.language = language
        self._catalogue = catalogue() if language == "zh" else Catalogue()
        self.colon, self.comma, self.semicolon, self.stop = "：，；。" if language == "zh" else (": ", ", ", "; ", ".")

    def __call__(self, english: str, **values: object) -> str:
        """Return the text with its `{names}` filled in."""
        text = self._catalogue.words.get(english, english)
        return text.format(**values) if values else text

    def sentence(self, clauses: Sequence[str]) -> str:
        """Join clauses into one sentence."""
        return self.semicolon.join(clauses) + self.stop

    def remark(self, remark: Remark) -> str:
        """Return the sentence of a remark with its values in it."""
        sentence = self._catalogue.remarks.get(remark.code) or SENTENCES.get(remark.code)
        values = {name: self._value(value) for name, value in remark.values.items()}
        if sentence is not None:
            try:
                return sentence.format(**values)
            except (KeyError, ValueError):
                pass  # written by another version, whose sentence takes other values
        return " ".join([self.reason(remark.code).happened, *map(str, values.values())])

    def _value(self, value: Union[str, int, float, Tuple[str, ...], Remark]) -> Union[str, int, float]:
        if isinstance(value, Remark):
            return self.remark(value)
        if isinstance(value, tuple):
            return ", ".join(value) if len(value) <= _NAMED else f"{value[0]} ... {value[-1]} ({len(value)})"
        return value

    def reason(self, code: str) -> Reason:
        """Return what a verdict's reason code means: what happened, and what to do."""
        return _reason(code, self._catalogue.reasons, REASONS)

    def status(self, status: str) -> Reason:
        """Return the same of a trial's status."""
        return _reason(status, self._catalogue.statuses, STATUSES)


def _reason(code: str, chinese: Mapping[str, Sequence[str]], english: Mapping[str, Reason]) -> Reason:
    if code in chinese:
        return Reason(*chinese[code])
    # A run of another version may hold codes that this one has no words for; what else is in them is not shown.
    return english.get(code, Reason(re.sub(r"[\W_]+", " ", code)))


ENGLISH = Words()


@lru_cache(maxsize=None)
def catalogue() -> Catalogue:
    """Return the Chinese texts."""
    return Catalogue(**json.loads(_CATALOGUE.read_text(encoding="utf-8")))
