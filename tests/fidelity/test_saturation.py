from harness.fidelity.saturation import alarms
from harness.remark import remark
from reports.language import ENGLISH


def test_alarms_name_the_layers():
    lost = {f"gram_relu{stage}_1/MatMul": (7, 0, 0) for stage in range(1, 6)}
    lost.update({"conv3_2/Conv2D": (0, 9, 1), "gradients/conv1_1/Conv2D_grad/Conv2DBackpropInput": (2, 0, 0)})
    found = alarms(lost)
    assert found == [
        remark("saturates", part=remark("gram_part"), layers=tuple(f"relu{stage}_1" for stage in range(1, 6))),
        remark("saturates", part=remark("gradient_part"), layers=("conv1_1",)),
        remark("makes_nan", part=remark("activation_part"), layers=("conv3_2",)),
    ]
    assert ENGLISH.remark(found[0]) == "style Gram saturates at relu1_1 ... relu5_1 (5)"


def test_values_flushed_to_zero_are_no_alarm():
    assert alarms({"gradients/relu1_1/Relu_grad/ReluGrad": (0, 12345, 0)}) == []
