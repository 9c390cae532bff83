"""YOLOX (Ge, Liu, Wang, Li and Sun 2021, arXiv 2107.08430): YOLO without anchors.

One prediction a cell, on maps at strides 8, 16 and 32. The head is decoupled: what an object is and where it is are
found by branches of their own. Which cells answer for an object is not a rule of shapes but decided by cost while it
trains (SimOTA): those that already predict it best, and as many of them as predict it well.

`simota` holds the assignment, `loss` the losses, `network` the layers. Exports of the authors' models are opened
elsewhere, as networks of others are.
"""
