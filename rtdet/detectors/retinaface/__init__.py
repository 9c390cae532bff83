"""RetinaFace as PyTorch has it: a single-stage detector of faces (Deng et al. 2020, arXiv 1905.00641), to be run.

MobileNet's trunk at a quarter of its width (Howard et al. 2017, arXiv 1704.04861), a feature pyramid over strides
8, 16 and 32, an SSH context module on each (Najibi et al. 2017, arXiv 1708.03979), and 1x1 convolutions for score,
box and five points. It is not trained here: `published` reads state dicts of others. They do not say for which
anchors they were trained, nor how their network bends, so `measure` finds it out, with faces of `drawing`.
"""
