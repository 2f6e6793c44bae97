import os

import numpy as np
import pytest
import scipy.io

from model import images, vgg
from model.settings import STYLE_LAYERS
from tests.model import matconvnet, numpy_model

CONTENT = os.path.join(os.path.dirname(__file__), "..", "..", "suites", "pictures", "astronaut.png")


@pytest.fixture(scope="module")
def synthetic():
    return vgg.synthetic()


@pytest.fixture(scope="module")
def narrow():
    """Narrow weights with biases and a mean pixel of its own, so that reading any part wrongly shows."""
    network = vgg.load("synthetic-narrow")
    state = np.random.RandomState(0)
    biases = {name: state.rand(bias.size).astype(np.float32) for name, bias in network.biases.items()}
    return network._replace(biases=biases, mean_pixel=np.array([123.5, 116.25, 104.0]))


@pytest.fixture
def narrow_expected(monkeypatch, narrow):
    """Let the reader expect the narrow network."""
    widths = [narrow.biases[f"conv{block}_1"].size for block in range(1, 6)]
    monkeypatch.setattr(vgg, "_BLOCK_WIDTHS", widths)


def test_layers_stand_at_their_positions_in_the_matconvnet_file():
    assert list(vgg.LAYERS) == matconvnet.LAYER_NAMES[: matconvnet.LAYER_NAMES.index("relu5_2") + 1]


# The synthetic network


def test_the_synthetic_network_is_vgg_19_of_full_width(synthetic):
    assert [kernel.shape[2:] for kernel in synthetic.kernels.values()] == (
        [(3, 64), (64, 64), (64, 128), (128, 128), (128, 256)] + [(256, 256)] * 3 + [(256, 512)] + [(512, 512)] * 5
    )


def test_the_synthetic_network_is_the_same_bytes_everywhere(synthetic):
    assert synthetic.digest() == vgg.SYNTHETIC_DIGEST


def test_the_digest_depends_on_every_part_of_a_network(narrow):
    digests = {narrow.digest()}
    for values in (narrow.kernels["conv1_1"], narrow.biases["conv5_2"], narrow.mean_pixel):
        values.flat[-1] += 1
        digests.add(narrow.digest())
        values.flat[-1] -= 1
    assert len(digests) == 4


def test_synthetic_activations_are_as_large_as_the_real_networks(synthetic):
    pixels = images.resize(images.read(CONTENT), 128, 128) - synthetic.mean_pixel
    activations = numpy_model.activations(pixels.astype(np.float32), synthetic)
    for layer, published in zip(STYLE_LAYERS, (34, 200, 231, 791, 59)):
        assert 1 / 1.5 < activations[layer].mean() / published < 1.5, layer


