"""The pose network's weights through OpenCV's DNN: the other engine of the paper's Figure 5, for benches only."""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from monitor.stages.pose import Crop, PoseNetwork


class OpenCVNetwork(PoseNetwork):
    """Answers as PoseNetwork does; how many cores it takes is cv2.setNumThreads' to say."""

    def _opened(self, crop: Crop, model: bytes) -> Any:
        return _Net(model)


class _Net:
    """An ONNX file in OpenCV, called as ONNX Runtime's session is."""

    def __init__(self, model: bytes) -> None:
        self._net = cv2.dnn.readNetFromONNX(np.frombuffer(_padded_by_number(model), np.uint8))

    def run(self, outputs: None, inputs: Mapping[str, npt.NDArray[np.float32]]) -> list[npt.NDArray[Any]]:
        """Run it on {"image": (1, 3, h, w)}; give [(1, 57, h/8, w/8)]."""
        self._net.setInput(inputs["image"], "image")
        return [np.asarray(self._net.forward())]


def _padded_by_number(model: bytes) -> bytes:
    """Say in numbers what SAME_UPPER means for even sizes: OpenCV 5.0 pads both ends where a stride of 2 needs one."""
    import onnx

    network = onnx.load_model_from_string(model)
    for node in network.graph.node:
        how = {attribute.name: attribute for attribute in node.attribute}
        if node.op_type == "Conv" and how.get("auto_pad") is not None and how["auto_pad"].s == b"SAME_UPPER":
            more = max(0, how["kernel_shape"].ints[0] - how["strides"].ints[0])
            before, after = more // 2, more - more // 2
            node.attribute.remove(how["auto_pad"])
            node.attribute.append(onnx.helper.make_attribute("pads", [before, before, after, after]))
    return bytes(network.SerializeToString())
