"""Replaying detections late, and `rtdet eval stream`."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from rtdet.cli.eval import command
from rtdet.errors import SourceError, UnknownNameError, UsageError
from rtdet.evaluation.streaming import read_latency, replay
from rtdet.evaluation.streaming.accuracy import accuracy_by_latency
from rtdet.evaluation.streaming.replay import results
from rtdet.evaluation.tracking import score_tracks
from rtdet.evaluation.tracking.files import read_tracks, read_truth
from rtdet.trackers.registry import load_tracker
from rtdet.tracks.motchallenge import read_detections

FPS = 30.0


@pytest.fixture
def detections(tmp_path):
    """Someone who walks two pixels a frame for 60 frames, and someone who stands."""
    rows = [f"{f},-1,{100 + 2 * f},20,30,60,0.9" for f in range(1, 61)]
    rows += [f"{f},-1,600,20,30,60,0.8" for f in range(1, 61)]
    path = tmp_path / "det.txt"
    path.write_text("\n".join(rows))
    return path


def constant(seconds):
    return lambda: seconds


def shown(detections, latency, show="predict", tracker="sort"):
    instance = load_tracker(tracker, **({} if tracker == "sort" else {"fps": FPS}))
    rows = read_detections(detections)
    return list(replay(instance, rows, fps=FPS, frames=rows.last_frame, latency=constant(latency), show=show))


def stream(*arguments):
    """Runs the command; raises what it raises."""
    given = ["stream", *(str(a) for a in arguments)]
    result = CliRunner().invoke(command, given, standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return result


def rows_of(path):
    return [[float(value) for value in line.split(",")] for line in path.read_text().splitlines()]


def test_without_latency_every_frame_is_taken_and_shown_at_once():
    assert list(results(FPS, 5, constant(0.0))) == [[1], [2], [3], [4], [5]]


def test_a_latency_of_whole_frames_is_not_a_frame_longer_by_rounding():
    for fps in (14.0, 25.0, 29.97, 30.0):
        for late in (1, 2, 3, 7):
            finished = list(results(fps, 200, constant(late / fps)))
            assert finished == [[n - late] if n > 1 and n % late == 1 % late else [] for n in range(1, 201)]


def test_frames_that_come_while_the_detector_is_busy_are_dropped():
    # 100 ms at 25 fps are two and a half frames, so every third frame is taken.
    assert list(results(25.0, 8, constant(0.1))) == [[], [], [], [1], [], [], [4], []]


def test_a_result_that_takes_no_time_may_follow_one_in_the_same_moment():
    times = iter([2 / FPS, 0.0, 0.0, 9.0])
    assert list(results(FPS, 5, lambda: next(times))) == [[], [], [1, 3], [4], []]


def test_holding_shows_the_last_result_and_predicting_where_things_are(detections):
    held, predicted = shown(detections, 0.2, "hold"), shown(detections, 0.2)
    # The result of frame 49 comes with frame 55 and is five frames old in frame 60.
    assert held[59].boxes[0, 0] == pytest.approx(100 + 2 * 49, abs=1.5)
    assert predicted[59].boxes[0, 0] == pytest.approx(100 + 2 * 60, abs=3)
    for tracks in (held[59], predicted[59]):
        assert tracks.boxes[1, 0] == pytest.approx(600, abs=1)
        assert tracks.ids.tolist() == [1, 2]


def test_nothing_is_shown_before_the_first_result(detections):
    tracks = shown(detections, 0.2, "hold", "rtdet")
    assert [len(one) for one in tracks[:8]] == [0] * 6 + [2, 2]


@pytest.mark.parametrize("tracker", ["sort", "bytetrack", "rtdet"])
def test_without_latency_it_is_the_tracker_itself(detections, tracker):
    instance = load_tracker(tracker, **({} if tracker == "sort" else {"fps": FPS}))
    rows = read_detections(detections)
    for n, tracks in enumerate(shown(detections, 0.0, tracker=tracker), start=1):
        direct = instance.update(rows.at(n), (n - 1) / FPS)
        np.testing.assert_array_equal(tracks.boxes, direct.boxes)
        np.testing.assert_array_equal(tracks.ids, direct.ids)


def test_latencies_are_drawn_from_a_list_the_same_for_the_same_seed(tmp_path):
    (tmp_path / "list.json").write_text("[10, 20, 200.5]")
    draw, again, other = (read_latency(tmp_path / "list.json", seed) for seed in (1, 1, 2))
    first = [draw() for _ in range(60)]
    assert set(first) == {0.01, 0.02, 0.2005}
    assert first == [again() for _ in range(60)] != [other() for _ in range(60)]


def test_latencies_of_a_stats_file_have_its_median_and_95th_percentile(tmp_path):
    stats = {"stages_ms": {"detect": {"p50": 40.0, "p95": 90.0}, "track": {"p50": 1.0, "p95": 2.0}}}
    (tmp_path / "stats.json").write_text(json.dumps(stats))
    draw = read_latency(tmp_path / "stats.json")
    np.testing.assert_allclose(
        np.percentile([draw() for _ in range(4000)], [50, 95]), [0.04, 0.09], rtol=0.05
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("no json", "not JSON"),
        ("[]", "lists no latency"),
        ("[10, -1]", "-1"),
        ("[10, true]", "True"),
        ("[10, NaN]", "nan"),
        ("12", "holds no latencies"),
        ("{}", "no detector times"),
        ('{"stages_ms": {"detect": 3}}', "no detector times"),
        ('{"stages_ms": {"detect": {"p50": "fast", "p95": 3}}}', "fast"),
    ],
)
def test_a_file_without_latencies_is_one_line_that_names_it(tmp_path, content, words):
    path = tmp_path / "latency.json"
    path.write_text(content)
    with pytest.raises(SourceError, match=words) as caught:
        read_latency(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_command_writes_rows_for_every_frame_from_the_first_result_on(detections, tmp_path):
    out = tmp_path / "shown.txt"
    assert f"wrote {out}" in stream(detections, "--latency-ms", 100, "--out", out).output
    rows = rows_of(out)
    assert sorted({int(row[0]) for row in rows}) == list(range(4, 61))
    last = {row[1]: row[2] for row in rows if row[0] == 60}
    assert last == {1.0: pytest.approx(220, abs=2), 2.0: pytest.approx(600, abs=1)}


def test_the_command_gives_the_same_bytes_for_the_same_seed(detections, tmp_path):
    (tmp_path / "measured.json").write_text("[40, 90, 160]")
    for name, seed in (("a.txt", 3), ("b.txt", 3), ("c.txt", 4)):
        stream(detections, "--latency", tmp_path / "measured.json", "--seed", seed, "--out", tmp_path / name)
    a, b, c = ((tmp_path / name).read_bytes() for name in ("a.txt", "b.txt", "c.txt"))
    assert a == b != c


@pytest.fixture
def truth(tmp_path):
    """Where the two of `detections` truly are, and that until frame 62."""
    rows = [f"{f},1,{100 + 2 * f},20,30,60,1,1,1\n{f},2,600,20,30,60,1,1,1" for f in range(1, 63)]
    path = tmp_path / "gt.txt"
    path.write_text("\n".join(rows))
    return path


def test_what_was_shown_is_scored_in_every_frame_of_the_truth(detections, truth, tmp_path):
    arguments = [detections, "--latency-ms", 100, "--out", tmp_path / "shown.txt", "--gt", truth]
    said = stream(*arguments).stdout.split()
    # Three frames of 62 pass before the first result; all else is right.
    assert said[::2] == ["HOTA", "MOTA", "IDF1"]
    assert float(said[3]) == pytest.approx(100 * 59 / 62, abs=0.01)
    assert {int(row[0]) for row in rows_of(tmp_path / "shown.txt")} == set(range(4, 63))
    held = stream(*arguments, "--show", "hold").stdout.split()
    assert float(held[1]) < float(said[1])


def test_what_is_said_is_what_the_written_file_scores(shared_data, tmp_path):
    sequence, out = shared_data / "mot" / "mot17-half-val" / "MOT17-05", tmp_path / "shown.txt"
    truth = sequence / "gt" / "gt.txt"
    arguments = ["--fps", 14, "--latency-ms", 100, "--out", out, "--gt", truth]
    said = stream(sequence / "det" / "det.txt", *arguments).stdout.split()[1::2]
    scores = score_tracks(read_truth(truth), read_tracks(out))
    assert said == [f"{100 * value:.2f}" for value in (scores.hota, scores.mota, scores.idf1)]
    # Holding the last result gives 49 and 48.
    assert float(said[0]) > 50
    assert float(said[1]) > 58


def test_later_results_are_worse_and_predictions_better_than_holding(detections, truth):
    rows = read_detections(detections)
    scores = accuracy_by_latency(
        lambda: load_tracker("sort"), rows, read_truth(truth), fps=FPS, latencies_ms=(0, 100, 200)
    )
    predict, hold = ([one.hota for one in scores[show]] for show in ("predict", "hold"))
    assert predict == sorted(predict, reverse=True)
    assert predict[0] == hold[0]
    assert (np.array(predict[1:]) > hold[1:]).all()


def test_the_plot_is_a_picture(detections, truth, tmp_path):
    plot = tmp_path / "plot.png"
    arguments = ["--latency-ms", 100, "--out", tmp_path / "shown.txt", "--gt", truth, "--plot", plot]
    assert f"wrote {plot}" in stream(detections, *arguments, "--tracker", "sort").output
    picture = cv2.imread(str(plot))
    assert picture.shape == (480, 1320, 3)
    assert (picture[150:400, 50:400] < 200).any()


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (["--latency-ms", "5", "--plot", "a.png"], UsageError, "--gt"),
        (
            ["--latency-ms", "5", "--gt", "gt.txt", "--plot", "a.jpg"],
            UsageError,
            r"must end in \.png, not a\.jpg",
        ),
        (["--latency-ms", "5", "--gt", "absent.txt"], SourceError, r"absent\.txt"),
        ([], UsageError, "--latency-ms L or --latency FILE"),
        (["--latency-ms", "5", "--latency", "a.json"], UsageError, "either --latency-ms L or"),
        (["--latency-ms", "-1"], UsageError, "0 or more"),
        (["--latency-ms", "nan"], UsageError, "0 or more"),
        (["--latency-ms", "5", "--show", "guess"], UsageError, "predict or hold"),
        (["--latency-ms", "5", "--fps", "0"], UsageError, "--fps"),
        (["--latency-ms", "5", "--tracker", "srt"], UnknownNameError, "did you mean sort"),
        (["--latency-ms", "5", "--set", "max_ag=1"], UnknownNameError, "did you mean max_age_s"),
        (["--latency", "absent.json"], SourceError, r"absent\.json"),
    ],
)
def test_a_wrong_option_is_one_line_and_writes_nothing(detections, tmp_path, arguments, error, words):
    with pytest.raises(error, match=words) as caught:
        stream(detections, "--out", tmp_path / "out.txt", *arguments)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out.txt").exists()


def test_neither_the_detections_nor_the_truth_are_overwritten(detections, truth):
    for path in (detections, truth):
        before = path.read_bytes()
        with pytest.raises(UsageError, match="would overwrite"):
            stream(detections, "--latency-ms", 5, "--gt", truth, "--out", path)
        assert path.read_bytes() == before


def test_the_rules_are_those_of_the_benchmark_that_the_truth_is_of(detections, tmp_path):
    """In MOT20 class 6, a vehicle without a motor, is neither right nor wrong; in MOT17 it is wrong."""
    rows = [f"{f},1,{100 + 2 * f},20,30,60,1,1,1\n{f},2,600,20,30,60,0,6,1\n" for f in range(1, 61)]
    for name, mota in (("MOT17-90", "0.00"), ("MOT20-90", "100.00")):
        path = tmp_path / name / "gt" / "gt.txt"
        path.parent.mkdir(parents=True)
        path.write_text("".join(rows))
        out = tmp_path / "shown.txt"
        said = stream(detections, "--latency-ms", 0, "--gt", path, "--out", out, "--tracker", "sort").stdout
        assert f"MOTA {mota}" in said
