"""rtdet doctor: what it says of this machine, and of made-up ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rtdet.backends.devices import Device
from rtdet.cache import seal
from rtdet.doctor import cache_files, conflicts, devices, environment, optional, places
from rtdet.doctor import cameras as camera_part
from rtdet.doctor.examining import PARTS, examine
from rtdet.doctor.report import NOTE, OK, PROBLEM, Finding, Part, Report
from rtdet.extras import EXTRAS
from rtdet.video.sources import CameraInfo


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RTDET_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def by_name(findings) -> dict[str, Finding]:
    return {one.name: one for one in findings}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    before = os.environ.get("RTDET_CACHE")
    os.environ["RTDET_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    try:
        return examine()
    finally:
        os.environ.pop("RTDET_CACHE")
        if before is not None:
            os.environ["RTDET_CACHE"] = before


def test_every_part_is_looked_at_and_none_fails(report: Report) -> None:
    assert [part.title for part in report.parts] == list(PARTS)
    assert all(part.findings for part in report.parts)
    assert not [one for one in report if one.name == "not examined"]


def test_each_device_is_timed_with_the_embedded_model(report: Report) -> None:
    found = by_name(report)["cpu (openvino)"]
    assert found.values["frames_per_s"] > 0
    assert "frames/s with rtdet-n" in found.text
    assert by_name(report)["cpu (onnxruntime)"].values["backend"] == "onnxruntime"


def test_decoders_encoders_and_versions_are_there(report: Report) -> None:
    found = by_name(report)
    assert "H.264, HEVC, AV1" in found["decoders"].text
    assert found["encoder libx264"].state == OK
    assert found["Python"].values["version"] == sys.version.split()[0]
    assert "numpy" in found["packages"].values["versions"]


def test_whatever_is_no_good_has_a_remedy(report: Report) -> None:
    assert all(one.remedy for one in report if one.state == PROBLEM)


def test_the_report_is_json_and_lines_of_text(report: Report) -> None:
    content = json.loads(json.dumps(report.as_dict()))
    assert content["problems"] == report.count(PROBLEM)
    assert set(content["parts"]) == set(PARTS)
    lines = report.lines()
    assert lines[-1] == report.summary
    assert all(len(line.splitlines()) <= 1 for line in lines)


def test_a_part_that_fails_is_a_finding_and_the_others_go_on() -> None:
    def broken():
        yield Finding("first", "fine")
        raise RuntimeError("the driver\nis gone")

    report = examine(parts={"One": broken, "Two": lambda: [Finding("second", "fine")]})
    assert [(one.name, one.state) for one in report] == [
        ("first", OK),
        ("not examined", PROBLEM),
        ("second", OK),
    ]
    assert "the driver" in report.parts[0].findings[1].text
    assert report.summary == "1 problem, no notes"


def test_a_device_that_does_not_start_says_why() -> None:
    found = devices.time_device(Device("intel-gpu", "openvino", "Arc A770"))
    assert found.state == PROBLEM
    assert found.text.startswith("Arc A770: does not start: no Intel GPU found")
    assert "--device cpu" in found.remedy


def test_a_camera_that_may_not_be_opened_has_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        camera_part, "list_cameras", lambda: [CameraInfo(0, "Integrated"), CameraInfo(2, "USB")]
    )
    monkeypatch.setattr(camera_part, "_may_open", lambda node: node.name == "video0")
    first, second = camera_part.look()
    assert (first.name, first.text, first.state) == ("webcam:0", "Integrated", OK)
    if sys.platform.startswith("linux"):
        assert second.state == PROBLEM
        assert "usermod -aG video" in second.remedy


class TestConflicts:
    @pytest.fixture
    def installed(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
        versions: dict[str, str] = {}
        monkeypatch.setattr(conflicts, "version_of", lambda name: versions.get(name, ""))
        return versions

    def test_two_packages_that_install_cv2(self, installed: dict[str, str]) -> None:
        installed.update({"opencv-python": "4.12", "opencv-contrib-python": "4.10"})
        found = by_name(conflicts.look())["cv2"]
        assert found.state == PROBLEM
        assert "uninstall -y opencv-python opencv-contrib-python" in found.remedy
        assert found.remedy.endswith("install opencv-python")

    def test_two_wheels_of_onnx_runtime(self, installed: dict[str, str]) -> None:
        installed.update({"onnxruntime": "1.20", "onnxruntime-gpu": "1.20"})
        assert by_name(conflicts.look())["onnxruntime"].remedy.endswith("install onnxruntime-gpu")

    def test_another_qt(self, installed: dict[str, str]) -> None:
        installed["PySide6"] = "6.8"
        assert by_name(conflicts.look())["Qt"].state == NOTE

    def test_a_torchvision_for_another_torch(self, installed: dict[str, str]) -> None:
        installed.update({"torch": "2.0.0", "torchvision": "0.29"})
        assert by_name(conflicts.look())["torchvision"].state == PROBLEM

    def test_nothing_in_the_way(self, installed: dict[str, str]) -> None:
        (found,) = conflicts.look()
        assert found.state == OK


def test_a_folder_that_cannot_be_written_and_one_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert places.about_place("home", tmp_path / "not" / "yet").state == OK
    monkeypatch.setattr(places, "_can_write", lambda folder: False)
    found = places.about_place("home", tmp_path)
    assert found.state == PROBLEM
    assert "RTDET_CACHE" in found.remedy
    assert places.about_place("here", tmp_path).state == NOTE


def test_little_room_is_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "LEAST_BYTES", 2**80)
    assert places.about_place("cache", tmp_path).state == NOTE


def test_the_cache_tells_its_size_and_what_is_damaged(own_cache: Path) -> None:
    (own_cache / "models").mkdir(parents=True)
    file = own_cache / "models" / "some.onnx"
    file.write_bytes(b"x" * 1000)
    seal(file)
    found = by_name(cache_files.look())
    assert found["fetched models"].values["bytes"] == 1000
    assert found["damaged"].text == "nothing"
    file.write_bytes(b"y" * 1000)
    damaged = by_name(cache_files.look())["damaged"]
    assert damaged.state == NOTE
    assert damaged.values["files"] == [str(file)]


def test_every_extra_is_listed_with_what_it_is_for() -> None:
    found = by_name(optional.look())
    assert list(found) == list(EXTRAS)
    assert all("(" in finding.text and "()" not in finding.text for finding in found.values())


def test_the_environment_is_shown_without_secrets() -> None:
    found = by_name(
        environment.look({"RTDET_SOURCE": "rtsp://me:topsecret@cam/1", "RTDET_MODLE": "x", "PATH": "/bin"})
    )
    assert "topsecret" not in found["RTDET_SOURCE"].text
    assert "cam/1" in found["RTDET_SOURCE"].text
    assert found["RTDET_MODLE"].state == NOTE
    assert "PATH" not in found


@pytest.mark.parametrize("name", ["RTDET_MODEL", "RTDET_CACHE", "RTDET_TRIAL", "RTDET_MACHINE"])
def test_a_variable_that_rtdet_reads_is_not_called_useless(name: str) -> None:
    assert by_name(environment.look({name: "x"}))[name].state == OK


def test_secrets_do_not_come_through_what_a_library_says() -> None:
    from rtdet.address import Address

    Address.parse("rtsp://me:topsecret2@cam/1")
    finding = Finding("cam", "rtsp://me:topsecret2@cam/1 failed", PROBLEM, "try topsecret2")
    report = Report((Part("x", (finding,)),))
    assert "topsecret2" not in "\n".join(report.lines())
    assert "topsecret2" not in json.dumps(report.as_dict())


@pytest.mark.parametrize("flag", [[], ["--json"]])
def test_the_command_prints_to_a_pipe_and_uses_no_network(tmp_path: Path, flag: list[str]) -> None:
    """With the socket module broken: whoever asked for the network would fail."""
    code = (
        "import socket\n"
        "def refuse(*a, **k): raise AssertionError('the network was asked for')\n"
        "socket.create_connection = socket.getaddrinfo = refuse\n"
        "import sys; from rtdet.cli import main; sys.argv[0] = 'rtdet'; sys.exit(main())"
    )
    environment = os.environ | {"HOME": str(tmp_path), "RTDET_CACHE": str(tmp_path / "cache")}
    environment["PYTHONPATH"] = str(Path(__file__).resolve().parents[2])
    run = subprocess.run(
        [sys.executable, "-c", code, "doctor", *flag],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    if flag:
        assert "Devices" in json.loads(run.stdout)["parts"]
    else:
        assert "cpu (openvino)" in run.stdout
        assert "\x1b" not in run.stdout
