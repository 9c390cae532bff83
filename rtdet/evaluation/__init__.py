"""The room for measuring: detection (VOC, COCO), tracking (CLEAR, IDF1, HOTA) and streaming accuracy.

Until it is furnished, `benchmarks/detector_ap.py` measures with pycocotools and the trackers' tests with
TrackEval.
"""
