from harness.fidelity.saturation import alarms


def test_alarms_name_the_layers():
    lost = {f"gram_relu{stage}_1/MatMul": (7, 0, 0) for stage in range(1, 6)}
    lost.update({"conv3_2/Conv2D": (0, 9, 1), "gradients/conv1_1/Conv2D_grad/Conv2DBackpropInput": (2, 0, 0)})
    assert alarms(lost) == [
        "style Gram saturates at relu1_1 ... relu5_1 (5)",
        "gradient saturates at conv1_1",
        "activation makes NaN at conv3_2",
    ]


def test_values_flushed_to_zero_are_no_alarm():
    assert alarms({"gradients/relu1_1/Relu_grad/ReluGrad": (0, 12345, 0)}) == []
