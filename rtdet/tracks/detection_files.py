"""Detection files, for `rtdet detect`: what the detector saw, before any tracker."""

from __future__ import annotations

from rtdet.tracks.coco import compact
from rtdet.tracks.rows import Row, detection_rows
from rtdet.tracks.writers import TrackFile
from rtdet.types import Frame, FrameResult


class _DetectionFile(TrackFile):
    def _rows_of(self, result: FrameResult) -> list[Row]:
        return detection_rows(result, self._class_ids)


class DetectionJsonFile(_DetectionFile):
    """A list of `{"file_name" (or "frame", from 1), "category", "bbox": [left, top, width, height],
    "score"}`; a whole document after every frame."""

    _has_items = False

    def _write_rows(self, frame: Frame, rows: list[Row]) -> None:
        key: dict[str, object] = {"file_name": frame.name} if frame.name else {"frame": frame.index + 1}
        items = [
            compact(
                {
                    **key,
                    "category": r.class_name,
                    "bbox": [r.left, r.top, r.width, r.height],
                    "score": r.score,
                }
            )
            for r in rows
        ]
        start = "[" if self._is_first else ""
        if items:
            start += "\n" if not self._has_items else ",\n"
            self._has_items = True
        self._file.replace_tail((start + ",\n".join(items)).encode(), b"\n]\n")


class DetectionMotFile(_DetectionFile):
    """MOTChallenge detections: `frame,-1,left,top,width,height,score,-1,-1,-1`, frame from 1."""

    def _write_rows(self, frame: Frame, rows: list[Row]) -> None:
        lines = [
            f"{r.frame},-1,{r.left:.2f},{r.top:.2f},{r.width:.2f},{r.height:.2f},{r.score:.4f},-1,-1,-1\n"
            for r in rows
        ]
        self._file.append("".join(lines).encode())
