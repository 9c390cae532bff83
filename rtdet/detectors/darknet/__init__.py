"""Darknet's networks (Redmon; Bochkovskiy), natively: a .cfg with its .weights.

    cfg.py       the text into sections             sections.py  a section into a layer
    layers.py    the layers and their shapes        tree.py      YOLO9000's hierarchy of classes
    network.py   all layers, parameters, FLOPs      weights.py   the numbers of a .weights file
    compute.py   what layers without weights do     decode.py    outputs into boxes, scores, labels
    graph.py     the network as an OpenVINO graph   module.py    the network as a torch module
    pairing.py   the files that belong together     detector.py  the detector

Written after the papers (YOLOv1 arXiv:1506.02640, YOLOv2 1612.08242, YOLOv3 1804.02767, YOLOv4 2004.10934) and the
behaviour of Darknet itself, which is in the public domain.
"""
