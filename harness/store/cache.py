"""The folder of things that can be made again, such as the synthetic network."""

import os


def cache_folder() -> str:
    """Return the user's cache folder for this program; empty where the user has none, and all is made anew."""
    import platformdirs

    try:
        folder = platformdirs.user_cache_dir("stylebench")
    except RuntimeError:  # neither HOME nor an entry among the users, as in a container
        return ""
    # Before release 4.1 platformdirs returned "~/.cache" there, which would be a folder called "~".
    return folder if os.path.isabs(folder) else ""
