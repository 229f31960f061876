"""The pose networks as PyTorch modules: MobileNet-thin, which ships, and OpenPose's COCO body network (VGG).

Both give the same maps: (B, 57, H/8, W/8), 19 heatmaps (18 keypoints in the order of skeleton.KEYPOINTS, then
background) and 38 part affinity fields (x and y of each limb in the order of skeleton.LIMBS).
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own custom
from torch import Tensor, nn

HEATMAPS = 19
FIELDS = 38
STRIDE = 8
"""Pixels of the picture per cell of a map, along each axis."""

LIMB_FIELDS = (
    (12, 13), (20, 21), (14, 15), (16, 17), (22, 23), (24, 25), (0, 1), (2, 3), (4, 5), (6, 7), (8, 9), (10, 11),
    (28, 29), (30, 31), (34, 35), (32, 33), (36, 37), (18, 19), (26, 27),
)  # fmt: skip
"""For each limb of skeleton.LIMBS, which part affinity fields hold the x and y of its direction."""

_THIN_WIDTHS = (48, 96, 96, 192, 192, 384, 384, 384, 384, 384, 384)
_THIN_HALVES = (2, 4)  # numbers of the backbone's blocks that halve the picture
_VGG = (
    ("conv1_1", 3, 64), ("conv1_2", 64, 64), ("pool", 0, 0),
    ("conv2_1", 64, 128), ("conv2_2", 128, 128), ("pool", 0, 0),
    ("conv3_1", 128, 256), ("conv3_2", 256, 256), ("conv3_3", 256, 256), ("conv3_4", 256, 256), ("pool", 0, 0),
    ("conv4_1", 256, 512), ("conv4_2", 512, 512), ("conv4_3_CPM", 512, 256), ("conv4_4_CPM", 256, 128),
)  # fmt: skip


class Separable(nn.Module):
    """A 3x3 convolution in two steps: one filter per channel, then a mix of the channels; as TensorFlow pads it."""

    def __init__(self, inputs: int, outputs: int, *, halve: bool = False, relu: bool = True) -> None:
        super().__init__()
        self.halve, self.relu = halve, relu
        stride, padding = (2, 0) if halve else (1, 1)
        self.depthwise = nn.Conv2d(inputs, inputs, 3, stride, padding, groups=inputs, bias=False)
        self.pointwise = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, inputs, H, W) to (B, outputs, H, W), or half of H and W."""
        if self.halve:
            x = F.pad(x, (0, 1, 0, 1))  # "SAME" pads an even side after its end only
        x = self.pointwise(self.depthwise(x))
        return F.relu(x) if self.relu else x


class Mix(nn.Module):
    """A 1x1 convolution."""

    def __init__(self, inputs: int, outputs: int, *, relu: bool = True) -> None:
        super().__init__()
        self.relu = relu
        self.pointwise = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, inputs, H, W) to (B, outputs, H, W)."""
        x = self.pointwise(x)
        return F.relu(x) if self.relu else x


class ThinStage(nn.Module):
    """One refinement: two branches of three separable and two 1x1 convolutions over the same input."""

    def __init__(self, inputs: int, wide: int) -> None:
        super().__init__()
        self.fields = self._branch(inputs, wide, FIELDS)
        self.heat = self._branch(inputs, wide, HEATMAPS)

    @staticmethod
    def _branch(inputs: int, wide: int, outputs: int) -> nn.Sequential:
        return nn.Sequential(
            Separable(inputs, 64),
            Separable(64, 64),
            Separable(64, 64),
            Mix(64, wide),
            Mix(wide, outputs, relu=False),
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Give part affinity fields (B, 38, H, W) and heatmaps (B, 19, H, W)."""
        return self.fields(x), self.heat(x)


