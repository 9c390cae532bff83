"""`rtdet batch` as people type it."""

from __future__ import annotations

import re
import shutil

import pytest

from rtdet import run
from rtdet.batch.engines.opening import EngineWish
from rtdet.batch.journal import Journal
from rtdet.batch.layout import Layout
from rtdet.batch.manifest import Listed
from rtdet.batch.run import Wish, work_through
from rtdet.batch.settings import Settings
from rtdet.errors import RtdetError, SourceError, UsageError
from rtdet.tracks import read_tracks
from tests.batch.conftest import ROOT, files_below, write_film

SIZE = ("--imgsz", "160", "--conf", "0.05")


def _sources(folder):
    parquet = pytest.importorskip("pyarrow.parquet")
    return {
        row["path"].rpartition("/")[2]: row
        for row in parquet.read_table(folder / "sources.parquet").to_pylist()
    }


@pytest.fixture(scope="module")
def batch(films, tmp_path_factory, worker_cache):
    """A batch of six films and one that is none, with its folder and what was printed."""
    import os
    import subprocess
    import sys

    folder = tmp_path_factory.mktemp("batch")
    shutil.copytree(films, folder / "films")
    (folder / "films" / "broken.mp4").write_bytes(b"\0" * 500)
    command = [
        sys.executable,
        "-m",
        "rtdet",
        "batch",
        "films",
        "--out",
        "out",
        *SIZE,
        "--pieces",
        "2",
        "--tracks",
        "csv",
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "RTDET_CACHE": str(worker_cache)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=240)
    return folder, done


def test_a_file_that_is_no_film_costs_only_itself_and_is_listed_with_its_reason(batch):
    folder, done = batch
    assert done.returncode == 3, done.stderr
    assert "6 of 7 sources done, 1 failed" in done.stderr
    assert "broken.mp4 cannot be read as a video" in done.stderr
    row = _sources(folder / "out")["broken.mp4"]
    assert (row["state"], row["attempts"], row["frames"]) == ("failed", 2, 0)
    assert "cannot be read" in row["error"]


def test_the_table_of_sources_tells_what_each_was(batch):
    row = _sources(batch[0] / "out")["a.mp4"]
    assert (row["state"], row["frames"], row["error"], row["model"]) == ("done", 40, "", "rtdet-n")
    assert row["duration_s"] == pytest.approx(1.6)
    assert row["hash"].startswith("sha256:")
    assert row["model_hash"].startswith("sha256:")
    assert row["bytes"] == (batch[0] / "films" / "a.mp4").stat().st_size
    assert row["machine"]
    assert row["seconds"] > 0


def test_films_that_can_be_cut_were(batch):
    pieces = {name: row["pieces"] for name, row in _sources(batch[0] / "out").items()}
    assert pieces == {
        "a.mp4": 2,
        "b.mkv": 2,
        "c.mp4": 2,
        "d.ts": 2,
        "f 1.mp4": 2,
        "e.avi": 1,
        "broken.mp4": 0,
    }


def test_tracks_in_pieces_are_those_of_a_run_byte_for_byte(batch, tmp_path):
    folder, _ = batch
    for name, row in _sources(folder / "out").items():
        if row["state"] != "done":
            continue
        film = next((folder / "films").rglob(name))
        for _ in run(film, imgsz=160, conf=0.05, tracks=str(tmp_path / "one.csv")):
            pass
        tracks = folder / "out" / "outputs" / row["source"] / "tracks.csv"
        assert tracks.read_bytes() == (tmp_path / "one.csv").read_bytes(), name


def test_the_data_set_is_one_table_to_everybody(batch):
    folder = batch[0] / "out" / "tracks"
    known = {row["source"]: row["rows"] for row in _sources(batch[0] / "out").values() if row["rows"]}
    assert known
    duckdb = pytest.importorskip("duckdb")
    rows = duckdb.sql(f"SELECT source, count(*) FROM '{folder}/*/*.parquet' GROUP BY source").fetchall()
    assert dict(rows) == known
    polars = pytest.importorskip("polars")
    assert dict(polars.read_parquet(folder)["source"].value_counts().iter_rows()) == known
    pandas = pytest.importorskip("pandas")
    assert pandas.read_parquet(folder)["source"].value_counts().to_dict() == known
    table = pytest.importorskip("pyarrow.parquet").read_table(folder)
    assert len(table) == sum(known.values())
    assert {"frame", "time_s", "id", "class", "score", "left", "top", "width", "height", "source"} <= set(
        table.column_names
    )


