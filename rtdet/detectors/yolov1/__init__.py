"""YOLO, the first: you only look once (Redmon, Divvala, Girshick and Farhadi 2016, arXiv 1506.02640).

The picture is a grid. The cell in which an object's centre lies answers for it: with a few boxes, how sure it is of
each, and one set of class probabilities. All of it is regression, by squared errors: no anchors, no softmax, no
sigmoid. A cell knows one object only, which is what limits the method among small things in groups.

`loss` holds the assignment and equation 3, `network` the layers and how numbers become boxes.
"""
