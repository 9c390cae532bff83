"""Fast R-CNN: one network for all regions of a picture (Girshick 2015, arXiv 1504.08083).

R-CNN ran its network once for each region. Here the convolutions run once for the whole picture; a region is pooled
from their map into a small one of fixed size, and a few connected layers say what it shows and how its box differs,
learnt by one loss.

`pooling` is RoI pooling and its successor RoI align, `sampling` chooses what is learnt from, `loss` is the multi-task
loss, `head` the connected layers, `trunk` the shared map, on which Faster R-CNN stands too. In `network` the regions
come from selective search, outside the graph: its inputs are a picture and the regions.
"""
