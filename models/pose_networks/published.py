"""OpenPose's published networks, COCO and BODY_25, layer by layer under the names that CMU gave them.

A plan is data: onnx_file.py writes it as ONNX, Published runs it in PyTorch. Both networks give the same maps:
(B, 57, H/8, W/8), 19 heatmaps (18 keypoints in the order of skeleton.KEYPOINTS, then background) and 38 part affinity
fields in the order of openpose.LIMB_FIELDS. The weights are CMU's, for non-commercial use, and aren't part of this
project.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own custom
from torch import Tensor, nn

from models.pose_networks.openpose import FIELDS, HEATMAPS, LIMB_FIELDS, vgg_layers
from models.skeleton import LIMBS, UPPER_BODY

PICTURE = "picture"
"""What a plan's first layer reads: (B, 3, H, W), BGR, x / 256 - 0.5."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A convolution of stride 1 that keeps height and width, and what follows it.

    reads names the layers whose outputs go in, joined along the channels. side is the kernel's, in cells. pooled says
    that a 2x2 maximum stands before it.
    """

    name: str
    reads: tuple[str, ...]
    inputs: int
    outputs: int
    side: int
    then: Literal["relu", "prelu", ""] = "relu"
    pooled: bool = False

    @property
    def slopes(self) -> str:
        """Name the PReLU behind the convolution as CMU does: Mconv1_stage0_L2_0 -> Mprelu1_stage0_L2_0."""
        return self.name.replace("conv", "prelu")

    def tensors(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Give name and shape of each tensor of the layer."""
        yield f"{self.name}.weight", (self.outputs, self.inputs, self.side, self.side)
        yield f"{self.name}.bias", (self.outputs,)
        if self.then == "prelu":
            yield f"{self.slopes}.weight", (self.outputs,)


@dataclass(frozen=True, slots=True)
class Plan:
    """A network: its layers in order, and which channels of the last two become the 57 maps.

    ends names the layers with heatmaps and fields, joined in this order. picks gives for each of the 57 maps its
    channel therein, or None for a map that the network does not have (it stays 0).
    """

    name: str
    title: str
    layers: tuple[Layer, ...]
    ends: tuple[str, str]
    picks: tuple[int | None, ...]

    def tensors(self) -> dict[str, tuple[int, ...]]:
        """Give name -> shape of every tensor."""
        return dict(pair for layer in self.layers for pair in layer.tensors())


def coco() -> Plan:
    """Plan the 18-keypoint network that PyTorch-OpenPose and the paper use: body_pose_model.pth, pose_iter_440000."""
    sizes = vgg_layers()
    backbone = [name for name in sizes if name.startswith("conv") and not name.startswith("conv5")]
    layers = [
        Layer(name, (before,), *sizes[name], pooled=name in ("conv2_1", "conv3_1", "conv4_1"))
        for before, name in pairwise((PICTURE, *backbone))
    ]
    features = backbone[-1]
    reads: tuple[str, ...] = (features,)
    for stage in range(1, 7):
        branches = [[name for name in sizes if _is_of(name, stage, branch)] for branch in (1, 2)]
        for names in branches:
            layers += [Layer(names[0], reads, *sizes[names[0]])]
            layers += [Layer(name, (before,), *sizes[name]) for before, name in pairwise(names)]
            layers[-1] = replace(layers[-1], then="")
        reads = (branches[0][-1], branches[1][-1], features)
    return Plan("openpose-coco", "OpenPose COCO, 18 keypoints", tuple(layers), (reads[1], reads[0]), tuple(range(57)))


def _is_of(name: str, stage: int, branch: int) -> bool:
    """Tell whether a layer of the COCO network belongs to a stage's branch; 1 is the fields', 2 the heatmaps'."""
    return name.startswith("conv5_" if stage == 1 else "Mconv") and name.endswith(
        f"_CPM_L{branch}" if stage == 1 else f"_stage{stage}_L{branch}"
    )


