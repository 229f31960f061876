"""The networks of the paper's Tables 5 and 6, on the same segments as the LSTM.

The paper doesn't say how 150 poses become the picture that these networks want. Here time runs down and the keypoints
run across: a picture of 150 x 12 with three channels, z-scored x and y (eq. 1, as the LSTM gets) and "seen", stretched
to a square. So a convolution looks at neighbouring keypoints over neighbouring moments, and x and y of one keypoint
stand at the same place, as colours do. Li et al.'s network gets the five columns of the face alone. They are written
out because torchvision's versions come with a C++ part that must match the torch that is installed.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from models.features import PaperFeatures
from models.pose_lstm import Judge
from models.skeleton import UPPER_BODY

FACE_COLUMNS = (0, 8, 9, 10, 11)  # nose, eyes and ears among the 12
ALL_COLUMNS = tuple(range(12))
CHUNKS = 5  # of 30 poses: the steps of CNN + LSTM
VGG16 = (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0)  # 0: max pooling
VGG16_WIDTH = 4096  # of its two fully connected layers
BLOCKS = {"resnet50": (3, 4, 6, 3), "resnet101": (3, 4, 23, 3), "resnet152": (3, 8, 36, 3)}


class PosePicture(nn.Module):
    """(B, T, 18, 3) -> (B, 3, size, size): z-scored x, z-scored y, seen, over time (down) and keypoints (across)."""

    def __init__(self, size: int, columns: Sequence[int] = ALL_COLUMNS) -> None:
        super().__init__()
        self.size, self.columns, self.scored = size, list(columns), PaperFeatures()

    def forward(self, poses: Tensor) -> Tensor:
        inside = torch.ones(*poses.shape[:2], 1, 1, dtype=torch.bool, device=poses.device)
        xy = self.scored(poses, inside).unflatten(2, (12, 2))  # (B, T, 12, 2)
        seen = (poses[:, :, list(UPPER_BODY), 2:] > 0).to(xy.dtype)  # (B, T, 12, 1)
        picture = torch.cat([xy, seen], dim=3)[:, :, self.columns].permute(0, 3, 1, 2)  # (B, 3, T, columns)
        return nn.functional.interpolate(picture, (self.size, self.size), mode="bilinear", align_corners=False)


class PictureNet(Judge):
    """A picture network with one output."""

    def __init__(self, picture: PosePicture, body: nn.Module, width: int) -> None:
        super().__init__()
        self.picture, self.body, self.head = picture, body, nn.Linear(width, 1)

    def outputs(self, poses: Tensor, lengths: Tensor | None = None) -> Tensor:
        answer: Tensor = self.head(self.body(self.picture(poses)))
        return answer


class PictureLSTM(Judge):
    """CNN + LSTM: VGG16 looks at each second of poses (a picture of its own), an LSTM at what it saw, in order."""

    def __init__(self, size: int, hidden: int) -> None:
        super().__init__()
        self.size, self.picture, self.body = size, PosePicture(size * CHUNKS), vgg16_body()
        self.lstm, self.head = nn.LSTM(512, hidden, batch_first=True), nn.Linear(hidden, 1)

    def outputs(self, poses: Tensor, lengths: Tensor | None = None) -> Tensor:
        pictures = self.picture(poses)  # (B, 3, 5 size, 5 size); z-scored over the whole window before it is divided
        rows = pictures.unflatten(2, (CHUNKS, -1)).permute(0, 2, 1, 3, 4).flatten(0, 1)  # (5 B, 3, size, 5 size)
        square = (self.size, self.size)
        flat = nn.functional.interpolate(rows, square, mode="bilinear", align_corners=False)
        seen = self.body(flat).unflatten(0, (len(poses), CHUNKS))  # (B, CHUNKS, 512)
        states, _ = self.lstm(seen)
        answer: Tensor = self.head(states[:, -1])
        return answer


class Bottleneck(nn.Module):
    """ResNet's block of three convolutions with a way round it."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        outputs = 4 * width
        self.way = nn.Sequential(
            nn.Conv2d(inputs, width, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, outputs, 1, bias=False), nn.BatchNorm2d(outputs),
        )  # fmt: skip
        plain = inputs == outputs and stride == 1
        self.round: nn.Module = nn.Identity()
        if not plain:
            self.round = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.way(x) + self.round(x))


def vgg16_convolutions() -> nn.Sequential:
    """VGG16's 13 convolutions -> (B, 512, size / 32, size / 32).

    With batch normalisation: from random weights, 25 steps of 16 windows took the loss to 0.29 with it, and left it at
    0.69, where it began, without.
    """
    parts: list[nn.Module] = []
    inputs = 3
    for width in VGG16:
        if width == 0:
            parts.append(nn.MaxPool2d(2))
        else:
            parts += [nn.Conv2d(inputs, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
            inputs = width
    return nn.Sequential(*parts)


def vgg16_body() -> nn.Module:
    """VGG16 without its fully connected layers -> (B, 512), each channel's mean."""
    return nn.Sequential(vgg16_convolutions(), nn.AdaptiveAvgPool2d(1), nn.Flatten())


def vgg16(size: int) -> Judge:
    """VGG16, configuration D of Simonyan and Zisserman 2015, with batch normalisation and one output."""
    layers: list[nn.Module] = [vgg16_convolutions(), nn.Flatten()]
    for inputs in (512 * (size // 32) ** 2, VGG16_WIDTH):
        layers += [nn.Linear(inputs, VGG16_WIDTH), nn.ReLU(), nn.Dropout(0.5)]
    return PictureNet(PosePicture(size), nn.Sequential(*layers), VGG16_WIDTH)


def resnet_body(blocks: Sequence[int]) -> nn.Module:
    """ResNet's stem and its four stages -> (B, 2048)."""
    parts: list[nn.Module] = [
        nn.Conv2d(3, 64, 7, 2, 3, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, 1),
    ]
    inputs = 64
    for stage, count in enumerate(blocks):
        width = 64 * 2**stage
        for number in range(count):
            parts.append(Bottleneck(inputs, width, 2 if stage > 0 and number == 0 else 1))
            inputs = 4 * width
    return nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten())


NETWORKS: dict[str, Callable[[int], Judge]] = {
    "vgg16": vgg16,
    **{
        name: lambda size, blocks=blocks: PictureNet(PosePicture(size), resnet_body(blocks), 2048)  # type: ignore[misc]
        for name, blocks in BLOCKS.items()
    },
    "vgg16_lstm": lambda size: PictureLSTM(size, 256),
    "li_resnet152": lambda size: PictureNet(PosePicture(size, FACE_COLUMNS), resnet_body(BLOCKS["resnet152"]), 2048),
}


def weights_of(name: str, size: int) -> int:
    """Count a network's numbers that are trained; none is made."""
    with torch.device("meta"):
        return sum(weight.numel() for weight in NETWORKS[name](size).parameters())


DIFFERENCES = {
    "vgg16": "batch normalisation behind each of the 13 convolutions, one output; the first of the two fully connected "
    "layers of 4096 is as large as the picture leaves it",
    "resnet50": "one output",
    "resnet101": "one output",
    "resnet152": "one output",
    "vgg16_lstm": "the paper does not describe it. Ours: VGG16's 13 convolutions with batch normalisation and no fully "
    "connected layers, averaged to 512 numbers for each of five seconds, then an LSTM of 256",
    "li_resnet152": "looks at five keypoints of the face (nose, eyes, ears), not at a face's pixels; one output",
}
"""What of NETWORKS is not as the network of that name was published."""
