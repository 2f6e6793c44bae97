import pytest

from harness.machine import doctor


@pytest.mark.parametrize(
    "code, told",
    [
        ("import nowhere", "opening devices: ModuleNotFoundError: No module named 'nowhere'"),
        ("raise TypeError('broken')", "opening devices failed: TypeError: broken"),
    ],
)
def test_a_tensorflow_that_does_not_start_is_a_finding_with_its_reason(tensorflow_that, code, told):
    tensorflow_that(code)
    (check,) = doctor._devices()
    assert check.ok is False and check.detail.startswith(told) and check.advice


def test_the_host_s_devices_are_described():
    cpu, gpu = doctor._devices()
    assert cpu.name == "device cpu" and cpu.ok and "through TensorFlow" in cpu.detail
    assert gpu.ok in (True, None)
