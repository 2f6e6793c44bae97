"""npu_bridge.estimator.npu.npu_plugin: what tells releases apart."""

import os

if os.environ.get("STAND_IN_RELEASE", "later") == "later":

    def npu_resource_init(graph_run_mode=1, precision_mode=None, precision_mode_v2=None):
        raise AssertionError("the session does it")

else:

    def npu_resource_init(graph_run_mode=1, precision_mode=None):
        raise AssertionError("the session does it")
