"""YOLOv4: optimal speed and accuracy (Bochkovskiy, Wang and Liao 2020, arXiv 2004.10934).

YOLOv3 with everything that was found to help since, and that costs nothing or little when it runs. Each is a
switch of its own (`rtdet train --set mish=false`), and `benchmarks/yolov4_ablation.py` trains without each in turn:

- the trunk: cross-stage partial connections and Mish (`cspdarknet`), and DropBlock (`layers`);
- the neck: pyramid pooling (SPP) and path aggregation (PAN) (`neck`);
- the loss: CIoU, smoothed class labels, several anchors for an object, and centres that reach the cell's border
  (`loss`, and YOLOv3's `anchors`);
- the training: mosaic and a cosine schedule; after it: DIoU-NMS.
"""
