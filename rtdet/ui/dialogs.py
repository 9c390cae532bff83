"""The dialogs. All are opened with `open()`, so that playing goes on behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from PyQt6.QtCore import QSize, Qt
from PyQt6.QtWidgets import (
    QCheckBox,
    QCompleter,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from rtdet.address import Address
from rtdet.ui import theme
from rtdet.ui.actions import COMMANDS, OTHER_KEYS, keys_of
from rtdet.ui.icons import window_icon
from rtdet.ui.screens import bounded_by_screen
from rtdet.viewer import system_keyring

VIDEOS = (
    "Videos and pictures (*.mp4 *.mkv *.mov *.avi *.webm *.m4v *.ts *.mpg *.mpeg *.wmv *.flv *.gif *.jpg"
    " *.jpeg *.png *.bmp *.webp *.tif *.tiff *.rtdet);;All files (*)"
)
MODELS = "Models (*.safetensors *.onnx *.xml *.pth *.cfg *.weights);;All files (*)"

_LONG = 40  # letters; more are wrapped
ABOUT = (
    "Detects and tracks objects in video, in real time, on the machine you already have.\n"
    "Nothing calls home: the network is used only for what you open."
)
LICENCES = (
    ("rtdet", "Apache License 2.0"),
    ("PyQt6", "GPL v3 or commercial (Riverbank Computing); Qt itself LGPL v3"),
    ("PyAV", "BSD 3-Clause; its wheels hold FFmpeg (LGPL/GPL) and x264 (GPL v2)"),
    ("PyTorch, torchvision, NumPy", "BSD 3-Clause"),
    ("OpenCV, OpenVINO, safetensors, arro3", "Apache License 2.0"),
    ("ONNX Runtime, platformdirs", "MIT"),
)


def ask_open(
    parent: QWidget,
    title: str,
    folder: str,
    filters: str,
    chosen: Callable[[list[str]], None],
    *,
    several: bool = False,
) -> QFileDialog:
    # Qt would propose the name of a folder that is not there as the file's.
    folder = folder if Path(folder).is_dir() else str(Path.home())
    dialog = QFileDialog(parent, title, folder, filters)
    mode = QFileDialog.FileMode
    dialog.setFileMode(mode.ExistingFiles if several else mode.ExistingFile)
    return _ask(dialog, chosen)


def ask_save(
    parent: QWidget, title: str, proposed: Path, filters: str, chosen: Callable[[str], None]
) -> QFileDialog:
    try:
        proposed.parent.mkdir(parents=True, exist_ok=True)
        folder = proposed.parent
    except OSError:  # a home that cannot be written: the user will choose another place
        folder = Path.home()
    dialog = QFileDialog(parent, title, str(folder), filters)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix(proposed.suffix.lstrip("."))
    dialog.selectFile(proposed.name)
    return _ask(dialog, lambda paths: chosen(paths[0]))


def _ask(dialog: QFileDialog, chosen: Callable[[list[str]], None]) -> QFileDialog:
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.filesSelected.connect(chosen)
    dialog.resize(bounded_by_screen(dialog.size(), dialog))
    dialog.open()
    return dialog


class AddressDialog(QDialog):
    """Asks for a network address."""

    def __init__(self, parent: QWidget, known: Iterable[str], chosen: Callable[[str], None]) -> None:
        super().__init__(parent)
        self.setWindowTitle("Open address")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(460)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(theme.SPACE)
        column.addWidget(QLabel("Address of a camera, a stream or a video"))
        self.field = QLineEdit()
        self.field.setPlaceholderText("rtsp://camera.local/stream   http://…   udp://…")
        self.field.setAccessibleName("Address")
        self.field.setCompleter(QCompleter([one for one in known if "://" in one], self))
        column.addWidget(self.field)
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Open | QDialogButtonBox.StandardButton.Cancel
        )
        open_button = buttons.button(QDialogButtonBox.StandardButton.Open)
        assert open_button is not None
        open_button.setEnabled(False)
        self.field.textChanged.connect(lambda text: open_button.setEnabled(bool(text.strip())))
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)
        self.accepted.connect(lambda: chosen(self.field.text().strip()))


class SignInDialog(QDialog):
    """Asks for what a remembered address lacks: user, password, tokens. `given` gets the whole address, and whether
    the system's keyring is to keep it."""

    def __init__(self, parent: QWidget, address: Address, given: Callable[[str, bool], None]) -> None:
        super().__init__(parent)
        self.setWindowTitle("Sign in")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(460)
        form = QFormLayout(self)
        form.setContentsMargins(20, 18, 20, 16)
        form.setSpacing(theme.SPACE)
        where = QLabel(address.shown)
        where.setTextFormat(Qt.TextFormat.PlainText)
        where.setWordWrap(True)
        form.addRow(where)
        self.user, self.password = QLineEdit(), _secret_field("Password")
        self.user.setAccessibleName("User")
        if address.userinfo:
            form.addRow("User", self.user)
            form.addRow("Password", self.password)
        self.values = [_secret_field(name or "Token") for name, _ in address.hidden]
        for field in self.values:
            form.addRow(field.accessibleName(), field)
        self.keep = QCheckBox("Save in the system's keyring")
        if system_keyring.is_there():
            form.addRow(self.keep)
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Open | QDialogButtonBox.StandardButton.Cancel
        )
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        form.addRow(buttons)

        def accepted() -> None:
            values = [field.text() for field in self.values]
            given(address.filled(values, self.user.text(), self.password.text()), self.keep.isChecked())

        self.accepted.connect(accepted)


