#!/usr/bin/env bash
# A short job on one device: 50 steps unless told otherwise, speed alone.

default_steps=50
case_suffix=perf
has_accuracy=no
purpose="Stylize 1-content.jpg after 1-style.jpg on one device for a few steps; report speed."
purpose_in_chinese="在一个设备上按 1-style.jpg 的风格把 1-content.jpg 绘制少量几步；只报告速度。"

. "$(dirname "${BASH_SOURCE[0]}")/train_common.sh"
main "$@"
