"""The loss history of one stylization: progress.txt for programs, progress.png for the eye."""

import io
from typing import Any, Dict, List

import numpy as np

from harness.mission.loop import LOSSES, Outcome


def progress_files(outcome: Outcome) -> Dict[str, bytes]:
    """Return the progress files that the job asks for, contents by path, however the job ended."""
    job = outcome.job
    # Row 0 is the start, which the reference program prints and does not record.
    recorded = [updates for updates in range(1, len(outcome.rows)) if job.is_printed(updates)]
    table = np.column_stack([recorded, outcome.rows[recorded]]) if recorded else np.empty((0, 1 + len(LOSSES)))
    files = {}
    if job.progress_write:
        files[job.beside("progress.txt")] = _text(table)
    if job.progress_plot:
        files[job.beside("progress.png")] = _plot(table)
    return files


def _text(table: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savetxt(buffer, table, header=" ".join(["itr", *LOSSES]))
    return buffer.getvalue()


def _plot(table: np.ndarray) -> bytes:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots()
    lines: List[Any] = []
    for column, name in enumerate(LOSSES, 1):
        lines += axes.semilogy(table[:, 0], table[:, column], label=name)
    axes.set_xlabel("iterations")
    axes.set_ylabel("loss")
    axes.legend(handles=lines)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    pyplot.close(figure)
    return buffer.getvalue()
