"""What R-CNN introduced: boxes as differences from proposals (Girshick, Donahue, Darrell and Malik 2014,
arXiv 1311.2524), and, as it used it, selective search, which finds where in a picture something may be.

`boxes` codes boxes, `segmentation` cuts a picture into small regions, `selective_search` joins them step by step.
"""
