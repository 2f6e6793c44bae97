# Shared by train_full_1p.sh and train_performance_1p.sh, which set: default_steps, case_suffix, has_accuracy, purpose.

set -uo pipefail
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

usage() {
    cat <<END
usage: $(basename "$0") --data_path=DIR [options]

$purpose

Each option also takes its value as the next argument.
  --data_path=DIR          holds 1-content.jpg, 1-style.jpg and imagenet-vgg-verydeep-19.mat
  --output_path=DIR        where everything goes ($output_path)
  --precision_mode=MODE    of the card, emulated elsewhere ($precision_mode)
  --train_steps=N          updates of the picture, at least 3 ($default_steps)
  --train_epochs=N         multiplies train_steps ($train_epochs)
  --batch_size=N           pictures at once, each with a noise of its own ($batch_size)
  --network=FILE           weights from elsewhere, or the word synthetic for the built-in ones
  -h, --help               show this

Environment: ASCEND_DEVICE_ID ($ASCEND_DEVICE_ID), PYTHON (python3).
END
}

fail() {
    echo "$(basename "$0"): $1" >&2
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
            *) fail "unknown argument $1 (see --help)" ;;
        esac
        if [ "$1" != "$name" ]; then
            value=${1#*=}
        elif [ $# -ge 2 ]; then
            value=$2
            shift
        else
            fail "$name: a value is missing"
        fi
        shift
        printf -v "${name#--}" '%s' "$value"
    done
}

check() {
    local name
    [ -n "$data_path" ] || fail "--data_path: expected the folder of 1-content.jpg and 1-style.jpg (see --help)"
    for name in train_steps train_epochs batch_size; do
        [[ ${!name} =~ ^[1-9][0-9]{0,8}$ ]] || fail "--$name ${!name}: expected a whole number above 0"
    done
    # The step time is the mean of the printed steps but for the first; the last step is never printed.
    iterations=$((train_steps * train_epochs))
    [ "$iterations" -ge 3 ] || fail "--train_steps $train_steps: expected at least 3 steps in all"
    if [ -z "$network" ]; then
        network=$data_path/imagenet-vgg-verydeep-19.mat
        [ -f "$network" ] || fail "no network $network (--network=synthetic takes the built-in weights)"
    fi
    mkdir -p "$output_path" || exit 2
}

train() {
    case_name=${network_name}_bs${batch_size}_${RANK_SIZE}p_$case_suffix
    log=$output_path/train_$ASCEND_DEVICE_ID.log
    # Of an earlier run: should this one fail, they must not pass for its results.
    rm -f "$output_path/$case_name.log" "$output_path/${case_name}_loss.txt" "$output_path/run.json" \
        "$output_path"/11.jpg "$output_path"/11-*.jpg "$output_path"/progress.txt "$output_path"/progress.png
    local start
    start=$(date +%s)
    "${PYTHON:-python3}" "$root/neural_style.py" \
        --content "$data_path/1-content.jpg" --styles "$data_path/1-style.jpg" --output "$output_path/11.jpg" --batch-size "$batch_size" \
        --network "$network" --iterations "$iterations" --precision-mode "$precision_mode" \
        --print-iterations 1 --progress-write --progress-plot --record "$output_path/run.json" --overwrite \
        >"$log" 2>&1
    status=$?
    e2e_seconds=$(($(date +%s) - start))
}

notice() {
    local device
    device=$(sed -n 's/^neural_style.py: device: //p' "$log")
    echo "------------------ Notice: start ------------------"
    case $device in
        npu*) echo "INFO: ran on an Ascend card: $device" ;;
        "") echo "ERROR: no device was opened; see $log" ;;
        *) echo "INFO: no Ascend card was used: $device" ;;
    esac
    [ "$network" != synthetic ] || echo "INFO: network synthetic: losses are not those of the real weights"
    echo "------------------ Notice: end ------------------"
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
    [ "$has_accuracy" = no ] || echo "Final Train Accuracy : $accuracy"
    echo "E2E Training Duration sec : $e2e_seconds"

    {
        echo "Network = $network_name"
        echo "RankSize = $RANK_SIZE"
        echo "BatchSize = $batch_size"
        echo "DeviceType = $(uname -m)"
        echo "CaseName = $case_name"
        echo "ActualFPS = $fps"
        echo "TrainingTime = $step_time"
        echo "ActualLoss = $accuracy"
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
        echo "$(basename "$0"): failed with status $status; the log is $log" >&2
        exit "$status"
    fi
    report
}
