"""What the search for a cause is asked, and what it says while it goes on."""

from typing import List, Optional, Tuple

from typing_extensions import Literal

from harness.records import Blame, Case, GraphBlame, Mode, Record


class Question(Record):
    """A case, small and with few steps, and the mode whose picture is wrong in it."""

    case: Case
    mode: Mode
    cache: str = ""
    hints: Tuple[Tuple[str, ...], ...] = ()
    """Names of ops that mended other modes of the case: the first such set that mends this one too is the answer."""


Phase = Literal["hosts", "reference", "noise", "counting", "proof"]
"""What is run beside the sets: the search on a host, of which is heard once it ends; the reference mode, that with
noise, the mode's picture twice, and what was found once more, as the written file says it."""


class Attempt(Record):
    """A set of ops that is about to be tried in float32."""

    blocks: Tuple[str, ...]
    stage: int = 0
    """Number of the stage, from 1 to the last of the search's; 0 for the mode as it is, and for all its ops."""
    left: int = 0
    """How many sets this stage tries at most from here on, this one included."""


class Score(Record):
    """What one set of ops in float32 does to the picture."""

    ops: Tuple[str, ...]
    blocks: Tuple[str, ...]
    distance: float
    """1 - SSIM of the luminance to the reference mode's picture; of a graph that of the fetch nearest to its limit."""
    limit: Optional[float] = None
    """Largest distance of a fit fetch of a graph; None for pictures."""
    true_loss_ratio: Optional[float] = None
    """True loss over that of the reference mode's picture; None for graphs."""
    fit: bool
    customize_dtypes: str = ""
    """Text of a customize_dtypes file that keeps the ops in float32, where the mode is fit with it."""


class Answer(Record):
    """A message of the search: one field is set; the last message holds what was found or why it cannot begin."""

    phase: Optional[Phase] = None
    attempt: Optional[Attempt] = None
    score: Optional[Score] = None
    blame: Optional[Blame] = None
    graph_blame: Optional[GraphBlame] = None
    error: str = ""


class HostQuestion(Record):
    """A question to a host, and what the search may take there."""

    question: Question
    seconds: Optional[float] = None
    tries: Optional[int] = None


class Transcript(Record):
    """Everything that a search said, from its first message to its last, and how it ended without an answer."""

    messages: List[Answer] = []
    is_spent: bool = False
    """True when it had the time or the tries that it was given."""
    failure: str = ""
    """Why it failed; empty when it did not."""
