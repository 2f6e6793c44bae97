"""What people read, in English and Simplified Chinese. English stands in the code and is the key of the Chinese."""

import json
import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Dict, Mapping

from harness.gates.reasons import REASONS, Reason

LANGUAGES = ("en", "zh")
CATALOGUE = Path(__file__).resolve().parent / "zh.json"
_LOCALE_VARIABLES = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
"""In gettext's order: the first that is set decides."""

STATUSES: Dict[str, Reason] = {
    "ok": Reason("the trial ended well", "nothing to do"),
    "crashed": Reason("the trial's process died", "read its log; the last lines are shown"),
    "timed_out": Reason("the trial took longer than it may", "give it more time (--timeout) or a smaller case"),
    "diverged": Reason("a loss was no longer finite", "look at the losses and at --health, or lower the learning rate"),
    "refused": Reason("the device cannot run this trial", "see what python bench.py doctor finds"),
}
"""By the status of a trial."""


def language_of(environment: Mapping[str, str] = os.environ) -> str:
    """Return the language of the locale: `zh` for any Chinese one, else `en`."""
    value = next((environment[name] for name in _LOCALE_VARIABLES if environment.get(name)), "")
    return "zh" if value.lower().startswith("zh") else "en"


class Words:
    """Says things in one language."""

    def __init__(self, language: str = "en") -> None:
        self.language = language
        self._chinese = catalogue() if language == "zh" else {"words": {}, "reasons": {}, "statuses": {}}

    def __call__(self, english: str, **values: object) -> str:
        """Return the text with its `{names}` filled in; English where the catalogue has no word."""
        text = self._chinese["words"].get(english, english)
        return text.format(**values) if values else text

    def reason(self, code: str) -> Reason:
        """Return what a verdict's reason code means: what happened, and what to do."""
        return self._reason("reasons", code, REASONS)

    def status(self, status: str) -> Reason:
        """Return the same of a trial's status."""
        return self._reason("statuses", status, STATUSES)

    def _reason(self, section: str, code: str, english: Mapping[str, Reason]) -> Reason:
        chinese = self._chinese[section].get(code)
        if chinese:
            return Reason(*chinese)
        # A run of another version may hold codes that this one has no words for; what else is in them is not shown.
        return english.get(code, Reason(re.sub(r"[\W_]+", " ", code)))


ENGLISH = Words()


@lru_cache(maxsize=None)
def catalogue() -> Dict[str, Dict]:
    """The Chinese texts: `words` by their English, `reasons` and `statuses` as [what happened, what to do] by code."""
    return json.loads(CATALOGUE.read_text(encoding="utf-8"))
