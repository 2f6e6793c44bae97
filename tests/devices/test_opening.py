import os
import subprocess
import sys

from harness.machine.git import ROOT


def test_the_card_s_files_go_with_the_process():
    code = (
        "from harness.devices.opening import _temporary_folder; folder = _temporary_folder(); "
        "(folder / 'dump').write_text('graph'); print(folder)"
    )
    folder = subprocess.check_output([sys.executable, "-c", code], cwd=str(ROOT)).decode().strip()
    assert os.path.basename(folder).startswith("stylebench-") and not os.path.exists(folder)
