"""EfficientDet: scalable and efficient object detection (Tan, Pang and Le 2020, arXiv 1911.09070).

Two ideas. BiFPN: a feature pyramid that goes down and up, several times over, and learns how much each map counts
where maps are joined. Compound scaling: one number, phi, makes the trunk, the pyramid, the heads and the input larger
together, from D0 upwards.

`bifpn` holds the pyramid, `network` the heads and how all is put together, `published` reads the weights of the
authors' models as PyTorch has them. Anchors, matching and the focal loss are RetinaNet's.
"""
