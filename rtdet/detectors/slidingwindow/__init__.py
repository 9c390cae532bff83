"""The detector that came before all others: a classifier of small pictures, and a window that slides over a large
one.

The classifier says of a window of 16x16 pixels whether it shows an object just filling it. The picture is shrunk step
by step (`pyramid`), so that objects of every size fit in somewhere, and stretched, for those that are higher or wider
than a square. There are tens of thousands of windows in a picture and next to all show nothing: what a training
learns of are the objects, and those of the others that are taken for one (`mining`). So Rowley, Baluja and Kanade
found faces with a small network (1998), and Dalal and Triggs people with gradients (2005).

The network of the `classifier` is convolutional, so that it can be run on the whole of a picture at once instead of
once for each window, with the same result (OverFeat, arXiv 1312.6229).
"""
