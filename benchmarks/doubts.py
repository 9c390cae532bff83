#!/usr/bin/env python3
"""How many ID switches the first of `rtdet tracks doubts` hold, beside a list of random places.

usage: python benchmarks/doubts.py GT_ROOT... [--top 50] [--within-s 1.0] [--leave-one-out] [--json OUT.json]

GT_ROOT has sequences as MOTChallenge has them: SEQ/gt/gt.txt, SEQ/det/det.txt, SEQ/seqinfo.ini. Each is tracked by
`rtdet track` with its own settings. A switch is an object whose box has another ID than where it was found before, by
the matching of HOTA at an IoU of .5; a finding holds it that names a frame at most --within-s seconds (and half of
them, in brackets) from the one where the new ID begins, and one of the two IDs. `each list` are the first 50 of each
sequence's list, `one list` the first 50 of all sequences' together. Random places are a row of the tracks with
another ID of its frame: the mean of 200 such lists.

The scores are not fitted: each is a mean of what was measured, or a product, and 0.2 for a beginning was set by hand.
--leave-one-out says how much a fit would earn: beginnings and ends count more or less than crossings, by the factor
that is best for the other sequences.

On MOT17-02, 05, 09 and 11 (second halves; YOLOX-X's detections): each list 68 of 82 (62), random 48 (33); one list 44
(35), random 18 (11). On MOT15's TUD-Campus, TUD-Stadtmitte, ETH-Sunnyday and KITTI-17: each list 43 of 44 (41),
random 34 (26). With the factor of the others MOT17-02 has 39 instead of 41 and ETH-Sunnyday 26 instead of 27.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rtdet.evaluation.tracking import TrackRows, read_truth
from rtdet.evaluation.tracking.switches import Switch, find_switches
from rtdet.tracks import read_table
from rtdet.tracks.doubts import Finding, find_doubts
from rtdet.tracks.motchallenge import frame_rate
from rtdet.tracks.table import TrackTable

FACTORS = (0.5, 0.7, 0.85, 1.0, 1.2, 1.4, 2.0)
AT_ENDS = ("continued", "birth", "end")
DRAWS = 200


class Place(NamedTuple):
    """A frame and IDs that a list names, with the score by which lists are joined."""

    score: float
    frame: int
    ids: tuple[int, ...]


class Sequence(NamedTuple):
    name: str
    fps: float
    table: TrackTable
    switches: list[Switch]
    findings: list[Finding]

    def places(self, factor: float = 1.0) -> list[Place]:
        """The list, with beginnings and ends counted by `factor`."""
        places = [
            Place(one.score * (factor if one.kind in AT_ENDS else 1), one.frame, one.ids)
            for one in self.findings
        ]
        return sorted(places, key=lambda place: -place.score)

    def random_places(self, rng: np.random.Generator, count: int) -> list[Place]:
        places = []
        for row in rng.integers(0, len(self.table), count).tolist():
            frame = int(self.table.frames[row])
            others = self.table.at(frame).ids
            places.append(Place(0.0, frame, (int(self.table.ids[row]), int(rng.choice(others)))))
        return places

    def held(self, place: Place, within_s: float) -> set[tuple[str, int]]:
        """The switches that a place of the list holds."""
        near = within_s * self.fps
        return {
            (self.name, i)
            for i, switch in enumerate(self.switches)
            if abs(switch.frame - place.frame) <= near and {switch.old, switch.new} & set(place.ids)
        }


def read_sequence(folder: Path, out: Path) -> Sequence:
    detections = folder / "det" / "det.txt"
    command = [sys.executable, "-m", "rtdet", "track", str(detections), "--out", str(out)]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    fps = frame_rate(str(detections)) or 30.0
    table = read_table(out, fps)
    truth = read_truth(folder / "gt" / "gt.txt", has_classes="mot15" not in str(folder).lower())
    switches = find_switches(truth, TrackRows(table.frames, table.ids, table.boxes))
    return Sequence(folder.name, fps, table, switches, find_doubts(table, 100_000))


def recall(
    sequences: list[Sequence], lists: list[list[Place]], top: int, within_s: float
) -> tuple[list[int], int]:
    """How many switches the first of each sequence's list hold, and the first of all lists as one."""
    each = []
    for sequence, places in zip(sequences, lists, strict=True):
        each.append(len(set().union(*(sequence.held(place, within_s) for place in places[:top]))))
    joined = sorted(
        ((place, i) for i, places in enumerate(lists) for place in places[:top]),
        key=lambda one: -one[0].score,
    )
    return each, len(set().union(*(sequences[i].held(place, within_s) for place, i in joined[:top])))


