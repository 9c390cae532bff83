"""The viewer (PyQt6). Thin widgets over rtdet.viewer; import it only where a window is wanted."""

from rtdet.ui.app import make_window, run_viewer
from rtdet.ui.main_window import MainWindow

__all__ = ["MainWindow", "make_window", "run_viewer"]