class MobileNetThin(nn.Module):
    """OpenPose with a thin MobileNet under it, 1.9 M parameters; takes raw BGR 0..255, no normalisation.

    stages below 6 leave the last refinements out. H and W are multiples of 8.
    """

    def __init__(self, stages: int = 6) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 24, 3, 2)
        widths = (24, *_THIN_WIDTHS)
        self.backbone = nn.ModuleList(
            Separable(widths[i - 1], widths[i], halve=i in _THIN_HALVES) for i in range(1, len(widths))
        )
        features = _THIN_WIDTHS[2] + _THIN_WIDTHS[6] + _THIN_WIDTHS[10]  # 864
        self.stages = nn.ModuleList(
            ThinStage(features if i == 0 else features + FIELDS + HEATMAPS, 256 if i == 0 else 64)
            for i in range(stages)
        )

    def forward(self, image: Tensor) -> Tensor:
        """Map pictures (B, 3, H, W), BGR 0..255, to maps (B, 57, H/8, W/8)."""
        x = F.relu(self.first(F.pad(image, (0, 1, 0, 1))))  # (B, 24, H/2, W/2)
        taken = []
        for number, block in enumerate(self.backbone, 1):
            x = block(x)
            if number == 3:
                taken.append(F.max_pool2d(x, 2))  # (B, 96, H/8, W/8)
            elif number in (7, 11):
                taken.append(x)  # (B, 384, H/8, W/8)
        features = torch.cat(taken, 1)  # (B, 864, H/8, W/8)
        fields, heat = self.stages[0](features)
        for stage in self.stages[1:]:
            fields, heat = stage(torch.cat((fields, heat, features), 1))
        return torch.cat((heat, fields), 1)  # (B, 57, H/8, W/8)


class OpenPoseVGG(nn.Module):
    """OpenPose's COCO body network as CMU published it: VGG-19's first ten layers and six stages of two branches.

    Layers carry CMU's names. Takes raw BGR 0..255; x / 256 - 0.5 is the first step. The published weights are for
    non-commercial use only and aren't part of this project (importing.py reads a file that the user has).
    """

    def __init__(self, stages: int = 6) -> None:
        super().__init__()
        self.stages = stages
        self.layers = nn.ModuleDict(
            {name: nn.Conv2d(i, o, k, 1, k // 2) for name, (i, o, k) in vgg_layers(stages).items()}
        )

    def forward(self, image: Tensor) -> Tensor:
        """Map pictures (B, 3, H, W), BGR 0..255, to maps (B, 57, H/8, W/8)."""
        x = image / 256 - 0.5
        for name, _, _ in _VGG:
            x = F.max_pool2d(x, 2) if name == "pool" else F.relu(self.layers[name](x))
        features = x  # (B, 128, H/8, W/8)
        for stage in range(1, self.stages + 1):
            fields, heat = (self._branch(x, stage, branch) for branch in (1, 2))
            x = torch.cat((fields, heat, features), 1)  # (B, 185, H/8, W/8)
        return torch.cat((heat, fields), 1)

    def _branch(self, x: Tensor, stage: int, branch: int) -> Tensor:
        names = _branch_names(stage, branch)
        for name in names[:-1]:
            x = F.relu(self.layers[name](x))
        out: Tensor = self.layers[names[-1]](x)
        return out


def _branch_names(stage: int, branch: int) -> list[str]:
    """Name the layers of a stage's branch as CMU does; 1 is the fields', 2 the heatmaps'."""
    if stage == 1:
        return [f"conv5_{i}_CPM_L{branch}" for i in range(1, 6)]
    return [f"Mconv{i}_stage{stage}_L{branch}" for i in range(1, 8)]


def vgg_layers(stages: int = 6) -> dict[str, tuple[int, int, int]]:
    """Give name -> (inputs, outputs, kernel side) of every convolution of OpenPose's COCO network."""
    layers = {name: (i, o, 3) for name, i, o in _VGG if name != "pool"}
    for branch, outputs in ((1, FIELDS), (2, HEATMAPS)):
        shapes = [(128, 128, 3)] * 3 + [(128, 512, 1), (512, outputs, 1)]
        layers |= dict(zip(_branch_names(1, branch), shapes, strict=True))
        shapes = [(185, 128, 7), *[(128, 128, 7)] * 4, (128, 128, 1), (128, outputs, 1)]
        for stage in range(2, stages + 1):
            layers |= dict(zip(_branch_names(stage, branch), shapes, strict=True))
    return layers


def load_thin(weights: Mapping[str, Tensor], stages: int = 6) -> MobileNetThin:
    """Build the thin network from the initializers of its ONNX file, whose names are this module's own."""
    network = MobileNetThin(stages)
    network.load_state_dict({name: weights[name] for name in network.state_dict()})
    return network.eval()
