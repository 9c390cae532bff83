"""Darknet's networks (Redmon; Bochkovskiy), natively: a .cfg with its .weights.

    cfg.py       the text into sections             layers.py    sections into layers with their shapes
    network.py   the layers of a whole network      weights.py   the numbers of a .weights file
    compute.py   what layers without weights do     decode.py    outputs into boxes, scores, labels
    graph.py     the network as an OpenVINO graph   module.py    the network as a torch module
    detector.py  the detector                       counting.py  parameters and FLOPs

Written after the papers (YOLOv1 arXiv:1506.02640, YOLOv2 1612.08242, YOLOv3 1804.02767, YOLOv4 2004.10934) and the
behaviour of Darknet itself, which is in the public domain.
"""
