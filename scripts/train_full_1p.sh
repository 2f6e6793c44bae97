#!/usr/bin/env bash
# The whole job on one device: 1000 steps unless told otherwise, speed and final loss.

default_steps=1000
case_suffix=acc
has_accuracy=yes
purpose="Stylize 1-content.jpg after 1-style.jpg on one device; report speed and final loss."
purpose_in_chinese="在一个设备上按 1-style.jpg 的风格绘制 1-content.jpg；报告速度和最终损失。"

. "$(dirname "${BASH_SOURCE[0]}")/train_common.sh"
main "$@"
