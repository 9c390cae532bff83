"""CenterNet: objects as points (Zhou, Wang and Krähenbühl 2019, arXiv 1904.07850).

An object is the peak of a heat map of its class at its centre. At the peak, two more maps give the size of its
box and where in the cell the centre is. There are no anchors and no NMS: of neighbouring cells only the highest is
a peak.

`targets` paints the heat maps that the network should give, `loss` compares, `network` holds the layers and turns
peaks into boxes.
"""
