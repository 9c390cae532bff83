#!/usr/bin/env python3
"""Draws count.png, the README's picture of a line and a zone: the demo's 13th second, counted from its truth.

usage: python assets/count.py [OUT.png]
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
from PIL import Image

from rtdet.counting import Counter, Line, Zone, Zones
from rtdet.counting.marks import marks_of_counter
from rtdet.demo import DemoScene
from rtdet.video.draw import DrawStyle, draw_tracks

LAST = 13 * 25
ZONES = Zones(
    (Line("middle", ((0.5, 0.46), (0.5, 1.0)), "#ffb000"),),
    (Zone("crossing", ((0.62, 0.58), (0.74, 0.58), (0.84, 0.83), (0.66, 0.83)), "#40e0ff"),),
)


def main() -> None:
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("count.png")
    scene = DemoScene()
    counter = Counter(ZONES, (scene.width, scene.height))
    for i in range(LAST + 1):
        counter.update(scene.truth(i), i / scene.fps, i + 1)
    style = DrawStyle(show_scores=False, scale=1.4, zones=marks_of_counter(counter))
    drawn = draw_tracks(scene.render(LAST), scene.truth(LAST), style)[230:]
    small = cv2.resize(drawn, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    picture = Image.fromarray(small[..., ::-1])
    picture.quantize(96, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(out, optimize=True)


if __name__ == "__main__":
    main()
