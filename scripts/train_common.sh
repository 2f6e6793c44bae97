# Shared by train_full_1p.sh and train_performance_1p.sh, which set: default_steps, case_suffix, has_accuracy,
# purpose, purpose_in_chinese.

set -uo pipefail
# Numbers are read and written as in C; what people read is in the language that was set before.
export LANGUAGE=${LANGUAGE:-${LC_ALL:-${LC_MESSAGES:-${LANG:-en}}}}
export LC_ALL=C RANK_SIZE=1 RANK_ID=0 JOB_ID=10087
export ASCEND_DEVICE_ID=${ASCEND_DEVICE_ID:-0}

readonly root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly network_name=NEURAL-STYLE_ID2068_for_TensorFlow

data_path=
output_path=$root/output/$ASCEND_DEVICE_ID
precision_mode=allow_mix_precision+matmul32
train_steps=$default_steps
train_epochs=1
batch_size=1
network=

# Its two arguments are one text in English and in Chinese.
say() {
    case $LANGUAGE in
        [Zz][Hh]*) echo "$2" ;;
        *) echo "$1" ;;
    esac
}

usage() {
    say "$(usage_in_english)" "$(usage_in_chinese)"
}

usage_in_english() {
    cat <<END
usage: $(basename "$0") --data_path=DIR [options]

$purpose

Each option also takes its value as the next argument.
  --data_path=DIR          holds 1-content.jpg, 1-style.jpg and imagenet-vgg-verydeep-19.mat
  --output_path=DIR        where everything goes ($output_path)
  --precision_mode=MODE    of the card, emulated elsewhere: allow_fp32_to_fp16, force_fp16, must_keep_origin_dtype,
                           allow_mix_precision, or any mode of bench.py
                           ($precision_mode: mixed precision, matrix products in float32)
  --train_steps=N          updates of the picture, at least 3 ($default_steps)
  --train_epochs=N         multiplies train_steps ($train_epochs)
  --batch_size=N           pictures at once, each with a noise of its own ($batch_size)
  --network=FILE           weights from elsewhere, or the word synthetic for the built-in ones
  -h, --help               show this

Environment: ASCEND_DEVICE_ID ($ASCEND_DEVICE_ID), PYTHON (python3). The first line of the output is the log's path.
END
}

usage_in_chinese() {
    cat <<END
用法：$(basename "$0") --data_path=DIR [选项]

$purpose_in_chinese

每个选项的值也可以作为下一个参数给出。
  --data_path=DIR          其中有 1-content.jpg、1-style.jpg 和 imagenet-vgg-verydeep-19.mat
  --output_path=DIR        所有输出的存放位置（$output_path）
  --precision_mode=MODE    加速卡的精度模式，在其他设备上仿真：allow_fp32_to_fp16、force_fp16、must_keep_origin_dtype、
                           allow_mix_precision，或 bench.py 的任一模式
                           （$precision_mode：混合精度，矩阵乘保留 float32）
  --train_steps=N          图片的更新次数，至少 3（$default_steps）
  --train_epochs=N         使 train_steps 成倍（$train_epochs）
  --batch_size=N           同时绘制的图片数，各自带有不同的噪声（$batch_size）
  --network=FILE           放在别处的权重，或写 synthetic 使用内置权重
  -h, --help               显示本帮助

环境变量：ASCEND_DEVICE_ID（$ASCEND_DEVICE_ID）、PYTHON（python3）。输出的第一行是日志的路径。
END
}

fail() {
    echo "$(basename "$0"): $(say "$1" "$2")" >&2
    exit 2
}

