"""What changed in a history, and at which revision, in words."""

from harness.history.changes import Change
from harness.history.series import Entry
from reports.figures import NOT_MEASURED
from reports.language import Words


def change_text(change: Change, words: Words) -> str:
    """Return what changed, between which revisions, by how much, and what mended it."""
    parts = [_levels(change, words)]
    if change.low is not None and change.high is not None and change.ratio is not None:
        size, low, high = (f"{ratio - 1:+.1%}" for ratio in (change.ratio, change.low, change.high))
        parts.append(words("{size}, 95 % interval {low} to {high}", size=size, low=low, high=high))
    before, after = dated_revision(change.before), dated_revision(change.after)
    parts.append(words("between {before} and {after}", before=before, after=after))
    if change.mended:
        parts.append(words("mended by {revision}", revision=dated_revision(change.mended)))
    return words.semicolon.join(parts)


def short_change_text(change: Change, words: Words) -> str:
    """Return what changed and at which revision, for a cell of a table."""
    return f"{_levels(change, words)}{words.comma}{dated_revision(change.after)}"


def _levels(change: Change, words: Words) -> str:
    exact = change.figure == "casts"
    old, new = (f"{level:.0f}" if exact else f"{level:.4g} s" for level in (change.old, change.new))
    return f"{words(change.figure)} {old} → {new}"


def dated_revision(entry: Entry) -> str:
    """Return a revision, short, with its day."""
    return f"{short_revision(entry)} ({entry.committed[:10]})"


def short_revision(entry: Entry) -> str:
    """Return the first letters of a revision, with + for changes that were not committed."""
    revision = entry.revision or NOT_MEASURED
    return revision[:7] + ("+" if revision.endswith("-dirty") else "")
