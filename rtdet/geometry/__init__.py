"""Boxes, overlaps, NMS, letterbox: plain arithmetic without torch."""