parse() {
    local name value
    while [ $# -gt 0 ]; do
        name=${1%%=*}
        case $name in
            -h | --help)
                usage
                exit 0
                ;;
            --data_path | --output_path | --precision_mode | --train_steps | --train_epochs | --batch_size | --network) ;;
            --ckpt_path | --over_dump* | --data_dump_* | --profiling* | --autotune)
                # What other networks' launchers are given; as in the port it has no effect.
                echo "$(basename "$0"): $(say "$name has no effect here" "$name 在这里不起作用")" >&2
                ;;
            *) fail "unknown argument $1 (see --help)" "未知参数 $1（参见 --help）" ;;
        esac
        if [ "$1" != "$name" ]; then
            value=${1#*=}
        elif [ $# -ge 2 ]; then
            value=$2
            shift
        else
            fail "$name: a value is missing" "$name：缺少值"
        fi
        shift
        printf -v "${name#--}" '%s' "$value"
    done
}

check() {
    local name
    [ -n "$data_path" ] || fail "--data_path: expected the folder of 1-content.jpg and 1-style.jpg (see --help)" \
        "--data_path：应为存放 1-content.jpg 和 1-style.jpg 的目录（参见 --help）"
    for name in train_steps train_epochs batch_size; do
        [[ ${!name} =~ ^[1-9][0-9]{0,8}$ ]] ||
            fail "--$name ${!name}: expected a whole number above 0" "--$name ${!name}：应为大于 0 的整数"
    done
    # The step time is the mean of the printed steps but for the first; the last step is never printed.
    iterations=$((train_steps * train_epochs))
    [ "$iterations" -ge 3 ] ||
        fail "--train_steps $train_steps: expected at least 3 steps in all" "--train_steps $train_steps：总步数应至少为 3"
    if [ -z "$network" ]; then
        network=$data_path/imagenet-vgg-verydeep-19.mat
        [ -f "$network" ] || fail "no network $network (--network=synthetic takes the built-in weights)" \
            "没有网络 $network（--network=synthetic 使用内置权重）"
    fi
    mkdir -p "$output_path" || exit 2
}

# Shows the steps of a log on standard error: redrawn in place on a terminal, elsewhere ten lines in all.
show_progress() {
    trap '' INT PIPE # the log has to be written to its end, whoever looks on
    local line number=0 tenth=$(((iterations + 9) / 10))
    while IFS= read -r line; do
        [[ $line =~ ^Iteration\ +([0-9]+/)\ *([0-9]+)(\ \((.*)\ elapsed,\ (.*)\ remaining)? ]] || continue
        line=$(describe_step "${BASH_REMATCH[1]}${BASH_REMATCH[2]}" "${BASH_REMATCH[4]-}" "${BASH_REMATCH[5]-}")
        number=$((number + 1))
        if [ -t 2 ]; then
            printf '\r\033[K%s' "$line" >&2
        elif [ $((number % tenth)) -eq 0 ]; then
            echo "$line" >&2
        fi
    done
    [ ! -t 2 ] || printf '\r\033[K' >&2
}

# A step, the time it took so far and the time that is left; of the first step neither is known.
describe_step() {
    local times
    times=$(sed 's/ hr/ 小时/g; s/ min/ 分/g; s/ sec/ 秒/g' <<<"，已用 $2，剩余 $3")
    say "step $1${2:+, $2 elapsed, $3 remaining}" "第 $1 步${2:+$times}"
}

train() {
    case_name=${network_name}_bs${batch_size}_${RANK_SIZE}p_$case_suffix
    log=$output_path/train_$ASCEND_DEVICE_ID.log
    # Of an earlier run: should this one fail, they must not pass for its results.
    rm -f "$output_path/$case_name.log" "$output_path/${case_name}_loss.txt" "$output_path/run.json" \
        "$output_path"/11.jpg "$output_path"/11-*.jpg "$output_path"/progress.txt "$output_path"/progress.png
    local start
    start=$(date +%s)
    echo "$log"
    "${PYTHON:-python3}" "$root/neural_style.py" \
        --content "$data_path/1-content.jpg" --styles "$data_path/1-style.jpg" --output "$output_path/11.jpg" --batch-size "$batch_size" \
        --network "$network" --iterations "$iterations" --precision-mode "$precision_mode" \
        --print-iterations 1 --progress-write --progress-plot --record "$output_path/run.json" --overwrite \
        2>&1 | tee -i "$log" | show_progress
    status=${PIPESTATUS[0]}
    e2e_seconds=$(($(date +%s) - start))
}

notice() {
    local device
    device=$(sed -n 's/^neural_style.py: device: //p' "$log")
    # The capitalised lines with a comma, their rules and their English are what log parsers look for.
    case $device in
        npu*)
            echo "------------------ INFO NOTICE START------------------"
            echo "INFO, your task have used Ascend NPU, please check your result."
            say "INFO: ran on an Ascend card: $device" "INFO: 在昇腾加速卡上运行：$device"
            ;;
        *)
            echo "------------------ ERROR NOTICE START ------------------"
            echo "ERROR, your task haven't used Ascend NPU, please check your npu Migration."
            if [ -n "$device" ]; then
                say "INFO: no Ascend card was used: $device" "INFO: 没有使用昇腾加速卡：$device"
            else
                say "ERROR: no device was opened; see $log" "ERROR: 没有打开任何设备；见 $log"
            fi
            ;;
    esac
    [ "$network" != synthetic ] || say "INFO: network synthetic: losses are not those of the real weights" \
        "INFO: 网络 synthetic：损失与真实权重的不同"
    case $device in
        npu*) echo "------------------ INFO NOTICE END------------------" ;;
        *) echo "------------------ ERROR NOTICE END------------------" ;;
    esac
}

report() {
    local losses=$output_path/${case_name}_loss.txt step_time fps accuracy
    grep 'total loss:' "$log" | awk -F: '{print $2}' >"$losses"
    accuracy=$(tail -n 1 "$losses")
    step_time=$(awk '/^sec\/step:/ && n++ {sum += $2} END {printf "%.9f", sum / (n - 1)}' "$log")
    fps=$(awk -v batch="$batch_size" -v seconds="$step_time" 'BEGIN {printf "%.2f", batch / seconds}')

    echo "------------------ Final result ------------------"
    echo "Final Performance images/sec : $fps"
    echo "Final Performance sec/step : $step_time"
    echo "E2E Training Duration sec : $e2e_seconds"
    [ "$has_accuracy" = no ] || echo "Final Train Accuracy : $accuracy"

    {
        echo "Network = $network_name"
        echo "RankSize = $RANK_SIZE"
        echo "BatchSize = $batch_size"
        echo "DeviceType = $(uname -m)"
        echo "CaseName = $case_name"
        echo "ActualFPS = $fps"
        echo "TrainingTime = $step_time"
        echo "ActualLoss = ${accuracy# }"
        [ "$has_accuracy" = no ] || echo "TrainAccuracy = $accuracy"
        echo "E2ETrainingTime = $e2e_seconds"
    } >"$output_path/$case_name.log"
}

main() {
    parse "$@"
    check
    train
    notice
    if [ "$status" -ne 0 ]; then
        tail -n 1 "$log" >&2
        echo "$(basename "$0"): $(say "failed with status $status; the log is $log" "失败，状态 $status；日志为 $log")" >&2
        exit "$status"
    fi
    report
}
