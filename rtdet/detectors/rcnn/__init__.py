"""R-CNN: regions with features of a convolutional network (Girshick, Donahue, Darrell and Malik 2014,
arXiv 1311.2524).

Selective search says where in a picture something may be; each of these regions is cut out, with a little of what is
around it, warped to the one size that a classifier of pictures takes, and judged by itself. `segmentation` cuts a
picture into small regions, `selective_search` joins them step by step; `warping` cuts out and warps, `features` is
the network that sees one region, `loss` what it learns by, `boxes` codes a box as its difference from a region.

`selective_search` and `boxes` are used by the chapters that came after it, too.
"""
