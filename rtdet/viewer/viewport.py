"""Where the picture lies in the widget: letterboxed, zoomed at a point, dragged. Free of Qt."""

from __future__ import annotations

from dataclasses import dataclass

MOST = 32.0


@dataclass
class Viewport:
    """Maps source pixels to widget pixels (`x * scale + left`). zoom 1 fits the whole picture in.

    `width, height`: the widget's logical size; `image_width, image_height`: the picture's, in source pixels.
    """

    width: float = 1.0
    height: float = 1.0
    image_width: int = 0
    image_height: int = 0
    zoom: float = 1.0
    center_x: float = 0.5
    center_y: float = 0.5

    @property
    def is_fitted(self) -> bool:
        return self.zoom == 1.0

    @property
    def fit_scale(self) -> float:
        if not self.image_width or not self.image_height:
            return 1.0
        return min(self.width / self.image_width, self.height / self.image_height)

    @property
    def scale(self) -> float:
        return self.fit_scale * self.zoom

    @property
    def left(self) -> float:
        return self.width / 2 - self.center_x * self.image_width * self.scale

    @property
    def top(self) -> float:
        return self.height / 2 - self.center_y * self.image_height * self.scale

    def resize(self, width: float, height: float) -> None:
        self.width, self.height = max(width, 1.0), max(height, 1.0)
        self._settle()

    def show(self, image_width: int, image_height: int) -> None:
        """Takes note of a picture's size; a new size is shown fitted to the widget."""
        if (image_width, image_height) != (self.image_width, self.image_height):
            self.image_width, self.image_height = image_width, image_height
            self.fit()

    def fit(self) -> None:
        self.zoom, self.center_x, self.center_y = 1.0, 0.5, 0.5

    def to_widget(self, x: float, y: float) -> tuple[float, float]:
        return x * self.scale + self.left, y * self.scale + self.top

    def to_image(self, x: float, y: float) -> tuple[float, float]:
        return (x - self.left) / self.scale, (y - self.top) / self.scale

    def zoom_by(self, factor: float, at_x: float, at_y: float) -> None:
        """Zooms so that the source pixel under (at_x, at_y) stays there, as far as the picture's edges allow."""
        self.zoom_to(self.scale * factor, at_x, at_y)

    def zoom_to(self, scale: float, at_x: float, at_y: float) -> None:
        """Makes one source pixel `scale` widget pixels wide."""
        if not self.image_width:
            return
        x, y = self.to_image(at_x, at_y)
        lowest = min(1.0, 1.0 / self.fit_scale)  # small pictures may be shown at their own size
        self.zoom = min(max(scale / self.fit_scale, lowest), max(MOST / self.fit_scale, 1.0))
        if abs(self.zoom - 1.0) < 0.01:
            self.zoom = 1.0
        self.center_x = (self.width / 2 + x * self.scale - at_x) / (self.image_width * self.scale)
        self.center_y = (self.height / 2 + y * self.scale - at_y) / (self.image_height * self.scale)
        self._settle()

    def look_at(self, center_x: float, center_y: float) -> None:
        """Puts a place of the picture, in parts of its width and height, in the middle, as far as its edges allow."""
        self.center_x, self.center_y = center_x, center_y
        self._settle()

    def set_scale(self, scale: float) -> None:
        """As `zoom_to`, about the middle of the view."""
        self.zoom_to(scale, self.width / 2, self.height / 2)

    def pan(self, dx: float, dy: float) -> None:
        if not self.image_width:
            return
        self.center_x -= dx / (self.image_width * self.scale)
        self.center_y -= dy / (self.image_height * self.scale)
        self._settle()

    def _settle(self) -> None:
        """No empty space beside the picture where the picture could be; centred where it is smaller."""
        for name, room, size in (
            ("center_x", self.width, self.image_width),
            ("center_y", self.height, self.image_height),
        ):
            half = room / (2 * size * self.scale) if size else 1.0
            center = 0.5 if half >= 0.5 else min(max(getattr(self, name), half), 1 - half)
            setattr(self, name, center)