def _secret_field(name: str) -> QLineEdit:
    field = QLineEdit()
    field.setAccessibleName(name)
    field.setEchoMode(QLineEdit.EchoMode.Password)
    return field


class ShortcutsDialog(QDialog):
    """Lists every key, from the same table as the menus."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 16)
        keys = QWidget()
        keys.setObjectName("keys")
        row = QHBoxLayout(keys)
        row.setContentsMargins(24, 16, 12, 8)
        row.setSpacing(28)
        for menus in (("File", "Playback"), ("View", "Help"), ("Tracks", "Counts", "")):
            column = QVBoxLayout()
            for menu in menus:
                rows = [(keys_of(c), c.text.rstrip("…")) for c in COMMANDS if c.menu == menu and c.keys]
                grid = QGridLayout()
                grid.setHorizontalSpacing(16)
                grid.setVerticalSpacing(5)
                grid.setColumnMinimumWidth(0, 120)
                grid.setColumnStretch(1, 1)
                _section(grid, 0, menu or "Mouse and more", rows or OTHER_KEYS)
                column.addLayout(grid)
            column.addStretch()
            row.addLayout(column)
        area = QScrollArea()  # on a small screen they do not fit
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(keys)
        outer.addWidget(area)
        buttons = _close_button(self)
        buttons.setContentsMargins(24, 0, 24, 0)
        outer.addWidget(buttons)
        wanted = keys.sizeHint() + QSize(26, buttons.sizeHint().height() + 30)
        self.resize(bounded_by_screen(wanted, parent))


def _section(grid: QGridLayout, row: int, title: str, rows: Iterable[tuple[str, str]]) -> None:
    heading = QLabel(title.upper())
    heading.setObjectName("heading")
    grid.addWidget(heading, row, 0, 1, 2, Qt.AlignmentFlag.AlignBottom)
    grid.setRowMinimumHeight(row, 28)
    for name, text in rows:
        row += 1
        label = QLabel(name)
        label.setObjectName("value")
        grid.addWidget(label, row, 0)
        line = QLabel(text)
        line.setWordWrap(len(text) > _LONG)
        grid.addWidget(line, row, 1)


def _close_button(dialog: QDialog) -> QDialogButtonBox:
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
    buttons.rejected.connect(dialog.close)
    return buttons


class AboutDialog(QDialog):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("About rtdet")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 16)
        row = QHBoxLayout()
        row.setSpacing(18)
        sign = QLabel()
        sign.setPixmap(window_icon().pixmap(64, 64))
        row.addWidget(sign)
        words = QVBoxLayout()
        title = QLabel(f"rtdet {_version()}")
        title.setObjectName("emptyTitle")
        words.addWidget(title)
        about = QLabel(ABOUT)
        about.setWordWrap(True)
        words.addWidget(about)
        row.addLayout(words, 1)
        column.addLayout(row)
        grid = QGridLayout()
        grid.setHorizontalSpacing(20)
        grid.setColumnStretch(1, 1)
        _section(grid, 0, "Licences", LICENCES)
        column.addLayout(grid)
        column.addWidget(_close_button(self))
        width = bounded_by_screen(QSize(800, 600), parent).width()
        self.resize(width, column.totalHeightForWidth(width))


def _version() -> str:
    try:
        return version("rtdet")
    except PackageNotFoundError:
        return ""
