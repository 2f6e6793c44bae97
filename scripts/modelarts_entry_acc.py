#!/usr/bin/env python3
"""ModelArts entry of scripts/train_full_1p.sh: --data_url FOLDER --train_url FOLDER."""

import sys

from modelarts import run

if __name__ == "__main__":
    sys.exit(run("train_full_1p.sh"))
