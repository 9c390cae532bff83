"""What the viewer shows and keeps of addresses: never their users, passwords and tokens."""

from __future__ import annotations

import re
import stat
import sys
import types

import pytest
from PyQt6.QtWidgets import QLabel, QWidget

from rtdet.ui.dialogs import SignInDialog
from rtdet.viewer.names import dated_path, short_name
from rtdet.viewer.system_keyring import SERVICE

ADDRESS = "rtsp://groundskeeper:Sword/fish77@cam.local/door?access_token=TokenTok88"
SHOWN = "rtsp://***@cam.local/door?access_token=***"
SECRETS = ("groundskeeper", "Sword", "fish77", "TokenTok88")


@pytest.fixture
def opens_everything(stage, monkeypatch):
    """Every address is the demo to these windows; gives those that were opened."""
    opened = []
    before = stage.services

    def services(*arguments, **named):
        from dataclasses import replace

        found = before(*arguments, **named)

        def open_pipeline(config, *rest):
            opened.append(config.source)
            return found.open_pipeline(replace(config, source="demo"), *rest)

        return replace(found, open_pipeline=open_pipeline)

    monkeypatch.setattr(stage, "services", services)
    return opened


def texts_of(window: QWidget) -> str:
    found = [window.windowTitle()]
    for widget in window.findChildren(QWidget):
        found += [widget.toolTip(), widget.accessibleName(), widget.windowTitle()]
        if isinstance(widget, QLabel):
            found.append(widget.text())
    for menu in (*window.menus.by_name.values(), window.menus.cameras, window.menus.recent):
        found += [
            text
            for action in menu.actions()
            for text in (action.text(), action.toolTip(), action.statusTip())
        ]
    return "\n".join(found)


def bytes_under(folder) -> bytes:
    """Names and contents; Qt's texts of two bytes a letter, each escaped in its way, as letters."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    whole = b"".join(bytes(path) + path.read_bytes().replace(b"\\0", b"") for path in files)
    return re.sub(rb"\\x([0-9a-f]{2})", lambda found: bytes.fromhex(found[1].decode()), whole).replace(
        b"\0", b""
    )


def test_nothing_of_them_is_on_screen_or_in_a_file_and_the_settings_are_the_owners(
    qtbot, open_window, opens_everything, tmp_path
) -> None:
    window = open_window(ADDRESS)
    qtbot.waitUntil(lambda: bool(window.state.recent))
    assert opens_everything == [ADDRESS]
    assert window.state.recent == (SHOWN,)
    window.session.recorder.snapshot(window.stage.view.frame, window.stage.view.marks)
    qtbot.waitUntil(lambda: "saved" in str(window.player.message))
    said = texts_of(window)
    assert "cam.local" in said
    window.close()
    settings = tmp_path / "viewer.ini"
    assert stat.S_IMODE(settings.stat().st_mode) == 0o600
    assert b"cam.local" in bytes_under(tmp_path)
    for secret in SECRETS:
        assert secret not in said
        assert secret.encode() not in bytes_under(tmp_path)


def test_what_an_older_viewer_kept_is_taken_out_at_the_start(open_window, tmp_path) -> None:
    settings = tmp_path / "viewer.ini"
    settings.write_text(f"[state]\nrecent={ADDRESS}, demo\n")
    settings.chmod(0o644)
    window = open_window(None)
    assert SHOWN in window.state.recent
    assert stat.S_IMODE(settings.stat().st_mode) == 0o600
    for secret in SECRETS:
        assert secret.encode() not in settings.read_bytes()


def test_a_remembered_camera_asks_again_after_a_new_start(qtbot, open_window, opens_everything) -> None:
    window = open_window(None)
    window.session.open(SHOWN)
    qtbot.waitUntil(lambda: window.findChild(SignInDialog) is not None)
    dialog = window.findChild(SignInDialog)
    dialog.user.setText("groundskeeper")
    dialog.password.setText("Sword/fish77")
    dialog.values[0].setText("TokenTok88")
    dialog.accept()
    qtbot.waitUntil(lambda: bool(opens_everything))
    assert opens_everything == ["rtsp://groundskeeper:Sword%2Ffish77@cam.local/door?access_token=TokenTok88"]
    qtbot.waitUntil(lambda: bool(window.state.recent))
    # In the same session it is known.
    window.session.open(window.state.recent[0])
    qtbot.waitUntil(lambda: len(opens_everything) == 2)
    assert opens_everything[0] == opens_everything[1]


def test_where_there_is_a_keyring_it_is_asked_first_and_keeps_what_it_is_told_to(
    qtbot, open_window, opens_everything, monkeypatch
) -> None:
    kept = {}
    keyring = types.ModuleType("keyring")
    keyring.__spec__ = types.SimpleNamespace()
    keyring.get_password = lambda service, name: kept.get((service, name))
    keyring.set_password = lambda service, name, value: kept.update({(service, name): value})
    monkeypatch.setitem(sys.modules, "keyring", keyring)
    window = open_window(None)
    window.session.open(SHOWN)
    qtbot.waitUntil(lambda: window.findChild(SignInDialog) is not None)
    dialog = window.findChild(SignInDialog)
    assert dialog.keep.isVisible()
    dialog.keep.setChecked(True)
    dialog.user.setText("me")
    dialog.accept()
    qtbot.waitUntil(lambda: (SERVICE, SHOWN) in kept)
    again = open_window(None)
    again.session.open(SHOWN)
    qtbot.waitUntil(lambda: len(opens_everything) == 2)
    assert opens_everything[0] == opens_everything[1] == kept[SERVICE, SHOWN]


def test_names_of_windows_and_files_have_none(tmp_path) -> None:
    for address in (
        ADDRESS,
        "rtsp://groundskeeper:fish77@cam.local",
        "http://cam.local/?access_token=TokenTok88",
    ):
        for name in (short_name(address), str(dated_path(tmp_path, address, ".png"))):
            assert not [secret for secret in SECRETS if secret in name]
