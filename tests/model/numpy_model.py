"""The same style transfer written a second time in plain NumPy, from the papers and not from the package."""

import numpy as np


def picture(height, width, seed):
    """A picture of noise over coarse blocks of colour, the same with every version of NumPy and Pillow."""
    state = np.random.RandomState(seed)
    blocks = state.randint(0, 200, (-(-height // 8), -(-width // 8), 3))
    blocks = blocks.repeat(8, axis=0).repeat(8, axis=1)[:height, :width]
    return (blocks + state.randint(0, 56, (height, width, 3))).astype(np.uint8)


def activations(pixels, network, pooling="max"):
    """Every relu layer of VGG-19 up to relu5_2, of mean-free (height, width, 3) pixels, by name."""
    found, tensor = {}, pixels
    for block, convolutions in enumerate((2, 2, 4, 4, 2), 1):
        if block > 1:
            tensor = _pool(tensor, pooling)
        for index in range(1, convolutions + 1):
            name = f"conv{block}_{index}"
            tensor = np.maximum(_convolve(tensor, network.kernels[name], network.biases[name]), 0)
            found[f"relu{block}_{index}"] = tensor
    return found


def _convolve(tensor, kernel, bias):
    height, width, channels = tensor.shape
    padded = np.pad(tensor, ((1, 1), (1, 1), (0, 0)), "constant")
    result = bias
    for y in range(3):
        for x in range(3):
            window = padded[y : y + height, x : x + width].reshape(-1, channels)
            result = result + window @ kernel[y, x]
    return result.reshape(height, width, -1)


def _pool(tensor, pooling):
    """2x2 windows in steps of 2; a window over the lower or right edge counts only what is inside."""
    height, width, channels = tensor.shape
    even = np.full((height + height % 2, width + width % 2, channels), np.nan, tensor.dtype)
    even[:height, :width] = tensor
    windows = even.reshape(even.shape[0] // 2, 2, even.shape[1] // 2, 2, channels)
    return {"max": np.nanmax, "avg": np.nanmean}[pooling](windows, axis=(1, 3))


def gram(activation):
    """Products of every two channels, summed over the positions and divided by the number of activations."""
    return np.einsum("hwi,hwj->ij", activation, activation) / activation.size


def losses(
    pixels,
    content,
    styles,
    network,
    content_weight=5.0,
    content_weight_blend=1.0,
    style_weight=500.0,
    style_layer_weight_exp=1.0,
    style_blend_weights=None,
    tv_weight=100.0,
    pooling="max",
):
    """The losses of mean-free pixels drawn to uint8 pictures; options and defaults are the reference's."""

    def look(image):
        return activations(image - network.mean_pixel, network, pooling)

    own, target = activations(pixels, network, pooling), look(content)
    content_loss = content_weight * (
        content_weight_blend * np.mean((own["relu4_2"] - target["relu4_2"]) ** 2)
        + (1 - content_weight_blend) * np.mean((own["relu5_2"] - target["relu5_2"]) ** 2)
    )

    layer_weights = style_layer_weight_exp ** np.arange(5.0)
    blend = style_blend_weights or [1.0] * len(styles)
    style_loss = 0.0
    for style, share in zip(styles, blend):
        target = look(style)
        for block, layer_weight in enumerate(layer_weights, 1):
            layer = f"relu{block}_1"
            difference = gram(own[layer]) - gram(target[layer])
            style_loss += share / sum(blend) * layer_weight / sum(layer_weights) * np.mean(difference**2)
    style_loss *= style_weight

    tv_loss = tv_weight * (np.mean(np.diff(pixels, axis=0) ** 2) + np.mean(np.diff(pixels, axis=1) ** 2))
    return {
        "content": content_loss,
        "style": style_loss,
        "tv": tv_loss,
        "total": content_loss + style_loss + tv_loss,
    }
