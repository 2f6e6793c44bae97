"""Stands in for Huawei's npu_bridge: what StyleBench may use of it, with the adapter's checks, and nothing else.

STAND_IN_RELEASE is `2021` or `later`. STAND_IN_CARD is one of
- `works`; `unlooped`, but for its loop, which makes one step; `unreported`, but TensorFlow does not say what it ran
- `silent`: the NpuOptimizer was never registered, and TensorFlow runs everything itself; `fades`: all but graphs with
  feeds; `mixed`: TensorFlow runs the products beside the card
- `busy`: no graph runs; `gone`: none but graphs with feeds does; `aborts`: it ends the process
"""
