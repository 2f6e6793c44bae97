#!/usr/bin/env bash
# The whole job on one device: 1000 steps unless told otherwise, speed and final loss.

default_steps=1000
case_suffix=acc
has_accuracy=yes
purpose="Stylize 1-content.jpg after 1-style.jpg on one device; report speed and final loss."

. "$(dirname "${BASH_SOURCE[0]}")/train_common.sh"
main "$@"
