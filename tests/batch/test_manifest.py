from __future__ import annotations

import json
import os
import tracemalloc
import zipfile

import pytest

from rtdet.batch.journal import Journal
from rtdet.batch.keys import key_of
from rtdet.batch.manifest import Listed, list_sources
from rtdet.batch.settings import Settings, settings_of_cells
from rtdet.errors import SourceError, UnknownNameError, UsageError


def _names(listed):
    return [os.path.basename(one.source) for one in listed]


def test_a_folder_is_all_videos_in_it_and_below(films):
    (films / "notes.txt").write_text("no video")
    (films / ".hidden.mp4").write_bytes(b"")
    found = _names(list_sources([str(films)]))
    assert sorted(found) == ["a.mp4", "b.mkv", "c.mp4", "d.ts", "e.avi", "f 1.mp4"]
    assert all(os.path.isabs(one.source) for one in list_sources([str(films)]))


def test_what_is_called_like_no_video_is_left_out_and_said(tmp_path, caplog):
    (tmp_path / "@eaDir").mkdir()
    for name in ("a.MP4", "b.dav", "c.dav", "d", "a.srt", "e.mp4.part", "._a.mp4", "@eaDir/a.mp4"):
        (tmp_path / name).write_bytes(b"")
    assert _names(list_sources([str(tmp_path)])) == ["a.MP4"]
    (said,) = [record.getMessage() for record in caplog.records]
    assert said.startswith(
        f"3 files below {tmp_path} are not called as videos are, and are left out (2 .dav, 1 without"
    )
    assert f"'{tmp_path}/**/*.dav'" in said


@pytest.mark.skipif(os.name == "nt", reason="not everybody may make links on Windows")
def test_links_that_lead_nowhere_are_no_folders(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"")
    (tmp_path / "itself").symlink_to(tmp_path / "itself")
    (tmp_path / "gone").symlink_to(tmp_path / "nothing")
    assert _names(list_sources([str(tmp_path)])) == ["a.mp4"]


def test_the_folder_of_the_batch_is_not_looked_into(films):
    assert _names(list_sources([str(films)], without=films / "below")) == [
        "a.mp4",
        "b.mkv",
        "c.mp4",
        "f 1.mp4",
    ]


def test_a_folder_of_pictures_is_one_source(tmp_path):
    (tmp_path / "1.png").write_bytes(b"")
    assert list(list_sources([str(tmp_path)])) == [Listed(str(tmp_path))]


def test_a_pattern_names_what_it_matches(films):
    assert _names(list_sources([str(films / "**" / "*.ts")])) == ["d.ts"]
    with pytest.raises(SourceError, match="no file matches"):
        list(list_sources([str(films / "*.nothing")]))


def test_what_is_not_there_is_said_with_what_is_meant_perhaps(films):
    with pytest.raises(SourceError, match=r"a\.mp4"):
        list(list_sources([str(films / "aa.mp4")]))


def test_a_manifest_of_lines_has_paths_from_its_own_folder(tmp_path):
    manifest = tmp_path / "list.txt"
    manifest.write_text("# the north side\nn/1.mp4\n\n/data/2.mp4\n../3.mp4\nrtsp://host/4\n")
    found = [one.source for one in list_sources([str(manifest)])]
    assert found == [f"{tmp_path}/n/1.mp4", "/data/2.mp4", str(tmp_path.parent / "3.mp4"), "rtsp://host/4"]


_ROWS = [
    {"path": "/v/1.mp4", "conf": 0.4, "zones": "z.json", "save": "yes"},
    {"path": "/v/2.mp4", "conf": None, "zones": None, "save": None},
    {"path": "/v/3.mp4", "conf": 0.1, "zones": None, "save": "mkv"},
]


def _csv(path):
    lines = [",".join("" if value is None else str(value) for value in row.values()) for row in _ROWS]
    path.write_text("\n".join([",".join(_ROWS[0]), *lines]) + "\n")


def _json_lines(path):
    path.write_text("".join(json.dumps(row) + "\n" for row in _ROWS))


def _parquet(path):
    arrow = pytest.importorskip("pyarrow")
    pytest.importorskip("pyarrow.parquet").write_table(arrow.Table.from_pylist(_ROWS), path)


@pytest.mark.parametrize(("suffix", "write"), [("csv", _csv), ("jsonl", _json_lines), ("parquet", _parquet)])
def test_a_manifest_of_rows_has_settings_of_each(tmp_path, suffix, write):
    manifest = tmp_path / f"list.{suffix}"
    write(manifest)
    assert list(list_sources([str(manifest)])) == [
        Listed("/v/1.mp4", Settings({"conf": 0.4, "zones": f"{tmp_path}/z.json"}, {"save": "mp4"})),
        Listed("/v/2.mp4"),
        Listed("/v/3.mp4", Settings({"conf": 0.1}, {"save": "mkv"})),
    ]


