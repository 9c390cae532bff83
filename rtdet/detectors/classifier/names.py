"""The backbones that families have of their own, for help texts: free of torch."""

from __future__ import annotations

from collections.abc import Mapping

# Beside ssd.backbones.BACKBONES and timm's; how each is built: trunks.TRUNKS.
OWN_TRUNKS: Mapping[str, str] = {
    "narrow": "plain 3x3 convolutions, of ssd-n and of most names in -n",
    "csp": "YOLOX-nano's depthwise CSPDarknet, of csp-n and yolox-nano",
    "darknet": "the first 20 convolutions of YOLOv1, as its paper pretrains them",
    "darknet53": "Darknet-53, of yolov3",
    "cspdarknet53": "CSPDarknet53, of yolov4",
    "cspdarknet-n": "a narrow one, of yolov4-n",
    "mobilenet_v3_large_reduced": "MobileNetV3-Large with half of the channels at its end, of ssdlite320",
    "regions": "the four layers of rcnn-n",
    "window": "the four layers of slidingwindow-n",
}