def body25() -> Plan:
    """Plan BODY_25: PReLU, 3x3 convolutions in dense threes, four stages of fields, then two of heatmaps.

    Only what its 25 keypoints share with COCO's upper body is taken over: it joins the hips through a keypoint between
    them that COCO lacks, so hips and legs stay unseen.
    """
    sizes = {name: size for name, size in vgg_layers().items() if name.startswith(("conv1", "conv2", "conv3", "conv4"))}
    layers = [
        Layer(
            name,
            (before,),
            *sizes[name],
            "prelu" if name in ("conv4_2", "conv4_3_CPM", "conv4_4_CPM") else "relu",
            name in ("conv2_1", "conv3_1", "conv4_1"),
        )
        for before, name in pairwise((PICTURE, *sizes))
    ]
    features, fields = ("conv4_4_CPM", 128), ("Mconv7_stage3_L2", 52)
    for stage in range(4):
        before = (f"Mconv7_stage{stage - 1}_L2", 52)
        layers += _dense_stage(f"stage{stage}_L2", [features, *([before] if stage else [])], 52, first=stage == 0)
    layers += _dense_stage("stage0_L1", [features, fields], 26, first=True)
    layers += _dense_stage("stage1_L1", [features, ("Mconv7_stage0_L1", 26), fields], 26, first=False)
    ends = ("Mconv7_stage1_L1", "Mconv7_stage3_L2")
    return Plan("openpose-body25", "OpenPose BODY_25, upper body", tuple(layers), ends, _body25_picks())


def _dense_stage(stage: str, reads: list[tuple[str, int]], outputs: int, *, first: bool) -> Iterator[Layer]:
    """Five blocks of three 3x3 convolutions, whose three outputs are joined, and two 1x1 convolutions.

    reads are (name, channels). A branch's first stage is narrower.
    """
    width, wide = (96, 256) if first else (128, 512)
    for block in range(1, 6):
        names = [f"Mconv{block}_{stage}_{number}" for number in range(3)]
        yield Layer(names[0], tuple(name for name, _ in reads), sum(size for _, size in reads), width, 3, "prelu")
        yield Layer(names[1], (names[0],), width, width, 3, "prelu")
        yield Layer(names[2], (names[1],), width, width, 3, "prelu")
        reads = [(name, width) for name in names]
    yield Layer(f"Mconv6_{stage}", tuple(name for name, _ in reads), 3 * width, wide, 1, "prelu")
    yield Layer(f"Mconv7_{stage}", (f"Mconv6_{stage}",), wide, outputs, 1, "")


BODY25_KEYPOINTS = (0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18)
"""BODY_25's number of each of the 18 COCO keypoints; its 8 is the middle of the hips, 19 to 24 are the feet."""

BODY25_FIELDS = {
    (1, 2): 14, (1, 5): 22, (2, 3): 16, (3, 4): 18, (5, 6): 24, (6, 7): 26, (1, 0): 30, (0, 15): 32, (0, 16): 34,
    (15, 17): 36, (16, 18): 38, (2, 17): 20, (5, 18): 28,
}  # fmt: skip
"""Limb of BODY_25, in its own numbers -> the field that holds its x; y is the next. Upper body only."""


def _body25_picks() -> tuple[int | None, ...]:
    background, heatmaps = 25, 26
    picks: list[int | None] = [BODY25_KEYPOINTS[k] if k in UPPER_BODY else None for k in range(18)] + [background]
    picks += [None] * FIELDS
    for (start, end), (x, y) in zip(LIMBS, LIMB_FIELDS, strict=True):
        found = BODY25_FIELDS.get((BODY25_KEYPOINTS[start], BODY25_KEYPOINTS[end]))
        if found is not None:
            picks[HEATMAPS + x], picks[HEATMAPS + y] = heatmaps + found, heatmaps + found + 1
    return tuple(picks)


class Published(nn.Module):
    """A plan in PyTorch. Takes raw BGR 0..255; x / 256 - 0.5 is the first step.

    The tensors keep CMU's names with "/" for ".", which PyTorch reserves.
    """

    def __init__(self, plan: Plan, tensors: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.plan = plan
        self.values = nn.ParameterDict({name.replace(".", "/"): nn.Parameter(tensors[name]) for name in plan.tensors()})

    def forward(self, image: Tensor) -> Tensor:
        """Map pictures (B, 3, H, W), BGR 0..255, to maps (B, 57, H/8, W/8); H and W are multiples of 8."""
        seen = {PICTURE: image / 256 - 0.5}
        for layer in self.plan.layers:
            x = torch.cat([seen[name] for name in layer.reads], 1)
            seen[layer.name] = self._run(layer, F.max_pool2d(x, 2) if layer.pooled else x)
        maps = torch.cat([seen[name] for name in self.plan.ends], 1)
        picked = [torch.zeros_like(maps[:, 0]) if pick is None else maps[:, pick] for pick in self.plan.picks]
        return torch.stack(picked, 1)  # (B, 57, H/8, W/8)

    def _run(self, layer: Layer, x: Tensor) -> Tensor:
        weight, bias = self.values[f"{layer.name}/weight"], self.values[f"{layer.name}/bias"]
        x = F.conv2d(x, weight, bias, padding=layer.side // 2)
        if layer.then == "prelu":
            return F.prelu(x, self.values[f"{layer.slopes}/weight"])
        return F.relu(x) if layer.then == "relu" else x
