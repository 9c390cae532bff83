#!/usr/bin/env python3
"""How right speeds and distances on the ground are, and whether their standard errors hold.

usage: python benchmarks/ground.py [--tracks TRACKS] [--kitti DIR]

First the demo, whose ground and true speeds are known exactly: its street is calibrated by four corners, tracked by
rtdet-n (or TRACKS holds that), and each speed is compared with that of the object that the box overlaps most. Printed
for each class, of finished tracks and live: the median error, and how many errors are within one and within 1.96
standard errors (68 and 95 % of normal ones).

Then the distance from the camera of KITTI's labelled objects: the ground is a plane 1.65 m below the camera,
calibrated by four of its points, and a box's feet are compared with the corner of the labelled 3D box that touches
the ground nearest. A camera on a car that nods, on roads that slope, has no such plane: this is how much that costs.
On 18 objects the median error is 5 % up to 15 m, 11 % up to 30 m, and 26 % beyond.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from rtdet.demo import DemoScene
from rtdet.geometry.boxes import iou
from rtdet.ground import SpeedMeter, scale_of, with_speeds
from rtdet.ground.places import places_of
from rtdet.tracks import read_table
from rtdet.tracks.table import TrackTable
from rtdet.types import Tracks

KITTI = Path(__file__).parents[2] / "shared" / "data" / "kitti3d"
CAMERA_HEIGHT_M = 1.65
_CORNERS = [(-6.0, 13.4), (6.0, 13.4), (-12.0, 29.0), (12.0, 29.0)]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tracks", type=Path)
    parser.add_argument("--kitti", type=Path, default=KITTI)
    arguments = parser.parse_args()
    scene = DemoScene()
    with TemporaryDirectory() as folder:
        path = arguments.tracks or Path(folder, "demo.json")
        if arguments.tracks is None:
            command = [
                sys.executable,
                "-m",
                "rtdet",
                "--source",
                "demo",
                "--headless",
                "--quiet",
                "--tracks",
                str(path),
            ]
            subprocess.run(command, check=True)
        speeds_on_the_demo(scene, read_table(path))
    if arguments.kitti.is_dir():
        distances_on_kitti(arguments.kitti)


def speeds_on_the_demo(scene: DemoScene, table: TrackTable) -> None:
    size = (scene.width, scene.height)
    points = [list(map(float, scene._view.foot(*one))) for one in _CORNERS]
    scale = scale_of({"points": points, "metres": [list(one) for one in _CORNERS]}, size)
    whole = with_speeds(table, scale)
    finished = {number: whole.at(number) for number in whole.frame_list.numbers.tolist()}
    meter, live = SpeedMeter(scale), {}
    for number, t in zip(table.frame_list.numbers.tolist(), table.frame_list.times_s.tolist(), strict=True):
        tracks = table.at(number)
        unseen_s = np.where(tracks.values["seen"], 0.0, 0.04)
        live[number] = meter.update(replace(tracks, since_update_s=unseen_s), t, size)
    print("the demo's speeds, m/s        rows   true  |error|  within 1 SE  1.96 SE")
    for name, frames in (("finished", finished), ("live", live)):
        _print_speeds(name, scene, frames.__getitem__, sorted(frames))


def _print_speeds(name: str, scene: DemoScene, at: Callable[[int], Tracks], numbers: list[int]) -> None:
    rows: dict[str, list[tuple[float, float, float]]] = {}
    for number in numbers:
        tracks, truth = at(number), scene.truth(number - 1)
        if not len(tracks) or not len(truth):
            continue
        overlap = iou(tracks.boxes, truth.boxes)
        for row, column in enumerate(overlap.argmax(axis=1).tolist()):
            if overlap[row, column] < 0.5 or not np.isfinite(tracks.values["speed"][row]):
                continue
            actor = scene._actors[int(truth.ids[column]) - 1]
            *_, across, along = actor.at((number - 1) / scene.fps)
            found = float(tracks.values["speed"][row]), float(tracks.values["speed_se"][row])
            rows.setdefault(truth.name_of(column), []).append((float(np.hypot(across, along)), *found))
    for label, values in rows.items():
        true, speed, error = np.array(values).T
        off = np.abs(speed - true)
        one, two = (f"{(off < k * error).mean():.0%}" for k in (1, 1.96))
        known = f"{len(true):11}  {true.mean():5.2f}  {np.median(off):7.3f}"
        print(f"{name:9} {label:11}  {known}  {one:>11}  {two:>7}")


def distances_on_kitti(folder: Path) -> None:
    rows = []
    for label in sorted((folder / "label_2").glob("*.txt")):
        camera = _camera(folder / "calib" / label.name)
        ground = scale_of(_plane(camera), (1242, 375)).on((1242, 375))
        for line in label.read_text().splitlines():
            kind, truncated, _, _, *numbers = line.split()
            if kind == "DontCare" or float(truncated) > 0:
                continue
            box = np.array([numbers[:4]], dtype=float)
            place = places_of(ground, box)
            if place.usable[0]:
                found, true = (
                    float(place.places[0, 1]),
                    _nearest_depth(camera, np.array(numbers[4:11], dtype=float)),
                )
                rows.append((true, found))
    true, found = np.array(rows).T
    print("\nKITTI's distances      objects  |error| m      %    mean %")
    for low, high in ((0, 15), (15, 30), (30, 80)):
        of = (true >= low) & (true < high)
        if of.any():
            off = found[of] - true[of]
            part = off / true[of] * 100
            print(
                f"{low:3} to {high:2} m  {of.sum():17}  {np.median(np.abs(off)):9.2f}  {np.median(np.abs(part)):5.1f}"
                f"  {part.mean():+8.1f}"
            )


def _camera(path: Path) -> np.ndarray:
    """(3, 4) the projection of the left colour camera."""
    line = next(one for one in path.read_text().splitlines() if one.startswith("P2:"))
    return np.array(line.split()[1:], dtype=float).reshape(3, 4)


def _project(camera: np.ndarray, places: np.ndarray) -> np.ndarray:
    mapped = np.column_stack([places, np.ones(len(places))]) @ camera.T
    return np.asarray(mapped[:, :2] / mapped[:, 2:])


def _plane(camera: np.ndarray) -> dict[str, list[list[float]]]:
    corners = np.array([(-4.0, 8.0), (4.0, 8.0), (-12.0, 40.0), (12.0, 40.0)])
    places = np.column_stack([corners[:, 0], np.full(4, CAMERA_HEIGHT_M), corners[:, 1]])
    return {"points": _project(camera, places).tolist(), "metres": corners.tolist()}


def _nearest_depth(camera: np.ndarray, label: np.ndarray) -> float:
    """The depth of the labelled 3D box where it touches the ground lowest in the picture."""
    _, width, length, *center, turn = label
    x, z = np.array([1, 1, -1, -1]) * length / 2, np.array([1, -1, 1, -1]) * width / 2
    corners = np.column_stack(
        [x * np.cos(turn) + z * np.sin(turn), np.zeros(4), z * np.cos(turn) - x * np.sin(turn)]
    )
    corners = corners + center
    return float(corners[_project(camera, corners)[:, 1].argmax(), 2])


if __name__ == "__main__":
    main()
