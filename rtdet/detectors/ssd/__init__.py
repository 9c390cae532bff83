"""SSD: network, priors, coder, matcher, loss and postprocess, each usable alone.

Liu et al., "SSD: Single Shot MultiBox Detector", ECCV 2016 (arXiv 1512.02325).
"""
