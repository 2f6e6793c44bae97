"""The settings of a stylization, with the defaults of the reference program. Imports no TensorFlow."""

from typing import Dict, Optional, Tuple

from pydantic import BaseModel, ConfigDict, Field, model_validator
from typing_extensions import Literal

MAX_SIDE = 8192
"""Pixels of a picture's longer side, after resizing."""
MAX_STYLE_SCALE = 256.0
"""Brings a style to MAX_SIDE for the narrowest content, of 32 pixels."""
STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")


class StyleSettings(BaseModel):
    """Weights and optimiser settings of one stylization; names and defaults follow the reference program."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    content_weight: float = Field(5.0, ge=0)
    content_weight_blend: float = Field(1.0, ge=0, le=1)
    """Share of relu4_2 in the content loss; relu5_2 gets the rest."""
    style_weight: float = Field(500.0, ge=0)
    style_layer_weight_exp: float = Field(1.0, ge=0, le=1e6)
    """Layer k of the style layers, from 0, gets this to the power k, normalised to sum 1; of 0 the first gets all."""
    style_blend_weights: Optional[Tuple[float, ...]] = None
    """One weight per style picture, normalised to sum 1; equal when absent."""
    style_scales: Optional[Tuple[float, ...]] = None
    """One scale per style picture, relative to the content's width; 1 when absent."""
    tv_weight: float = Field(100.0, ge=0)
    learning_rate: float = Field(10.0, gt=0)
    beta1: float = Field(0.9, ge=0, lt=1)
    beta2: float = Field(0.999, ge=0, lt=1)
    epsilon: float = Field(1e-8, ge=0)
    pooling: Literal["max", "avg"] = "max"
    preserve_colors: bool = False

    @model_validator(mode="after")
    def _check(self) -> "StyleSettings":
        if not (self.content_weight or self.style_weight or self.tv_weight):
            raise ValueError("content_weight, style_weight and tv_weight are all zero: nothing to optimise")
        blend = self.style_blend_weights
        if blend is not None and (min(blend, default=0) < 0 or sum(blend) <= 0):
            raise ValueError("style_blend_weights must be non-negative and not all zero")
        if self.style_scales is not None and not all(0 < scale <= MAX_STYLE_SCALE for scale in self.style_scales):
            raise ValueError(f"style_scales must be above 0 and at most {MAX_STYLE_SCALE:g}")
        return self

    def check_style_count(self, styles: int) -> None:
        """Raise ValueError unless the per-style settings fit this number of style pictures."""
        for name in ("style_blend_weights", "style_scales"):
            values = getattr(self, name)
            if values is not None and len(values) != styles:
                raise ValueError(f"{name} has {len(values)} values for {styles} style pictures")

    def content_layers(self) -> Dict[str, float]:
        """Weight of each content layer in the content loss; layers of weight zero are left out."""
        if not self.content_weight:
            return {}
        weights = {"relu4_2": self.content_weight_blend, "relu5_2": 1.0 - self.content_weight_blend}
        return {layer: weight for layer, weight in weights.items() if weight}

    def style_layers(self) -> Dict[str, float]:
        """Weight of each style layer in the style loss, summing to 1; layers of weight zero are left out."""
        if not self.style_weight:
            return {}
        powers = [self.style_layer_weight_exp**k for k in range(len(STYLE_LAYERS))]
        return {layer: power / sum(powers) for layer, power in zip(STYLE_LAYERS, powers) if power}

    def style_blend(self, styles: int) -> Tuple[float, ...]:
        """Weight of each of `styles` style pictures, summing to 1."""
        weights = self.style_blend_weights or (1.0,) * styles
        return tuple(weight / sum(weights) for weight in weights)

    def scales(self, styles: int) -> Tuple[float, ...]:
        """Scale of each of `styles` style pictures."""
        return self.style_scales or (1.0,) * styles


class LossScale(BaseModel):
    """How the loss is scaled before its gradient is taken; field names and defaults follow npu_bridge's managers."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    init: float = Field(2.0**32, ge=1, le=3.4e38)
    """The scale, or the first one; a float32."""
    dynamic: bool = False
    """Whether overflows change the scale; a fixed one only skips the update."""
    incr_every: int = Field(1000, gt=0, lt=2**31)
    """Steps without overflow before the scale grows."""
    decr_every: int = Field(2, gt=0, lt=2**31)
    """Steps with overflow before the scale shrinks."""
    incr_ratio: float = Field(2.0, gt=1)
    decr_ratio: float = Field(0.5, gt=0, lt=1)
