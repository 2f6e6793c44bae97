"""What people read, in English and Simplified Chinese. English stands in the code and is the key of the Chinese."""

import re
from typing import Dict, Mapping, Sequence, Tuple, Union

from harness.gates.reasons import REASONS, Reason
from harness.remark import Remark
from reports.catalogue import LANGUAGES, Catalogue, catalogue, in_chinese, language_of
from reports.sentences import SENTENCES

__all__ = ["ENGLISH", "LANGUAGES", "STATUSES", "Words", "catalogue", "language_of"]

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

    def aside(self, text: str) -> str:
        """Return a text in brackets, as it stands after another."""
        return f"（{text}）" if self.language == "zh" else f" ({text})"

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
        return self.message(value) if isinstance(value, str) else value

    def message(self, english: str) -> str:
        """Return a sentence that comes whole, such as an error's, with its values in it."""
        return in_chinese(english) if self.language == "zh" else english

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
