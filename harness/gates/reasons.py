"""What the reason codes of verdicts mean: data for the reports, no logic."""

from typing import Dict, NamedTuple


class Reason(NamedTuple):
    """What happened that led to a verdict, and what the user can do about it.

    Commands in the advice stand between backticks; {run}, {suite} and {mode} in them are the verdict's own.
    """

    happened: str
    advice: str = ""


REASONS: Dict[str, Reason] = {
    # Coverage
    "all_measured": Reason("every replicate ended well", "nothing to do"),
    "not_measured": Reason("not every replicate ended well", "see the failed trials and their logs"),
    "not_in_run": Reason(
        "a baseline is stored, but this run has no such case and mode",
        "measure the whole suite, or remove the baseline of what the suite no longer has",
    ),
    "only_in_one": Reason("only one of the two runs has it", "run the same suite with the same options"),
    # Plans
    "plan_same": Reason("the dtype plan is the approved one", "nothing to do"),
    "plan_changed": Reason(
        "the dtype plan is not the approved one",
        "if the change is meant, approve it and commit baselines/: "
        "`python bench.py approve {run} --changed --reason TEXT`",
    ),
    "graph_plan_changed": Reason(
        "the graph's dtype plan is not the approved one",
        "if the change is meant, give the same command with `--approve --reason TEXT`, and commit what it writes",
    ),
    "no_graph_baseline": Reason(
        "no plan of this mode is approved",
        "give the same command with `--approve --reason TEXT`, and commit what it writes",
    ),
    "other_graph_use": Reason(
        "the approved plan is of other fetches, shapes, inputs or another signature",
        "give the options of the approved plan, or approve the new ones: the same command with "
        "`--approve --reason TEXT`",
    ),
    "other_graph_mode": Reason(
        "the approved plan is of a mode with other options",
        "give the mixlist and dtypes of the approved plan, or approve the new ones: the same command with "
        "`--approve --reason TEXT`",
    ),
    # Baselines
    "no_baseline": Reason(
        "no baseline is stored",
        "approve this one and commit baselines/: `python bench.py approve {run} --missing --reason TEXT`",
    ),
    "no_timing": Reason(
        "no timing of this machine is stored",
        "to gate on times too, approve a run of this machine and commit baselines/: "
        "`python bench.py approve {run} --missing --reason TEXT`",
    ),
    "other_case": Reason(
        "the stored baseline is of another case: pictures, size, steps, settings, network or seed differ",
        "run the suite as it is stored, or approve the new case and commit baselines/: "
        "`python bench.py approve {run} --changed --reason TEXT`",
    ),
    "other_mode": Reason(
        "the stored baseline is of a mode with other options",
        "use the stored options, or approve the new ones and commit baselines/: "
        "`python bench.py approve {run} --changed --reason TEXT`",
    ),
    "cases_differ": Reason(
        "the case is another one in each run: pictures, size, steps, settings, network or seed differ",
        "run both with the same options",
    ),
    "modes_differ": Reason(
        "the mode has other options in each run", "run both with the same mixlist, dtypes and other options of the mode"
    ),
    "plans_same": Reason("both have the same dtype plan", "nothing to do"),
    "plans_differ": Reason(
        "the dtype plans differ", "look at what changed between the two: the graph, the mode or the operator table"
    ),
    "alike": Reason("the pictures and the first step are alike, but for noise", "nothing to do"),
    "apart": Reason(
        "the pictures or the first step lie further apart than noise moves them",
        "look at the first figure named, they stand in the order of computation",
    ),
    "incomplete_run": Reason(
        "the first run lacks figures that the second has measured", "run both with the same version of the harness"
    ),
    "losses_same": Reason("the first step's losses are the same but for rounding", "nothing to do"),
    "losses_differ": Reason(
        "the first step's losses differ by more than rounding",
        "look at what changed between the two: the network, the pictures' preparation, or the loss",
    ),
    "other_variant": Reason(
        "the two were drawn by other kinds of devices, or by other major versions of TensorFlow",
        "run both on the same kind of device with the same TensorFlow",
    ),
    "unreadable_picture": Reason("the picture of a run cannot be read", "restore the run's folder, or run it anew"),
    "bad_baseline": Reason("the stored baseline cannot be read", "restore it from version control"),
    "incomplete_baseline": Reason(
        "the stored baseline lacks figures that this run has measured",
        "restore it, or approve the run and commit baselines/: `python bench.py approve {run} --changed --reason TEXT`",
    ),
    # Figures that were measured
    "slower": Reason("slower than before", "look at what changed since, or accept it knowingly"),
    "faster": Reason(
        "faster than before",
        "nothing to do; to hold what was won: `python bench.py approve {run} --changed --reason TEXT`",
    ),
    "larger": Reason("more than before", "look at what changed since, or accept it knowingly"),
    "smaller": Reason(
        "less than before",
        "nothing to do; to hold what was won: `python bench.py approve {run} --changed --reason TEXT`",
    ),
    "equal": Reason("as before", "nothing to do"),
    "not_slower": Reason("not slower than before, by too little or too noisy to say more", "nothing to do"),
    "not_larger": Reason("not more than before, by too little or too noisy to say more", "nothing to do"),
    "cannot_tell": Reason(
        "too noisy to tell",
        "measure more processes, or on a quieter machine; this is neither a pass nor a failure",
    ),
    "unconfirmed": Reason(
        "more than before, but not measured a second time", "run it again and let the confirmation end"
    ),
    "not_confirmed": Reason(
        "more than before at first, but not when measured again later",
        "run it again on a quieter machine; this is neither a pass nor a failure",
    ),
    "never_steady": Reason(
        "the steps of a process never settled",
        "run it again on a quieter machine; this is neither a pass nor a failure",
    ),
    "too_few": Reason("fewer than two processes were measured", "raise --replicates"),
    # Fidelity
    "as_baseline": Reason("the picture and the first step are as approved", "nothing to do"),
    "regressed": Reason(
        "further from the approved picture or first step than noise moves it",
        "look at the first figure named, they stand in the order of computation; if the change is meant, approve it "
        "and commit baselines/: `python bench.py approve {run} --changed --reason TEXT`",
    ),
    "other_size": Reason(
        "the stored picture has another size",
        "run the suite as it is stored, or approve the new one and commit baselines/: "
        "`python bench.py approve {run} --changed --reason TEXT`",
    ),
    "cannot_gate": Reason(
        "noise may move this picture further than each known fault does, so that it shows nothing at this length",
        "this is neither a pass nor a failure; judge a shorter run, or a start that is less chaotic",
    ),
    "not_neutral": Reason(
        "watching the step changed its picture: what the probes say is of another job",
        "this is neither a pass nor a failure; see the picture's own figures",
    ),
    "fit": Reason("the picture is as right as noise of the mode's own format leaves it", "nothing to do"),
    "wrong": Reason("the picture is wrong", "find the cause: `python bench.py blame {mode}{pictures}`"),
    "not_judged": Reason("whether the picture is right was not measured", "measure the whole suite"),
    "no_check_baseline": Reason(
        "no check is approved for this mode", "approve this one: the same command with --approve --reason TEXT"
    ),
    "other_check_use": Reason(
        "the approved check ran the graph for other fetches, on other feeds, or for other steps",
        "run it as it was approved, or approve this one: the same command with --approve --reason TEXT",
    ),
    "check_regressed": Reason(
        "a fetch is further from float32 than was approved",
        "look at what changed in the graph; if the change is meant, the same command with --approve --reason TEXT",
    ),
    "check_as_approved": Reason("every fetch is as near to float32 as was approved", "nothing to do"),
    "graph_fit": Reason("every fetch is as right as noise of one ulp on the inputs leaves it", "nothing to do"),
    "graph_wrong": Reason(
        "a fetch is further from float32 than noise explains",
        "find the cause: the command is under the first table",
    ),
    "graph_not_judged": Reason(
        "whether every fetch is right cannot be told", "this is neither a pass nor a failure; see what is said of it"
    ),
    # Why a verdict is shown without gating
    "emulated": Reason("emulated: says nothing about the card", "measure it on a card"),
    "advisory_case": Reason("the suite only shows this case"),
    "fitness_shown": Reason("shown only", "let it decide the exit status with --require-fit"),
    "other_machine": Reason(
        "the other one is of another machine or TensorFlow: absolute times do not compare",
        "approve a run measured here, or compare two revisions here: "
        "`python bench.py --suite {suite} --against HEAD~1`",
    ),
    "no_card": Reason(
        "no power card says how good this gate is on this machine",
        "make one on a quiet machine: `python bench.py calibrate --suite {suite}`",
    ),
    "bad_card": Reason("the power card cannot be read", "restore it from version control, or make it anew"),
    "old_card": Reason(
        "the power card is of another case or other limits", "make it anew: `python bench.py calibrate --suite {suite}`"
    ),
    "small_card": Reason(
        "the power card rests on too few comparisons", "make it anew: `python bench.py calibrate --suite {suite}`"
    ),
    "alarming_card": Reason(
        "the power card shows too many false alarms on this machine",
        "quieten the machine and make it anew: `python bench.py calibrate --suite {suite}`",
    ),
}