def random_recall(sequences: list[Sequence], top: int, within_s: float) -> tuple[list[float], float]:
    rng = np.random.default_rng(0)
    results = []
    for _ in range(DRAWS):
        lists = [sequence.random_places(rng, top) for sequence in sequences]
        drawn = [[place._replace(score=rng.random()) for place in places] for places in lists]
        each, one = recall(sequences, drawn, top, within_s)
        results.append([*each, one])
    *each_mean, one_mean = np.mean(results, axis=0).tolist()
    return each_mean, one_mean


def leave_one_out(sequences: list[Sequence], top: int, within_s: float) -> list[tuple[str, float, int, int]]:
    """For each sequence the factor that is best for the others, and what is held with it and without."""
    by_factor = {
        factor: recall(sequences, [one.places(factor) for one in sequences], top, within_s)[0]
        for factor in FACTORS
    }
    rows = []
    for i, sequence in enumerate(sequences):
        others = {factor: sum(each) - each[i] for factor, each in by_factor.items()}
        best = max(FACTORS, key=lambda factor: (others[factor], -abs(np.log(factor))))
        rows.append((sequence.name, best, by_factor[best][i], by_factor[1.0][i]))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("roots", nargs="+", type=Path, metavar="GT_ROOT")
    parser.add_argument("--top", type=int, default=50)
    parser.add_argument("--within-s", type=float, default=1.0)
    parser.add_argument("--leave-one-out", action="store_true")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    folders = sorted(path.parents[1] for root in arguments.roots for path in root.glob("*/gt/gt.txt"))
    folders = [folder for folder in folders if (folder / "det" / "det.txt").is_file()]
    if not folders:
        parser.error("no SEQ/gt/gt.txt with SEQ/det/det.txt there")
    with tempfile.TemporaryDirectory() as temporary:
        sequences = [read_sequence(folder, Path(temporary) / f"{folder.name}.txt") for folder in folders]
    lists = [sequence.places() for sequence in sequences]
    figures = {}
    for within_s in (arguments.within_s, arguments.within_s / 2):
        figures[within_s] = (
            recall(sequences, lists, arguments.top, within_s), random_recall(sequences, arguments.top, within_s)
        )  # fmt: skip
    (near, near_random), (half, half_random) = figures.values()
    print(f"the first {arguments.top}, within {arguments.within_s:g} s (within {arguments.within_s / 2:g} s)")
    print(f"{'':<18}{'switches':>9}{'list':>8}{'held':>12}{'random':>16}")
    for i, one in enumerate(sequences):
        print(
            f"{one.name:<18}{len(one.switches):>9}{len(one.findings):>8}{near[0][i]:>6} ({half[0][i]:>3})"
            f"{near_random[0][i]:>9.1f} ({half_random[0][i]:>4.1f})"
        )
    total = sum(len(one.switches) for one in sequences)
    print(
        f"{'each list':<18}{total:>9}{'':>8}{sum(near[0]):>6} ({sum(half[0]):>3})"
        f"{sum(near_random[0]):>9.1f} ({sum(half_random[0]):>4.1f})"
    )
    print(
        f"{'one list':<18}{total:>9}{'':>8}{near[1]:>6} ({half[1]:>3}){near_random[1]:>9.1f} ({half_random[1]:>4.1f})"
    )
    fitted = leave_one_out(sequences, arguments.top, arguments.within_s) if arguments.leave_one_out else []
    for name, factor, with_it, without in fitted:
        print(f"{name:<18} best for the others: ends x {factor:g}; held here {with_it}, as it is {without}")
    if arguments.json:
        written = {
            "switches": {one.name: len(one.switches) for one in sequences},
            "held": {one.name: near[0][i] for i, one in enumerate(sequences)},
            "random": {one.name: near_random[0][i] for i, one in enumerate(sequences)},
            "one_list": near[1], "one_list_random": near_random[1], "within_s": arguments.within_s,
        }  # fmt: skip
        arguments.json.write_text(json.dumps(written, indent=1) + "\n")


if __name__ == "__main__":
    main()
