"""Settings for all tests: keep TensorFlow's own log and deprecations out of the output."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def pytest_configure(config):
    for category in ("DeprecationWarning", "FutureWarning"):
        # tensorflow, tensorflow_core, tensorboard, tensorflow_estimator
        config.addinivalue_line("filterwarnings", f"ignore::{category}:tensor")
