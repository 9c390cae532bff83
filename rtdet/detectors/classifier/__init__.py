"""Pretraining: a backbone learns to tell whole pictures apart before it looks for objects.

Pictures with one label each are cheap and many, and what a network has to see in them (edges, textures, wheels,
faces) is what a detector has to see too. R-CNN (Girshick et al. 2014, arXiv 1311.2524) showed how much that is worth;
nearly every chapter since begins with such weights.

    trunks      which backbones there are, and how each is built alone
    network     a backbone, the mean over its last map, and one fully connected layer
    taking      where a detector has its backbone, and how weights get there
"""
