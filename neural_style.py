#!/usr/bin/env python3
"""The mission's command line, with the options of the reference program: parse, call, exit status."""

import argparse
import os
import sys
from typing import Any, Dict, List, NoReturn, Optional

from harness.errors import one_line
from reports.catalogue import in_chinese, language_of, libraries_in
from reports.help import translate_parser

EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        advice = "（参见 --help）" if language_of() == "zh" else " (see --help)"
        self.exit(EXIT_USAGE, f"{self.prog}: {one_line(message)}{advice}\n")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of every option, with help in the language of the locale."""
    parser = _Parser(prog="neural_style.py", description="Draw a picture in the style of others.")
    _add_pictures(parser.add_argument_group("pictures"))
    _add_weights(parser.add_argument_group("weights and optimiser"))
    _add_files(parser.add_argument_group("log and files"))
    _add_precision(parser.add_argument_group("precision and device"))
    if language_of() == "zh":
        translate_parser(parser)
    return parser


def _add_pictures(group: Any) -> None:
    group.add_argument(
        "--content",
        required=True,
        nargs="+",
        metavar="FILE",
        help="content picture, or those of a batch; at least 32 pixels a side",
    )
    group.add_argument(
        "--batch-size",
        type=int,
        metavar="N",
        help="pictures drawn at once, the content pictures in turn; printed losses are sums over them",
    )
    group.add_argument("--styles", required=True, nargs="+", metavar="FILE", help="style pictures")
    group.add_argument(
        "--output",
        required=True,
        metavar="FILE",
        help="where the result goes, in the format of its suffix; a batch's others are numbered",
    )
    group.add_argument(
        "--width", type=int, metavar="PIXELS", help="bring the content to this width; 32 to 8192 on each side"
    )
    group.add_argument(
        "--style-scales",
        type=float,
        nargs="+",
        metavar="S",
        help="one per style picture, 1 each; any that leave 1 to 8192 pixels a side",
    )
    group.add_argument("--initial", metavar="FILE", help="picture to start from")
    group.add_argument("--initial-noiseblend", type=float, metavar="B", help="share of noise in the start, 0 to 1")
    group.add_argument("--seed", type=int, default=0, metavar="N", help="of the noise (%(default)s)")
    group.add_argument("--preserve-colors", action="store_true", help="keep the content's colours")


def _add_weights(group: Any) -> None:
    for name, default, text in (
        ("--content-weight", 5.0, "weight of the content loss, 0 or more"),
        ("--content-weight-blend", 1.0, "share of relu4_2 in it, 0 to 1; relu5_2 gets the rest"),
        ("--style-weight", 500.0, "weight of the style loss, 0 or more"),
        ("--style-layer-weight-exp", 1.0, "style layer k gets this to the power k; of 0 the first gets all"),
        ("--tv-weight", 100.0, "weight of the total variation, 0 or more"),
        ("--learning-rate", 10.0, "of Adam, above 0"),
        ("--beta1", 0.9, "of Adam, 0 to below 1"),
        ("--beta2", 0.999, "of Adam, 0 to below 1"),
    ):
        group.add_argument(name, type=float, default=default, metavar="X", help=f"{text} (%(default)g)")
    group.add_argument(
        "--eps", dest="epsilon", type=float, default=1e-8, metavar="X", help="of Adam, 0 or more (%(default)g)"
    )
    group.add_argument(
        "--style-blend-weights", type=float, nargs="+", metavar="W", help="one per style picture, 0 or more"
    )
    group.add_argument(
        "--iterations", type=int, default=1000, metavar="N", help="updates of the picture, above 0 (%(default)s)"
    )
    group.add_argument("--pooling", choices=("max", "avg"), default="max", help="of the network (%(default)s)")
    group.add_argument(
        "--network",
        default="imagenet-vgg-verydeep-19.mat",
        metavar="FILE|synthetic",
        help="weights (%(default)s), or the built-in ones",
    )


def _add_files(group: Any) -> None:
    group.add_argument("--print-iterations", type=int, metavar="N", help="updates from one loss block to the next")
    group.add_argument("--checkpoint-output", metavar="PATTERN", help="checkpoint pictures, such as out_{}.jpg or %%d")
    group.add_argument(
        "--checkpoint-iterations", type=int, metavar="N", help="updates between two checkpoints; 0 for none"
    )
    group.add_argument("--progress-write", action="store_true", help="write progress.txt beside the output")
    group.add_argument("--progress-plot", action="store_true", help="write progress.png beside the output")
    group.add_argument("--record", metavar="FILE", help="write job, losses and step times as JSON")
    group.add_argument("--overwrite", action="store_true", help="replace files that exist")
    group.add_argument("--resume", action="store_true", help="continue from the last checkpoint, if there is one")


def _add_precision(group: Any) -> None:
    group.add_argument(
        "--precision-mode", metavar="MODE", help="(must_keep_origin_dtype; on a card allow_fp32_to_fp16)"
    )
    group.add_argument("--device", default="auto", metavar="NAME", help="auto, cpu, gpu or npu (%(default)s)")
    group.add_argument("--mixlist", metavar="FILE", help="modify_mixlist file for the mixed modes")
    group.add_argument("--customize-dtypes", metavar="FILE", help="customize_dtypes file")
    group.add_argument("--fusion-switch", metavar="FILE", help="fusion_switch file: graph fusions that are turned off")
    group.add_argument("--cann", metavar="AGE", help="age of the compiler: early_2022 (current)")
    group.add_argument("--op-table", metavar="FILE", help="operator table of a CANN installation (ini or JSON)")


def main(arguments: Optional[List[str]] = None) -> int:
    """Run the command line and return the exit status."""
    with libraries_in(language_of()):
        options = vars(build_parser().parse_args(arguments))
    from harness.machine import requirements

    missing = requirements.absent()
    if missing:
        return _fail(requirements.refusal(missing), EXIT_USAGE)
    from harness.devices.device import DeviceUnavailable
    from harness.errors import UsageError
    from harness.mission.files import OutputError
    from model.images import ImageError
    from model.vgg import NetworkError

    try:
        return run(options)
    except (UsageError, ImageError, NetworkError, DeviceUnavailable) as error:
        return _fail(str(error), EXIT_USAGE)
    except ImportError as error:
        return _fail(f"{error} ({requirements.ADVICE})", EXIT_USAGE)
    except OutputError as error:
        return _fail(str(error), EXIT_FAILED)
    except BrokenPipeError:  # whoever read the log is gone, as after `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    except KeyboardInterrupt:
        return _fail("interrupted", EXIT_INTERRUPTED)


def run(options: Dict[str, Any]) -> int:
    """Do what the options ask for and return the exit status."""
    from harness.mission import files, job, loop
    from harness.mission.record import record
    from harness.store.cache import cache_folder
    from reports.language import Words
    from reports.mission.log import MissionLog
    from reports.mission.loss_history import progress_files

    with MissionLog(words=Words(language_of())) as log:
        outcome = loop.stylize(job.from_options(options), cache_folder(), log)
    for path, data in progress_files(outcome).items():
        files.write(path, data)
    if outcome.job.record is not None:
        files.write(outcome.job.record, record(outcome).model_dump_json(indent=1).encode() + b"\n")
    log.ended(outcome)
    if outcome.interrupted:
        return EXIT_INTERRUPTED
    return EXIT_FAILED if outcome.diverged is not None else 0


def _fail(message: str, status: int) -> int:
    said = in_chinese(message) if language_of() == "zh" else message
    sys.stderr.write(f"neural_style.py: {one_line(said)}\n")
    return status


if __name__ == "__main__":
    from harness.machine.forking import WITHOUT_KERAS
    from harness.machine.signals import end_as_interrupts

    os.environ.update({**WITHOUT_KERAS, **os.environ})
    end_as_interrupts()
    sys.exit(main())
