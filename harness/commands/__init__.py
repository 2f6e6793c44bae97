"""What the commands of bench.py do: they call the harness, hand the outcome to the reports, and know exit statuses."""

from pathlib import Path

BASELINES = Path(__file__).resolve().parent.parent.parent / "baselines"
EXIT_USAGE, EXIT_INCONCLUSIVE, EXIT_INCOMPARABLE, EXIT_TRIAL_FAILED = 2, 3, 4, 5
EXIT_INTERNAL, EXIT_INTERRUPTED = 70, 130


def cache_folder() -> str:
    """Folder for things that can be made again."""
    import platformdirs

    return platformdirs.user_cache_dir("stylebench")