class TestCache:
    @pytest.fixture
    def made(self, monkeypatch, synthetic):
        """The list grows by one whenever the weights are made rather than read."""
        calls = []
        monkeypatch.setattr(vgg, "synthetic", lambda: calls.append(1) or synthetic)
        return calls

    def test_the_second_start_reads_what_the_first_made(self, tmp_path, made, synthetic):
        cache = str(tmp_path / "new" / "folder")
        first, second = vgg.load("synthetic", cache), vgg.load("synthetic", cache)
        assert len(made) == 1
        assert first.digest() == second.digest() == synthetic.digest()
        assert len(os.listdir(cache)) == 1

    @pytest.mark.parametrize("damage", ["one bit", "half the file", "the header", "no NumPy file"])
    def test_a_damaged_cache_file_is_made_anew(self, tmp_path, made, synthetic, damage):
        vgg.load("synthetic", str(tmp_path))
        (path,) = tmp_path.iterdir()
        content = bytearray(path.read_bytes())
        if damage == "one bit":
            content[-1000] ^= 1
        elif damage == "half the file":
            del content[len(content) // 2 :]
        elif damage == "the header":
            content[content.index(b"}")] = ord(" ")
        else:
            content = b"PK\x03\x04 or anything else"
        path.write_bytes(content)

        assert vgg.load("synthetic", str(tmp_path)).digest() == synthetic.digest()
        assert len(made) == 2
        vgg.load("synthetic", str(tmp_path))
        assert len(made) == 2

    def test_a_cache_on_a_full_disk_is_no_error_and_leaves_nothing_behind(self, small_disk, made, synthetic):
        assert vgg.load("synthetic", small_disk).digest() == synthetic.digest()
        assert os.listdir(small_disk) == []

    def test_a_cache_folder_that_cannot_be_written_is_no_error(self, tmp_path, made, synthetic):
        (tmp_path / "file").write_text("in the way")
        assert vgg.load("synthetic", str(tmp_path / "file" / "cache")).digest() == synthetic.digest()

    def test_other_weights_than_the_published_are_refused(self, tmp_path, monkeypatch, narrow):
        monkeypatch.setattr(vgg, "synthetic", lambda: narrow)
        with pytest.raises(vgg.NetworkError, match=vgg.SYNTHETIC_DIGEST):
            vgg.load("synthetic", str(tmp_path))
        assert not os.listdir(tmp_path)


# The MatConvNet file


@pytest.mark.parametrize("layout", ["old", "new"])
def test_both_layouts_of_the_matconvnet_file_are_read(layout, tmp_path, narrow, narrow_expected):
    path = tmp_path / "imagenet-vgg-verydeep-19.mat"
    matconvnet.write(path, narrow, layout)
    network = vgg.load(str(path))
    for name in vgg.CONVOLUTIONS:
        np.testing.assert_array_equal(network.kernels[name], narrow.kernels[name])
        np.testing.assert_array_equal(network.biases[name], narrow.biases[name])
        assert network.kernels[name].dtype == network.biases[name].dtype == np.float32
    np.testing.assert_allclose(network.mean_pixel, narrow.mean_pixel, rtol=1e-12)


def text(path, network):
    path.write_text("dear diary,\nno network today\n" * 20)


def random_bytes(path, network):
    path.write_bytes(np.random.RandomState(0).bytes(5000))


def nothing(path, network):
    path.write_bytes(b"")


def half_a_file(path, network):
    matconvnet.write(path, network, "old")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def other_variables(path, network):
    scipy.io.savemat(str(path), {"weights": np.zeros(3)})


def too_few_layers(path, network):
    contents = matconvnet.contents(network, "new")
    contents["layers"] = contents["layers"][:, :20]
    scipy.io.savemat(str(path), contents)


def other_average_image(path, network):
    contents = matconvnet.contents(network, "old")
    contents["normalization"]["averageImage"] = np.zeros((224, 224, 96))
    scipy.io.savemat(str(path), contents)


def other_kernel(path, network):
    kernels = dict(network.kernels, conv3_1=network.kernels["conv3_1"][:2])
    matconvnet.write(path, network._replace(kernels=kernels), "new")


def other_bias(path, network):
    biases = dict(network.biases, conv3_1=network.biases["conv3_1"][:-1])
    matconvnet.write(path, network._replace(biases=biases), "new")


def not_finite(path, network):
    biases = dict(network.biases, conv4_2=network.biases["conv4_2"] * np.float32("nan"))
    matconvnet.write(path, network._replace(biases=biases), "old")


@pytest.mark.parametrize(
    "write, reason",
    [
        (text, "not a readable MATLAB 5 file"),
        (random_bytes, "not a readable MATLAB 5 file"),
        (nothing, "not a readable MATLAB 5 file"),
        (half_a_file, "not a readable MATLAB 5 file"),
        (other_variables, "does not hold the VGG-19 layers"),
        (too_few_layers, "does not hold the VGG-19 layers"),
        (other_average_image, "does not hold the VGG-19 layers"),
        (other_kernel, r"conv3_1 has a kernel of shape \(2, 3, 16, 32\), expected \(3, 3, 16, 32\)"),
        (other_bias, r"conv3_1 has a bias of shape \(31,\), expected \(32,\)"),
        (not_finite, "not finite"),
    ],
)
def test_another_file_is_refused_in_one_line_that_says_what_was_expected(
    write, reason, tmp_path, narrow, narrow_expected
):
    path = tmp_path / "given.mat"
    write(path, narrow)
    assert_refused(str(path), reason)


def test_a_network_of_other_widths_is_refused(tmp_path, narrow):
    path = tmp_path / "given.mat"
    matconvnet.write(path, narrow, "new")
    assert_refused(str(path), r"conv1_1 has a kernel of shape \(3, 3, 3, 8\), expected \(3, 3, 3, 64\)")


def test_a_missing_network_file_is_refused(tmp_path):
    assert_refused(str(tmp_path / "missing.mat"), "no such file")


def assert_refused(path, reason):
    with pytest.raises(vgg.NetworkError, match=reason) as caught:
        vgg.load(path)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    sha256 = "abdb57167f82a2a1fbab1e1c16ad9373411883f262a1a37ee5db2e6fb0044695"
    for part in (path, "imagenet-vgg-verydeep-19.mat", "534.9 MB", sha256):
        assert part in message


# Arithmetic


@pytest.mark.parametrize(
    "layers, style_layers, products",
    [
        (STYLE_LAYERS + ("relu5_2",), STYLE_LAYERS, 2 * 370368 + 3 * 17408),
        (STYLE_LAYERS, STYLE_LAYERS, 2 * 361152 + 3 * 17408),
        (("relu4_2",), (), 2 * 278208),
        ((), (), 0),
    ],
    ids=["to relu5_2", "to relu5_1", "content only", "no network"],
)
def test_a_steps_arithmetic_per_pixel(synthetic, layers, style_layers, products):
    pixels = 64 * 96
    assert vgg.step_flop(synthetic, 64, 96, layers, style_layers) == 2 * products * pixels


def test_the_backward_pass_needs_the_relus_and_pools(synthetic):
    blocks = 2 * 64 + (64 + 2 * 128) / 4 + (128 + 4 * 256) / 16 + (256 + 4 * 512) / 64 + (512 + 512) / 256
    assert vgg.kept_values(synthetic, 64, 96, STYLE_LAYERS) == blocks * 64 * 96
    assert vgg.kept_values(synthetic, 64, 96, ["relu5_2"]) == (blocks + 2) * 64 * 96
    assert vgg.kept_values(synthetic, 3, 5, ["pool1"]) == 2 * 64 * 3 * 5 + 64 * 2 * 3
    assert vgg.kept_values(synthetic, 64, 96, []) == 0


def test_odd_sizes_cost_a_fraction_of_a_percent_more(synthetic):
    flop = vgg.step_flop(synthetic, 533, 400, STYLE_LAYERS + ("relu5_2",), STYLE_LAYERS)
    assert 1.585920e6 < flop / (533 * 400) < 1.585920e6 * 1.01
