"""Track files as one JSON object per frame (.jsonl), empty frames too:
`{"frame": 1, "time_s": 0.0, "tracks": [{"id", "class", "score", "box": [left, top, width, height]}]}`,
with the picture's `"name"` where each frame is a file of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from rtdet.tracks.formats.format import Entry, Format, RowWriter, further_in, on_line, seconds, whole
from rtdet.tracks.rows import FrameRecord, Row, further_names, known_values, ltwh_of


class JsonLinesWriter(RowWriter):
    """One line a frame."""

    def _write_rows(self, record: FrameRecord, rows: list[Row]) -> None:
        line: dict[str, object] = {"frame": record.number, "time_s": record.written_time}
        if record.name:
            line["name"] = record.name
        further = further_names(JSON_LINES.suffix, known_values(record.objects))
        line["tracks"] = [
            {
                "id": row["id"],
                "class": row["class"],
                "score": row["score"],
                "box": ltwh_of(row),
                **{name: row[name] for name in further},
            }
            for row in rows
        ]
        self._file.append((json.dumps(line, ensure_ascii=False) + "\n").encode())


def _read(path: Path) -> Iterator[Entry]:
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield from on_line(number, _entries, line)


def _entries(line: str) -> list[Entry]:
    content = json.loads(line)
    frame, time_s = whole(content["frame"]), seconds(content)
    entries = [Entry.without_tracks(frame, time_s=time_s, name=str(content.get("name", "")))]
    for track in content["tracks"]:
        left, top, width, height = map(float, track["box"])
        track_id, name, score = whole(track["id"]), str(track["class"]), float(track["score"])
        further = further_in(track, JSON_LINES.suffix)
        entries.append(
            Entry(frame, track_id, 0, name, score, (left, top, width, height), time_s, further=further)
        )
    return entries


JSON_LINES = Format(".jsonl", JsonLinesWriter, _read, lists_empty_frames=True)
