"""What happens inside a detector, with pictures, as a page that opens anywhere.

`explain` looks at one picture with one detector. There is a module for each kind of network: `ssd` (priors), `grid`
(the YOLOs), `heatmap` (CenterNet), `regions` (R-CNN and Fast R-CNN), `windows` (a sliding window), `proposals`
(torchvision's Faster R-CNN), `graph` (networks of others); each gives an `Inside`,
of which `common` makes what all pages have.
"""

from __future__ import annotations

from rtdet.explain.explaining import explain
from rtdet.explain.page import Page, render
from rtdet.explain.truth import demo_truth, truth_in

__all__ = ["Page", "demo_truth", "explain", "render", "truth_in"]
