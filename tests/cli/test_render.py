"""`rtdet render`: films of finished runs drawn again."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

BOX = (200, 150, 60, 120)  # left, top, width, height


@pytest.fixture
def tracks(tmp_path) -> Path:
    """Somebody who walks to the right through the two seconds of the clip, and a car that stands."""
    path = tmp_path / "tracks.csv"
    lines = ["frame,time_s,id,class,score,left,top,width,height,seen"]
    for number in range(1, 41):
        left = 100 + 8 * number
        lines.append(f"{number},{(number - 1) / 20},7,person,0.9,{left},150,60,120,{int(number % 5 != 0)}")
        lines.append(f"{number},{(number - 1) / 20},8,car,0.8,20,20,80,60,1")
    path.write_text("\n".join(lines) + "\n")
    return path


def pictures(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [picture.to_ndarray(format="bgr24") for picture in container.decode(video=0)]


def times(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [picture.time for picture in container.decode(video=0)]


def test_the_film_has_the_times_and_the_sound_of_its_source_and_the_boxes_of_the_file(rtdet, clip, tracks):
    outcome = rtdet("render", clip, "--tracks", tracks, "--out", "out.mp4")
    assert outcome.code == 0, outcome.err
    assert "wrote out.mp4: 40 frames" in outcome.err
    assert "warning" not in outcome.err
    assert times(Path("out.mp4")) == pytest.approx(times(clip))
    with av.open("out.mp4") as made, av.open(str(clip)) as source:
        assert [stream.type for stream in made.streams] == ["video", "audio"]
        assert made.duration == pytest.approx(source.duration, abs=100_000)
    for number, (drawn, bare) in enumerate(zip(pictures(Path("out.mp4")), pictures(clip), strict=True), 1):
        side = np.abs(drawn[200:230].astype(int) - bare[200:230]).sum(axis=(0, 2))
        assert abs(int(side[80:].argmax()) + 80 - (100 + 8 * number)) <= 62


def assert_drawn_alike(first: list[np.ndarray], again: list[np.ndarray]) -> None:
    differences = [np.abs(a.astype(int) - b).mean() for a, b in zip(first, again, strict=True)]
    # Files do not have how uncertain a guessed box is, so it fades a little otherwise.
    assert np.median(differences) < 1
    # Before the first guess all is the same, but for an edge that hundredths of a pixel round to its other side.
    assert sorted(differences[:4])[1] < 0.01
    assert max(differences[:4]) < 0.5


def test_a_run_that_is_rendered_again_looks_like_its_own_recording(rtdet, clip):
    assert rtdet("--source", clip, "--headless", "--save", "a.mp4", "--tracks", "a.csv").code == 0
    outcome = rtdet("render", clip, "--tracks", "a.csv", "--out", "b.mp4")
    assert outcome.code == 0, outcome.err
    first, again = pictures(Path("a.mp4")), pictures(Path("b.mp4"))
    assert len(first) == len(again) == 40
    assert_drawn_alike(first, again)


def test_a_kept_run_is_rendered_by_itself(rtdet, clip):
    assert rtdet("--source", clip, "--headless", "--keep", "a.rtdet", "--tracks", "a.csv").code == 0
    assert rtdet("render", "a.rtdet", "--out", "a.mp4").code == 0
    assert rtdet("render", clip, "--tracks", "a.csv", "--out", "b.mp4").code == 0
    with av.open("a.mp4") as container:
        assert container.streams.best("audio") is not None
    assert_drawn_alike(pictures(Path("a.mp4")), pictures(Path("b.mp4")))


def test_a_recording_of_a_kept_run_has_the_sound_of_its_film(rtdet, clip):
    assert rtdet("--source", clip, "--headless", "--keep", "a.rtdet").code == 0
    outcome = rtdet("--source", "a.rtdet", "--headless", "--save", "a.mp4")
    assert outcome.code == 0
    assert "warning" not in outcome.err
    with av.open("a.mp4") as container:
        assert container.streams.best("audio") is not None


def test_styles_leave_out_what_is_not_wanted(rtdet, clip, tracks):
    bare = ("--no-boxes", "--no-labels", "--no-ids", "--no-scores", "--no-trails")
    assert rtdet("render", clip, "--tracks", tracks, "--out", "bare.mp4", *bare).code == 0
    difference = np.abs(pictures(Path("bare.mp4"))[20].astype(int) - pictures(clip)[20])
    assert difference.mean() < 3
    assert (
        rtdet("render", clip, "--tracks", tracks, "--out", "thick.mp4", *bare[1:], "--thickness", 12).code
        == 0
    )
    thick = np.abs(pictures(Path("thick.mp4"))[20].astype(int) - pictures(clip)[20]).max(axis=2) > 40
    assert thick.sum() > 4000


def test_people_are_blurred_in_every_frame_also_where_they_were_only_predicted(rtdet, clip, tracks):
    hidden = ("--blur", "person", "--no-boxes", "--no-labels", "--no-ids", "--no-scores", "--no-trails")
    assert rtdet("render", clip, "--tracks", tracks, "--out", "b.mp4", *hidden).code == 0
    for number, (image, before) in enumerate(zip(pictures(Path("b.mp4")), pictures(clip), strict=True), 1):
        left = 100 + 8 * number
        gray, was = (
            cv2.cvtColor(one, cv2.COLOR_BGR2GRAY)[150:270, left : left + 60] for one in (image, before)
        )
        assert cv2.Laplacian(gray, cv2.CV_64F).var() < 0.05 * cv2.Laplacian(was, cv2.CV_64F).var() + 3, number


def test_crops_may_be_all_that_is_written(rtdet, clip, tracks):
    outcome = rtdet("render", clip, "--tracks", tracks, "--crops", "views", "--most-crops", 3)
    assert outcome.code == 0, outcome.err
    assert sorted(path.name for path in Path("views").iterdir()) == ["0007-person", "0008-car"]
    assert len(list(Path("views/0007-person").glob("*.jpg"))) == 3


def test_one_track_is_followed_in_pictures_of_one_size(rtdet, clip, tracks):
    assert rtdet("render", clip, "--tracks", tracks, "--out", "f.mp4", "--follow", 7).code == 0
    shapes = {image.shape for image in pictures(Path("f.mp4"))}
    assert len(shapes) == 1
    height, width, _ = shapes.pop()
    assert width < 640
    assert width % 2 == height % 2 == 0


def test_a_clip_of_each_event_is_written_and_its_pictures_are_those_around_it(rtdet, clip, tracks):
    Path("events.csv").write_text(
        "event,name,time_s\ncrossed,door,0.5\ncrossed,door,1.5\nleft,yard,1.6\nleft,yard,90\n"
    )
    around = ("--around", "events.csv", "--before", "0.2", "--after", "0.3")
    outcome = rtdet("render", clip, "--tracks", tracks, "--out", "clips", *around)
    assert outcome.code == 0, outcome.err
    assert "no frame around 90 s" in outcome.err
    assert "do not seem to belong" not in outcome.err
    first, other = sorted(Path("clips").iterdir())
    assert first.name == "0001-00m00.5s-crossed-door.mp4"
    assert len(pictures(first)) == 10
    assert len(pictures(other)) == 12
    outcome = rtdet("render", clip, "--tracks", tracks, "--out", "one.mkv", *around[:1], "0:01", *around[2:])
    assert outcome.code == 0, outcome.err
    assert rtdet("render", clip, "--tracks", tracks, "--out", "all.mp4").code == 0
    one, whole = pictures(Path("one.mkv")), pictures(Path("all.mp4"))
    assert len(one) == 10
    # The trail begins with the clip.
    assert np.abs(one[5][:100].astype(int) - whole[21][:100]).mean() < 3


def test_only_a_part_is_rendered(rtdet, clip, tracks):
    assert (
        rtdet("render", clip, "--tracks", tracks, "--out", "p.mp4", "--start", 0.5, "--duration", 0.5).code
        == 0
    )
    assert len(pictures(Path("p.mp4"))) == 10
    assert rtdet("render", clip, "--tracks", tracks, "--out", "p.mp4", "--max-frames", 3).code == 0
    assert len(pictures(Path("p.mp4"))) == 3


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (("--out", "o.mp4"), 2, "--tracks is missing"),
        (("--tracks", "tracks.csv"), 2, "nothing to write"),
        (("--tracks", "tracks.csv", "--out", "tracks.csv"), 2, "would overwrite"),
        (("--tracks", "tracks.csv", "--out", "o.avi"), 2, "no format of a recording"),
        (("--tracks", "none.csv", "--out", "o.mp4"), 3, "cannot read none.csv"),
        (("--tracks", "tracks.csv", "--out", "no/o.mp4"), 5, "does not exist"),
        (("--tracks", "tracks.csv", "--out", "o.mp4", "--blur", "face"), 2, "its classes: person, car"),
        (("--tracks", "tracks.csv", "--out", "o.mp4", "--follow", "9"), 2, "its IDs: 7, 8"),
        (
            ("--tracks", "tracks.csv", "--out", "o.mp4", "--around", "1", "--start", "1"),
            2,
            "exclude each other",
        ),
        (("--tracks", "tracks.csv", "--out", "o.mp4", "--trail", "-1"), 2, "--trail is in seconds"),
        (("--tracks", "tracks.csv", "--out", "o.mp4", "--around", "far.csv"), 2, "can hold one clip"),
        (("--tracks", "tracks.csv", "--crops", "."), 2, "holds tracks.csv"),
    ],
)
def test_what_does_not_work_is_one_line_and_leaves_nothing(rtdet, clip, tracks, arguments, code, line):
    before = tracks.read_bytes()
    Path("far.csv").write_text("time_s\n0\n90\n")
    outcome = rtdet("render", clip, *arguments)
    assert outcome.code == code, outcome.err
    assert len(outcome.errors) == 1
    assert line in outcome.errors[0]
    assert not Path("o.mp4").exists()
    assert tracks.read_bytes() == before


def test_the_film_itself_is_not_overwritten(rtdet, clip, tracks):
    assert "would overwrite" in rtdet("render", clip, "--tracks", tracks, "--out", clip).errors[0]


def test_tracks_of_another_film_are_warned_of_once(rtdet, clip, tracks):
    tracks.write_text(tracks.read_text().replace(",0.5,", ",7.5,"))
    outcome = rtdet("render", clip, "--tracks", tracks, "--out", "o.mp4")
    assert outcome.code == 0
    assert outcome.err.count("do not seem to belong to") == 1


def test_an_interruption_leaves_a_film_that_plays(start_rtdet, tracks, tmp_path):
    process = start_rtdet("render", "demo", "--tracks", tracks, "--out", "o.mp4")
    out = tmp_path / "o.mp4"
    while process.poll() is None and (not out.exists() or out.stat().st_size < 100_000):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert 1 < len(pictures(out)) < 500


def test_lines_and_zones_are_drawn_with_their_counts(rtdet, clip, tracks):
    Path("zones.json").write_text(
        '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"name": "door", "color": '
        '"#ff0000"}, "geometry": {"type": "LineString", "coordinates": [[0.5, 0.1], [0.5, 0.9]]}}]}'
    )
    outcome = rtdet("render", clip, "--tracks", tracks, "--out", "z.mp4", "--zones", "zones.json")
    assert outcome.code == 0, outcome.err
    assert rtdet("render", clip, "--tracks", tracks, "--out", "p.mp4").code == 0
    with_zones, without = pictures(Path("z.mp4")), pictures(Path("p.mp4"))
    changed = np.abs(with_zones[5].astype(int) - without[5]).max(axis=2) > 40
    assert changed[60:300, 315:325].any(axis=1).mean() > 0.9
    assert (
        "would overwrite"
        in rtdet("render", clip, "--tracks", tracks, "--crops", "zones.json", "--zones", "zones.json").errors[
            0
        ]
    )


HIDDEN = ("--blur", "person", "--no-boxes", "--no-labels", "--no-ids", "--no-scores", "--no-trails")


def part_of_tracks(tracks: Path, numbers: range) -> None:
    header, *rows = tracks.read_text().splitlines()
    kept = [row for row in rows if int(row.split(",")[0]) in numbers]
    tracks.write_text("\n".join([header, *kept]) + "\n")


def test_with_blur_the_frames_that_a_track_file_does_not_cover_are_left_out(rtdet, clip, tracks):
    part_of_tracks(tracks, range(11, 21))
    outcome = rtdet("render", clip, "--tracks", tracks, "--out", "b.mp4", *HIDDEN)
    assert outcome.code == 0, outcome.err
    assert len(pictures(Path("b.mp4"))) == 10
    assert "frames 1 to 10 and 21 to 40 are not in" in outcome.err
    assert np.abs(pictures(Path("b.mp4"))[0][:, 400:].astype(int) - pictures(clip)[10][:, 400:]).mean() < 3
    assert rtdet("render", clip, "--tracks", tracks, "--out", "all.mp4").code == 0
    assert len(pictures(Path("all.mp4"))) == 40


def test_nothing_of_an_uncovered_part_is_rendered_with_blur(rtdet, clip, tracks):
    part_of_tracks(tracks, range(1, 11))
    for asked in (("--start", "1"), ("--around", "1.5", "--before", "0.2", "--after", "0.2")):
        outcome = rtdet("render", clip, "--tracks", tracks, "--out", "b.mp4", *HIDDEN, *asked)
        assert outcome.code == 2, outcome.err
        assert len(outcome.errors) == 1
        assert "the tracks are of its frames 1 to 10" in outcome.errors[0]
        assert not Path("b.mp4").exists()


def test_a_gap_that_nobody_looked_at_is_hidden_as_a_whole(rtdet, clip, tracks):
    lines = tracks.read_text().splitlines()
    rows = [row for row in lines[1:] if int(row.split(",")[0]) in (1, 2, 39, 40)]
    # At a rate of 10 there are 3.7 seconds between the two parts.
    tracks.write_text("\n".join([lines[0], *rows]) + "\n")
    outcome = rtdet("render", clip, "--tracks", tracks, "--out", "b.mp4", "--fps", 10, *HIDDEN)
    assert outcome.code == 0, outcome.err
    assert "frames 3 to 38 are not in" in outcome.err
    made = pictures(Path("b.mp4"))
    assert len(made) == 40
    sharp = [cv2.Laplacian(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.CV_64F).var() for image in made]
    assert max(sharp[2:38]) < 0.05 * min(sharp[:2])


@pytest.mark.parametrize("hidden", [(), HIDDEN])
def test_a_kept_run_of_a_part_is_rendered_as_far_as_it_looked(rtdet, clip, hidden):
    part = ("--start", "0.5", "--duration", "0.5")
    assert rtdet("--source", clip, "--headless", "--keep", "a.rtdet", *part).code == 0
    outcome = rtdet("render", "a.rtdet", "--out", "a.mp4", *hidden)
    assert outcome.code == 0, outcome.err
    assert "frames 1 to 10 and 21 to 40 were not looked at and are left out" in outcome.err
    assert len(pictures(Path("a.mp4"))) == 10
    assert rtdet("render", clip, "--tracks", "a.rtdet", "--out", "b.mp4", *hidden).code == 0
    assert len(pictures(Path("b.mp4"))) == 10


def test_a_class_that_the_network_knows_and_no_track_has_is_refused_of_a_kept_run_too(rtdet, clip):
    assert rtdet("--source", clip, "--headless", "--keep", "a.rtdet").code == 0
    outcome = rtdet("render", "a.rtdet", "--out", "a.mp4", "--blur", "giraffe")
    assert outcome.code == 2
    assert "so nothing of it could be hidden; its classes: " in outcome.errors[0]
    assert "giraffe" not in outcome.errors[0].split("its classes: ")[1]


def test_a_run_whose_film_is_gone_is_rendered_twice_to_one_file(rtdet, clip):
    Path("film.mp4").write_bytes(clip.read_bytes())
    assert rtdet("--source", "film.mp4", "--headless", "--keep", "film.rtdet").code == 0
    Path("film.mp4").unlink()
    for _ in range(2):
        outcome = rtdet("render", "film.rtdet", "--out", "a.mp4")
        assert outcome.code == 0, outcome.err
    assert "would overwrite" in rtdet("render", "film.rtdet", "--out", "film.rtdet").errors[0]


@pytest.mark.parametrize("is_kept", [True, False])
def test_a_moment_beyond_the_film_is_an_error_that_says_where_it_ends(rtdet, clip, tracks, is_kept):
    source = (clip, "--tracks", tracks)
    if is_kept:
        assert rtdet("--source", clip, "--headless", "--keep", "a.rtdet").code == 0
        source = ("a.rtdet",)
    outcome = rtdet("render", *source, "--out", "a.mp4", "--around", "99:00")
    assert outcome.code == 2, outcome.err
    assert "there is nothing at 5940 s" in outcome.errors[0]
    assert "ends at 2 s" in outcome.errors[0]
    assert "warning" not in outcome.err


def test_a_followed_track_that_is_not_in_the_part_is_warned_of(rtdet, clip, tracks):
    rows = tracks.read_text().splitlines()
    tracks.write_text("\n".join(row for row in rows if ",person," not in row or int(row.split(",")[0]) < 11))
    follow = ("render", clip, "--tracks", tracks, "--out", "f.mp4", "--follow", 7)
    outcome = rtdet(*follow, "--start", 1)
    assert "warning: track 7 is not in the part that is rendered: it is there from 0." in outcome.err
    outcome = rtdet(*follow, "--around", 1.5, "--before", 0.2, "--after", 0.2)
    assert "warning: track 7 is not in the clip around 1.5 s" in outcome.err
    assert "warning" not in rtdet(*follow, "--start", 0.2).err


def test_a_source_that_is_not_there_is_said_before_tracks_that_are_missing(rtdet):
    for name in ("nothere.rtdet", "nothere.mp4"):
        outcome = rtdet("render", name, "--out", "x.mp4")
        assert (outcome.code, outcome.err) == (
            3,
            f"rtdet: error: cannot read {name}: there is no such file\n",
        )


def test_a_file_without_events_is_said(rtdet, clip, tracks, tmp_path):
    (tmp_path / "e.jsonl").write_text("")
    outcome = rtdet("render", clip, "--tracks", tracks, "--out", "clips", "--around", "e.jsonl")
    assert outcome.code == 0
    assert outcome.err == "rtdet: warning: no events in e.jsonl, so there is nothing to render\n"
