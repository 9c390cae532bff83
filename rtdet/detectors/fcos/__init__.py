"""FCOS: fully convolutional one-stage detection (Tian, Shen, Chen and He 2019, arXiv 1904.01355).

No anchors: every cell of every map says for itself how far the four sides of the object around it are. Which level
answers is a matter of that distance; a cell in several objects answers for the smallest. Cells far from the middle of
their object give poor boxes, so each also says how central it is, and its score is turned down by that.

`targets` says what each cell should say, `loss` compares, `network` holds the layers. The pyramid and the focal loss
are RetinaNet's.
"""
