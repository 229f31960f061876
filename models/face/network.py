"""dlib's residual network for faces as a PyTorch module, and the plan that its ONNX file is written by as well.

29 convolutions (He et al. 2016 with half of the layers and filters), trained by Davis King so that pictures of one
person lie within 0.6 of each other, by Euclidean distance, and those of two people further apart.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own custom
from torch import Tensor, nn

CHIP_PX = 150
NUMBERS = 128
MEAN_RGB = (122.782, 117.001, 104.298)
SPREAD = 256.0
"""dlib's own, which the network was trained with (input_rgb_image_sized); face-api 1.7.15 divides by 255."""

Tensors = Mapping[str, npt.NDArray[np.generic]]


@dataclass(frozen=True, slots=True)
class Block:
    """Two 3x3 convolutions, to whose outcome the block's input is added.

    halves: the first convolution goes in steps of 2 without padding, and the input passes as 2x2 averages, with zeros
    for the channels that it lacks. short: the input's side is even, so the convolutions end one cell before the
    averages, and zeros fill their last row and column.
    """

    name: str
    inputs: int
    outputs: int
    halves: bool = False
    short: bool = False


STEM = "conv32_down"
BLOCKS = (
    Block("conv32_1", 32, 32),  # (B, 32, 35, 35)
    Block("conv32_2", 32, 32),
    Block("conv32_3", 32, 32),
    Block("conv64_down", 32, 64, halves=True),  # (B, 64, 17, 17)
    Block("conv64_1", 64, 64),
    Block("conv64_2", 64, 64),
    Block("conv64_3", 64, 64),
    Block("conv128_down", 64, 128, halves=True),  # (B, 128, 8, 8)
    Block("conv128_1", 128, 128),
    Block("conv128_2", 128, 128),
    Block("conv256_down", 128, 256, halves=True, short=True),  # (B, 256, 4, 4)
    Block("conv256_1", 256, 256),
    Block("conv256_2", 256, 256),
    Block("conv256_down_out", 256, 256, halves=True, short=True),  # (B, 256, 2, 2)
)


class FaceResNet(nn.Module):
    """The network with the ONNX file's weights: the same numbers, to a ten-thousandth."""

    def __init__(self, tensors: Tensors) -> None:
        """Take the tensors by their names in the ONNX file; models.face.convert tells what they are."""
        super().__init__()
        self.stem = _convolution(tensors, STEM, 3, 32, 7, stride=2)
        self.first = nn.ModuleList(
            _convolution(tensors, f"{block.name}/conv1", block.inputs, block.outputs, 3, stride=1 + block.halves)
            for block in BLOCKS
        )
        self.second = nn.ModuleList(
            _convolution(tensors, f"{block.name}/conv2", block.outputs, block.outputs, 3) for block in BLOCKS
        )
        self.fc = nn.Linear(256, NUMBERS, bias=False)
        self.fc.weight = nn.Parameter(_weight(tensors, "fc").T.contiguous())

    def forward(self, chips: Tensor) -> Tensor:
        """Map chips (B, 150, 150, 3) uint8, RGB, to vectors (B, 128)."""
        x = chips.permute(0, 3, 1, 2).float()  # (B, 3, 150, 150)
        x = (x - x.new_tensor(MEAN_RGB).view(3, 1, 1)) / SPREAD
        x = F.max_pool2d(F.relu(self.stem(x)), 3, 2)  # (B, 32, 72, 72), then (B, 32, 35, 35)
        for block, first, second in zip(BLOCKS, self.first, self.second, strict=True):
            y = second(F.relu(first(x)))
            if block.halves:
                x = F.pad(F.avg_pool2d(x, 2), (0, 0, 0, 0, 0, block.outputs - block.inputs))
            if block.short:
                y = F.pad(y, (0, 1, 0, 1))
            x = F.relu(x + y)  # (B, outputs, H, W), H and W as BLOCKS says
        vectors: Tensor = self.fc(x.mean((2, 3)))  # (B, 128)
        return vectors


def _convolution(tensors: Tensors, name: str, inputs: int, outputs: int, side: int, *, stride: int = 1) -> nn.Conv2d:
    layer = nn.Conv2d(inputs, outputs, side, stride, padding=0 if stride == 2 else side // 2)
    layer.weight = nn.Parameter(_weight(tensors, name))
    layer.bias = nn.Parameter(torch.from_numpy(np.array(tensors[f"{name}.bias"], np.float32)))
    return layer


def _weight(tensors: Tensors, name: str) -> Tensor:
    """Read a weight that is kept as whole numbers, a step and an offset."""
    stored, step, offset = (np.array(tensors[f"{name}.{part}"], np.float32) for part in ("stored", "step", "offset"))
    return torch.from_numpy(stored * step + offset)
