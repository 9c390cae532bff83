"""Faster R-CNN: region proposals by a network (Ren, He, Girshick and Sun 2015, arXiv 1506.01497).

Fast R-CNN had made looking at regions cheap; finding them by selective search then took nearly all the time. Here
a small network slides over the same feature map and says of each of nine anchors at each place whether it shows an
object, and how its box differs. The best of these proposals are the regions of Fast R-CNN's second stage, which
learns together with the first.

`anchors` holds the nine boxes of a place and what they are to say, `proposals` how the best become regions, `network`
the layers. What comes behind the proposals is in the chapter `fastrcnn`, the coding of boxes in `rcnn`.
"""