def test_a_column_that_is_no_setting_is_left_out_and_said_once(tmp_path, caplog):
    manifest = tmp_path / "list.csv"
    manifest.write_text("path,site,duration_s\n/v/1.mp4,north,6.2\n/v/2.mp4,south,7\n")
    assert [one.settings for one in list_sources([str(manifest)])] == [Settings(), Settings()]
    assert [record.getMessage().split(" of ")[0] for record in caplog.records] == [
        "the column site",
        "the column duration_s",
    ]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("l.csv", "pfad,conf\n1.mp4,.2\n", "^the header of .*l.csv has no column `path`, only pfad, conf;"),
        (
            "l.jsonl",
            '{"path": "1"}\n{"pfad": "2"}\n',
            "^line 2 of .*l.jsonl has no column `path`, only pfad;",
        ),
        ("l.csv", "path,confx\n1.mp4,.2\n", "^unknown column 'confx' in .*l.csv: did you mean conf?"),
        ("l.jsonl", '{"path": "1", "svae": "yes"}\n', "^unknown column 'svae' in .*: did you mean save?"),
        ("l.csv", "path,Zone\n1.mp4,z.json\n", "did you mean zones?"),
        ("l.csv", "path,conf\n1.mp4,high\n", "^line 2 of .*l.csv: conf should be a number"),
        ("l.csv", "path,conf\n1.mp4,.2\n1.mp4,7\n", "^line 3 of .*l.csv: .*between 0 and 1"),
        (
            "l.csv",
            "path,save\n1.mp4,gif\n",
            "^line 2 of .*l.csv: save should be mp4, mkv, yes or no, not 'gif'",
        ),
        ("l.jsonl", '{"path": "1"}\n\n{"path": "2", "conf": [1]}\n', "^line 3 of .*l.jsonl: conf should be"),
        ("l.csv", "path\n1.mp4,extra\n", "more cells"),
        ("l.jsonl", '{"path": "1.mp4"\n', "line 1 of .* is not JSON"),
        ("l.jsonl", "[1]\n", "should be"),
        ("l.jsonl", '{"path": ""}\n', "no path"),
    ],
)
def test_a_manifest_that_makes_no_sense_is_said_by_its_line(tmp_path, name, text, said):
    (tmp_path / name).write_text(text)
    with pytest.raises(UsageError, match=said):
        list(list_sources([str(tmp_path / name)]))


def test_an_empty_or_damaged_manifest_is_said(tmp_path):
    (tmp_path / "l.txt").write_text("\n")
    (tmp_path / "l.parquet").write_bytes(b"PAR1 and nothing more")
    for name, said in (("l.txt", "names no source"), ("l.parquet", "not a readable Parquet file")):
        with pytest.raises(SourceError, match=said):
            list(list_sources([str(tmp_path / name)]))


def test_addresses_of_fsspec_name_a_file_a_folder_or_a_pattern(tmp_path, films):
    pytest.importorskip("fsspec")
    archive = tmp_path / "films.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for name in ("a.mp4", "c.mp4"):
            file.write(films / name, f"night/{name}")
        file.writestr("night/readme.txt", "")
    for pattern in ("night/*.mp4", "night"):
        found = [one.source for one in list_sources([f"zip://{pattern}::{archive}"])]
        assert found == [f"zip://night/{name}::{archive}" for name in ("a.mp4", "c.mp4")]


def test_keys_are_readable_and_differ_by_path_and_settings():
    key = key_of(Listed("/v/High Street (1).mp4"))
    assert key.startswith("High-Street-1-")
    assert key_of(Listed("/v/High Street (1).mp4")) == key
    others = [
        Listed("/w/High Street (1).mp4"),
        Listed("/v/High Street (1).mp4", Settings({"conf": 0.3})),
        Listed("rtsp://user:secret@host/1"),
    ]
    assert len({key, *map(key_of, others)}) == 4
    assert "secret" not in key_of(others[2])
    assert key_of(Listed("/v/1.mp4", name="north/gate 3")) == "north-gate-3"


def test_no_key_is_taken_for_a_number_or_a_date_by_what_reads_partitions():
    names = ("0012", "2026-05-01", "1e5", "12", "a1")
    keys = [key_of(Listed("/v/1.mp4", name=name)) for name in names]
    assert keys == ["source-0012", "source-2026-05-01", "source-1e5", "source-12", "a1"]
    assert key_of(Listed("/v/1.mp4", name="١٢")) == "source-١٢"


def test_letters_of_all_scripts_stay_in_keys_however_they_are_composed():
    names = ("Höf 2", "Ho\u0308f 2", "東京/北", "हिन्दी", "a\u202eb\u200bc", "Straße№5", "..é..")
    keys = [key_of(Listed("/v/1.mp4", name=name)) for name in names]
    assert keys == ["Höf-2", "Höf-2", "東京-北", "हिन्दी", "a-b-c", "Straße-5", "é"]
    assert key_of(Listed("/v/東.mp4")).startswith("東-")
    assert key_of(Listed("/v/\udcff.mp4")).startswith("source-")


def test_two_sources_of_one_name_are_refused_and_one_that_is_listed_twice_is_one(tmp_path):
    with Journal(None) as journal:
        assert (
            journal.add([Listed("/v/1.mp4", name="x"), Listed("/v/1.mp4", name="x"), Listed("/v/2.mp4")]) == 2
        )
        with pytest.raises(UsageError, match="two sources have the name x"):
            journal.add([Listed("/v/3.mp4", name="x")])


def test_an_unknown_setting_offers_the_nearest():
    with pytest.raises(UnknownNameError, match="in here 'confi': did you mean conf"):
        settings_of_cells((("confi", 0.2),), "here")


@pytest.mark.parametrize("suffix", ["txt", "csv", "jsonl"])
def test_a_manifest_of_many_rows_is_listed_in_little_memory(tmp_path, suffix):
    manifest = tmp_path / f"list.{suffix}"
    row = {"txt": "/v/{}.mp4\n", "csv": "/v/{},0.3\n", "jsonl": '{{"path": "/v/{}", "conf": 0.3}}\n'}[suffix]
    with manifest.open("w") as file:
        file.write("path,conf\n" if suffix == "csv" else "")
        file.writelines(row.format(number) for number in range(30_000))
    with Journal(None) as journal:
        tracemalloc.start()
        journal.add(list_sources([str(manifest)]))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert journal.counts().waiting == 30_000
    # The listing of all would take more than ten million bytes.
    assert peak < 6_000_000