def _queries():
    """Those of the page on batches."""
    page = (ROOT / "docs/batch.md").read_text(encoding="utf-8")
    return re.findall(r"```sql\n(.*?)```", page, re.DOTALL)


def test_a_packed_data_set_has_the_rows_of_each_source(batch, rtdet, tmp_path, monkeypatch):
    duckdb = pytest.importorskip("duckdb")
    shutil.copytree(batch[0] / "out", tmp_path / "done")
    assert "of 6 sources in 1 file" in rtdet("batch", "pack", "done").stderr
    monkeypatch.chdir(tmp_path)
    _, query = _queries()
    known = {row["source"]: row["rows"] for row in _sources(tmp_path / "done").values() if row["rows"]}
    assert dict(duckdb.sql(query).fetchall()) == known


def test_the_query_of_the_page_on_batches_counts_the_objects_of_each_file(batch, monkeypatch):
    duckdb = pytest.importorskip("duckdb")
    query, _ = _queries()
    monkeypatch.chdir(batch[0])
    rows = duckdb.sql(query.replace("done/", "out/")).fetchall()
    paths = {path.rpartition("/")[2] for path, _, _ in rows}
    assert paths <= set(_sources(batch[0] / "out"))
    assert paths
    assert all(name and count > 0 for _, name, count in rows)


def test_what_is_done_is_not_done_again(batch, rtdet):
    folder, _ = batch
    before = files_below(folder / "out" / "tracks")
    again = rtdet("batch", folder / "films", "--out", folder / "out", *SIZE, "--tracks", "csv", check=3)
    assert "6 of 7 sources done, 1 failed" in again.stderr
    assert files_below(folder / "out" / "tracks") == before
    status = rtdet("batch", "status", folder / "out").stdout
    assert "6 of 7 sources done, 1 failed" in status
    assert "broken.mp4" in status


def test_other_settings_are_refused(batch, rtdet):
    folder, _ = batch
    said = rtdet("batch", folder / "films", "--out", folder / "out", "--conf", "0.5", check=2).stderr
    assert "was begun with --conf 0.05, and is now asked for with --conf 0.5" in said


def test_settings_may_be_others_until_something_was_tried_with_them(tmp_path):
    layout = Layout(tmp_path)
    (tmp_path / "work").mkdir()
    for conf in (0.3, 0.4):
        with pytest.raises(RtdetError, match="interrupted while the sources were listed"):
            work_through(Wish(tmp_path, ("demo",), Settings({"conf": conf})), lambda: True)
    with Journal(layout.journal) as journal:
        assert journal.about()["settings"]["run"] == {"conf": 0.4}
        journal.add([Listed("/v/1.mp4")])
        journal.failed(1, "the share was gone", {}, is_final=False)
    with pytest.raises(
        UsageError, match=r"was begun with --conf 0\.4, and is now asked for with --conf 0\.5"
    ):
        work_through(Wish(tmp_path, ("/v/1.mp4",), Settings({"conf": 0.5})))


@pytest.mark.parametrize(
    ("rows", "error"),
    [(None, UsageError), ("path\n", SourceError), ("path,name\n/1.mp4,x\n/2.mp4,x\n", UsageError)],
    ids=["no source", "no rows", "two of one name"],
)
def test_a_listing_that_is_refused_leaves_nothing_behind(tmp_path, rows, error):
    manifest, names = tmp_path / "list.csv", []
    if rows is not None:
        manifest.write_text(rows)
        names.append(str(manifest))
    (tmp_path / "there").mkdir()
    for out in (tmp_path / "new" / "out", tmp_path / "there"):
        with pytest.raises(error):
            work_through(Wish(out, names))
    assert not (tmp_path / "new").exists()
    assert list((tmp_path / "there").iterdir()) == []


def test_a_listing_that_is_refused_takes_nothing_from_a_batch_that_was_there(tmp_path):
    with Journal(Layout(tmp_path).journal) as journal:
        journal.add([Listed("/v/1.mp4")])
    with pytest.raises(SourceError, match="no such file"):
        work_through(Wish(tmp_path, [str(tmp_path / "none.mp4")]))
    with Journal(Layout(tmp_path).journal, reads_only=True) as journal:
        assert journal.counts().waiting == 1


