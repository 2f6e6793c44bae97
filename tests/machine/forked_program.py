"""What tests.machine.test_forking lets a forked process do: the Python code that it is asked."""

import os
import sys

from harness.machine.child import start_time, to_parent


def main():
    with to_parent() as parent:

        def say(what):
            print(what, file=parent, flush=True)

        exec(sys.stdin.read(), {"say": say, "os": os, "sys": sys, "start_time": start_time})


if __name__ == "__main__":
    main()
