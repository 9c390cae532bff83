"""Where the lines and zones of each source are remembered."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtdet.counting import Line, Zones, read_zones
from rtdet.viewer import zone_store
from rtdet.viewer.zone_store import ZoneStore
from rtdet.viewer.zone_units import in_fractions

DOOR = Zones((Line("door", ((0.25, 0.5), (0.75, 0.5))),))


def test_each_source_has_its_own_and_a_file_is_known_from_every_folder(tmp_path, monkeypatch) -> None:
    store = ZoneStore(tmp_path / "zones")
    (tmp_path / "street.mp4").touch()
    store.save(str(tmp_path / "street.mp4"), DOOR)
    monkeypatch.chdir(tmp_path)
    assert store.load("street.mp4") == DOOR
    assert store.load("webcam:0") is None


def test_the_file_has_a_name_that_people_know_and_nothing_secret(tmp_path) -> None:
    store = ZoneStore(tmp_path)
    store.save("rtsp://me:secret@camera.local/yard?token=abc", DOOR)
    (path,) = tmp_path.iterdir()
    assert path.name.startswith("yard-")
    assert "secret" not in path.name
    assert store.load("rtsp://me:other@camera.local/yard?token=abc") == DOOR


def test_without_lines_zones_and_scale_nothing_is_remembered(tmp_path) -> None:
    store = ZoneStore(tmp_path)
    store.save("demo", DOOR)
    store.save("demo", Zones())
    assert list(tmp_path.iterdir()) == []
    store.save("demo", Zones(ground={"metres_per_pixel": 0.02}))
    assert store.load("demo").ground == {"metres_per_pixel": 0.02}


def test_without_a_folder_nothing_is_remembered_and_nothing_fails() -> None:
    store = ZoneStore(None)
    store.save("demo", DOOR)
    assert store.load("demo") is None


def test_a_file_that_somebody_spoiled_is_said_and_passed_over(tmp_path, caplog) -> None:
    store = ZoneStore(tmp_path)
    store.save("demo", DOOR)
    (path,) = tmp_path.iterdir()
    path.write_text("{", encoding="utf-8")
    assert store.load("demo") is None
    assert "the lines and zones of demo are not there any more" in caplog.text


def test_the_oldest_are_forgotten(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(zone_store, "MOST_FILES", 3)
    store = ZoneStore(tmp_path)
    for number in range(6):
        store.save(f"webcam:{number}", DOOR)
    assert len(list(tmp_path.iterdir())) == 3


def test_a_file_in_pixels_becomes_fractions_with_its_scale() -> None:
    ground = {"points": [[0, 0], [640, 0], [640, 360], [0, 360]], "metres": [[0, 0], [4, 0], [4, 8], [0, 8]]}
    zones = Zones((Line("door", ((320, 180), (640, 360))),), size=(1280, 720), ground=ground)
    small = in_fractions(zones)
    assert small.lines[0].points == ((0.25, 0.25), (0.5, 0.5))
    assert small.ground["points"] == [[0, 0], [0.5, 0], [0.5, 0.5], [0, 0.5]]
    assert small.size is None


@pytest.mark.parametrize(("picture", "metres"), [((1280, 720), 0.02), ((640, 360), 0.04), (None, 0.02)])
def test_metres_per_pixel_are_of_the_picture_that_is_shown(picture, metres) -> None:
    zones = Zones(size=(1280, 720), ground={"metres_per_pixel": 0.02})
    assert in_fractions(zones, picture).ground["metres_per_pixel"] == pytest.approx(metres)


def test_what_is_remembered_is_a_zones_file_that_can_be_used_elsewhere(tmp_path: Path) -> None:
    ZoneStore(tmp_path).save("demo", DOOR)
    assert read_zones(next(tmp_path.iterdir())) == DOOR
