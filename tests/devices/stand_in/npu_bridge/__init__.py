"""Stands in for Huawei's npu_bridge: what StyleBench may use of it, with the adapter's checks, and nothing else.

STAND_IN_RELEASE is `2021` or `later`; STAND_IN_CARD is `works`, `silent` (the NpuOptimizer was never registered:
TensorFlow runs everything itself) or `busy`.
"""
