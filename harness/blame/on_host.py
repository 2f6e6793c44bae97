"""A host's part of a search for a cause: `python -m harness.blame.on_host FOLDER`; it answers with all messages."""

import sys
from pathlib import Path
from typing import List

from harness.blame.messages import Answer, Question, Transcript
from harness.blame.search import blame
from harness.errors import UsageError
from harness.hosts.shipping import case_at, network_missing
from harness.store.cache import cache_folder
from harness.store.files import write_atomic


def main(home: Path) -> None:
    """Search, and leave what the search said from its first message to its last."""
    question = Question.model_validate_json((home / "question").read_bytes())
    case = case_at(question.case, home)
    messages: List[Answer] = []
    try:
        missing = network_missing(case)
        if missing:
            raise UsageError(missing)
        asked = question.model_copy(update={"case": case, "cache": cache_folder()})
        messages.append(Answer(blame=blame(asked, messages.append)))
    except UsageError as error:
        messages.append(Answer(error=str(error)))
    write_atomic(home / "answer", Transcript(messages=messages).model_dump_json().encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
