"""How a stylization is run and judged, in rooms named by nouns; each imports only what stands below it.

    commands                            one file a command of bench.py; stands above reports/ too
    comparisons                         two sides measured: revisions, stored runs, a machine with itself
    runs        gates       check       many trials; run x baselines -> verdicts; the user's own graph in every mode
    mission     plans       blame       the reference program's job; dtype plans, asked for; which ops spoil a picture
    suite_file                          suites of the user's own
    hosts                               other machines, reached through Ray, that trials are spread over
    trial       modes                   one process and who watches it; precision modes by name, with their options
    devices     fidelity    history     where a step runs; is the picture right; figures over many runs
    step        machine     store       one training step; what machine this is; what lies on the disk
    graphs                              other people's graphs, from files, with what they are run for and fed
    records                             the nouns
    precision                           what the card's compiler decides, and the graph that computes so
    statistics  errors      remark      reading
                                        beside model/, which knows nothing of all this

The parent's side starts without TensorFlow: only workers import it, inside the functions that need it. Other imports
within functions keep `bench.py --help` fast. pyproject.toml holds the order of the floors as a test.
"""

import os

# Before TensorFlow starts, in this process or in a child: it says errors alone, unless the user wants more.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
