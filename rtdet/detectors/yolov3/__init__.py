"""YOLOv3 (Redmon and Farhadi 2018, arXiv 1804.02767): anchors on three scales.

Maps at strides 8, 16 and 32 look for small, middle and large objects. Each cell has three anchors, shapes that are
common in the data, and says for each how the box differs from it, whether there is an object, and, with a sigmoid for
each class, what it is. An object is answered for by the one anchor of all nine whose shape fits best, in the cell of
its centre.

`anchors` holds the anchors' places, the way from numbers to boxes and the assignment, `loss` the three losses,
`darknet` the trunk and `network` the rest of the layers.
"""
