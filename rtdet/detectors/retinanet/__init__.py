"""RetinaNet: the focal loss for dense detection (Lin, Goyal, Girshick, He and Dollar 2017, arXiv 1708.02002).

A one-stage detector looks at tens of thousands of anchors, nearly all of which show nothing. Each of these easy
negatives adds little to a cross entropy, but together they drown the rest. The focal loss turns down what is easy, so
no sampling and no mining is needed. Around it stands a plain network: a feature pyramid and two small heads, the same
on every level.

`anchors` holds the nine shapes of a cell, the matching and the box coding, `loss` the focal loss, `pyramid` and
`network` the layers.
"""