def test_a_listing_that_was_interrupted_loses_no_source(tmp_path):
    names = []
    for number in range(3):
        names.append(str(tmp_path / f"{number}.mp4"))
        (tmp_path / f"{number}.mp4").write_bytes(b"")
    out, asked = tmp_path / "out", []

    def is_over():
        asked.append(True)
        return len(asked) > 2

    with pytest.raises(RtdetError, match="interrupted while the sources were listed") as error:
        work_through(Wish(out, names), is_over)
    assert error.value.exit_code == 130
    with pytest.raises(UsageError, match="does not have all of its sources yet"):
        work_through(Wish(out, settings=None))
    engine = EngineWish("local", workers=1)
    assert work_through(Wish(out, names, retries=0, engine=engine, quiet=True)).counts.failed == 3
    assert work_through(Wish(out, settings=None)).counts.failed == 3


def test_retry_does_what_failed_once_more(batch, rtdet, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(batch[0] / "out", folder)
    broken = batch[0] / "films" / "broken.mp4"
    content = broken.read_bytes()
    write_film(broken)
    try:
        rtdet("batch", "retry", folder)
    finally:
        broken.write_bytes(content)
    assert _sources(folder)["broken.mp4"]["state"] == "done"


def test_a_dry_run_says_what_the_batch_then_does_with_what_failed(batch, rtdet):
    out = batch[0] / "out"
    failed = sum(one["state"] == "failed" for one in _sources(out).values())
    said = rtdet("batch", batch[0] / "films", "--out", out, "--dry-run").stdout
    assert said.startswith("0 sources to work through")
    assert f"{failed} failed (rtdet batch retry tries those again)" in said


def test_a_row_of_a_manifest_wins(films, rtdet, tmp_path):
    manifest = tmp_path / "list.csv"
    manifest.write_text(
        f"path,name,max_frames,save,keep,tracker\n{films}/a.mp4,short,5,mp4,yes,\n{films}/c.mp4,plain,,,,none\n"
    )
    rtdet("batch", manifest, "--out", "out", *SIZE, "--max-frames", "9", "--tracks", "jsonl")
    out = tmp_path / "out" / "outputs"
    assert {path.name for path in (out / "short").iterdir()} == {
        "stats.json",
        "tracks.jsonl",
        "video.mp4",
        "run.rtdet",
    }
    assert {path.name for path in (out / "plain").iterdir()} == {"stats.json", "tracks.jsonl"}
    assert [len(read_tracks(out / name / "tracks.jsonl")) for name in ("short", "plain")] == [5, 9]


def test_a_dry_run_writes_nothing_and_says_what_it_would_cost(films, rtdet, tmp_path):
    said = rtdet("batch", films, "--out", "out", *SIZE, "--dry-run").stdout
    assert "6 sources to work through" in said
    assert "core-hours" in said
    assert not (tmp_path / "out").exists()


def test_a_dry_run_counts_what_would_be_looked_at_and_names_what_would_fail(films, rtdet, tmp_path):
    for name, content in (("empty.mp4", b""), ("noise.avi", bytes(500))):
        (tmp_path / name).write_bytes(content)
    rows = (films / "a.mp4", films / "c.mp4", films / "f 1.mp4", "gone.mp4", "empty.mp4", "noise.avi")
    (tmp_path / "list.txt").write_text("".join(f"{row}\n" for row in rows))
    said = rtdet("batch", "list.txt", "--out", "out", *SIZE, "--max-frames", "25", "--dry-run").stdout
    assert "about 3 s of video, 256x144" in said  # 25 frames of each of the three
    assert "2 would fail:" in said
    assert f"  {tmp_path}/gone.mp4: no such file or directory" in said
    assert f"  {tmp_path}/empty.mp4 is empty (0 bytes)" in said
    assert f"tried, and it failed: {tmp_path}/noise.avi cannot be read as a video" in said


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nothing.mp4", "--out", "o"], 3, "no such file"),
        (["x"], 2, "name a folder for the results"),
        (["status", "nowhere"], 3, "is no folder of a batch"),
        (["--out", "o"], 2, "has no sources yet"),
        (["demo", "--out", "o", "--engine", "spark"], 2, "unknown engine 'spark'"),
        (["demo", "--out", "o", "--workers", "0"], 2, "--workers must be above 0"),
        (["demo", "--out", "o", "--memory", "much"], 2, "--memory is a size"),
        (["demo", "--out", "o", "--pieces", "0"], 2, "--pieces must be at least 1"),
        (["demo", "--out", "o", "--save", "gif"], 2, "--save should be mp4 or mkv, not 'gif'"),
        (["demo", "--out", "o", "--model", "nothing", "--duration", "1"], 4, "nothing"),
    ],
)
def test_what_makes_no_sense_is_one_line(rtdet, arguments, code, said):
    done = rtdet("batch", *arguments, check=code)
    assert said in done.stderr
    assert "Traceback" not in done.stderr
