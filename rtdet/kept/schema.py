"""What is in a kept run: the tables of the SQLite database.

A candidate takes some 30 bytes: its coordinates are whole numbers of thousandths of a pixel, its score of millionths
(`pipeline.grid`), and its key says the frame. The view `detections` shows them as people expect them:

    sqlite3 RUN.rtdet "select frame, time_s, class, score, x1, y1, x2, y2 from detections limit 5"
"""

from __future__ import annotations

# "rtdt" as a number, and which of the formats it is; both stand in the first hundred bytes of the file.
APPLICATION_ID = 0x72746474
FORMAT = 1
KEPT_SUFFIX = ".rtdet"
# A frame's candidates have the keys number * MOST, number * MOST + 1, ...
MOST = 1000

HEADER = b"SQLite format 3\0"

# A file whose tables were made with other words than these, but for spaces, is not read (`checks.check_schema`):
# whoever changes one of them raises FORMAT, and reads the older ones too.
TABLES = f"""
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {FORMAT};
-- Values as JSON: where the run came from, with what it was made (about.py).
CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE classes (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
-- frame: its number from 1. width, height: where they are not those of the source. dropped: why it was not looked at,
-- "carried" where it has tracks by the frames before.
-- camera: six float64 (little-endian), the camera's transform to this frame, where the tracker was told of it.
-- found: how many candidates it has.
CREATE TABLE frames (
    frame INTEGER PRIMARY KEY, time_s REAL, pts INTEGER, width INTEGER, height INTEGER, name TEXT, dropped TEXT,
    camera BLOB, found INTEGER
);
-- id: frame * {MOST} + its place by falling score. Corners in thousandths of a pixel, score in millionths.
CREATE TABLE candidates (
    id INTEGER PRIMARY KEY, x1 INTEGER NOT NULL, y1 INTEGER NOT NULL, x2 INTEGER NOT NULL, y2 INTEGER NOT NULL,
    score INTEGER NOT NULL, class INTEGER NOT NULL
);
-- Key points of candidates: int32 (little-endian) x, y in thousandths of a pixel, confidence in millionths, ...
CREATE TABLE points (id INTEGER PRIMARY KEY, points BLOB NOT NULL);
-- What was made of it since: "edits" and "zones", as JSON, and "looked_at", a line each.
CREATE TABLE documents (name TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;
CREATE VIEW detections AS
    SELECT candidates.id / {MOST} AS frame, time_s, candidates.id % {MOST} + 1 AS place, classes.name AS class,
        score / 1e6 AS score, x1 / 1e3 AS x1, y1 / 1e3 AS y1, x2 / 1e3 AS x2, y2 / 1e3 AS y2
    FROM candidates
    JOIN frames ON frames.frame = candidates.id / {MOST}
    JOIN classes ON classes.id = candidates.class;
"""
