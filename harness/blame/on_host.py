"""A host's part of a search for a cause: `python -m harness.blame.on_host FOLDER`; it answers with all messages."""

import sys
from pathlib import Path
from typing import List

from harness.blame.limits import Limits, TimeIsUp
from harness.blame.messages import Answer, HostQuestion, Question, Transcript
from harness.blame.search import blame
from harness.errors import ChildFailedError, UsageError
from harness.hosts.shipping import case_at, network_missing
from harness.store.cache import cache_folder
from harness.store.files import write_atomic


def main(home: Path) -> None:
    """Search, and leave what the search said from its first message to its last."""
    asked = HostQuestion.model_validate_json((home / "question").read_bytes())
    case = case_at(asked.question.case, home)
    question = asked.question.model_copy(update={"case": case, "cache": cache_folder()})
    said = searched(question, Limits.from_now(asked.seconds, asked.tries))
    write_atomic(home / "answer", said.model_dump_json().encode())


def searched(question: Question, limits: Limits) -> Transcript:
    """Search within the limits, and return everything that was said, however the search ends."""
    messages: List[Answer] = []

    def hear(answer: Answer) -> None:
        messages.append(answer)
        if limits.are_reached(answer, sum(message.score is not None for message in messages)):
            raise TimeIsUp

    try:
        missing = network_missing(question.case)
        if missing:
            raise UsageError(missing)
        messages.append(Answer(blame=blame(question, hear)))
    except TimeIsUp:
        return Transcript(messages=messages, is_spent=True)
    except ChildFailedError as error:
        return Transcript(messages=messages, failure=str(error))
    except UsageError as error:
        messages.append(Answer(error=str(error)))
    return Transcript(messages=messages)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
