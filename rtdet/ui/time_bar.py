"""Where a frame's time goes: its stages side by side, as wide as they take long."""

from __future__ import annotations

from collections.abc import Mapping

from PyQt6.QtCore import QEvent, QRectF
from PyQt6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent
from PyQt6.QtWidgets import QToolTip, QWidget

from rtdet.ui import theme

HEIGHT = 10
# Of each stage its colour and what it is, in the order in which a frame goes through them.
STAGES: dict[str, tuple[str, str]] = {
    "capture": ("#7c8cff", "reading and decoding"),
    "queue": ("#566070", "waiting"),
    "preprocess": ("#35c2d6", "making the network's input"),
    "infer": ("#4c9dff", "the network"),
    "suppress": ("#3fcf8e", "boxes out of what it gives"),
    "track": ("#b6d94c", "the tracker"),
    "output": ("#f4b740", "writing, for each output"),
    "paint": ("#ff8f5d", "painting"),
}
_NARROWEST = 1.0


class TimeBar(QWidget):
    """The stages of the last frames; the pointer on it shows what each takes in half of them, and in 19 of 20."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("timeBar")
        self.setAccessibleName("Time of each stage")
        self.setFixedHeight(HEIGHT)
        self._stages_ms: Mapping[str, Mapping[str, float]] = {}

    def show_times(self, stages_ms: Mapping[str, Mapping[str, float]]) -> None:
        """`stages_ms`: {stage: {"p50", "p95"}}, as LiveStats has them; of a detector that does not measure its parts
        the whole of it counts as the network."""
        known = dict(stages_ms)
        if "infer" not in known and "detect" in known:
            known["infer"] = known["detect"]
        times = {stage: known[stage] for stage in STAGES if stage in known}
        if times != self._stages_ms:
            self._stages_ms = times
            self.setAccessibleDescription(
                ", ".join(f"{stage} {one['p50']:.1f} ms" for stage, one in times.items())
            )
            self.update()

    @property
    def shares(self) -> dict[str, float]:
        """What part of the time each stage takes; of all together 1."""
        whole = sum(times["p50"] for times in self._stages_ms.values())
        return {stage: times["p50"] / whole for stage, times in self._stages_ms.items()} if whole > 0 else {}

    def stage_at(self, x: float) -> str:
        """The stage that is drawn there; "" for none."""
        end = 0.0
        for stage, share in self.shares.items():
            end += share * self.width()
            if x < end:
                return stage
        return ""

    def text(self, pointed_at: str = "") -> str:
        """A table of all stages, that under the pointer in bold."""
        rows = [_row("ms a frame", "p50", "p95", "")]
        for stage, times in self._stages_ms.items():
            color, about = STAGES[stage]
            name = f"<b>{stage}</b>" if stage == pointed_at else stage
            square = f"<span style='color:{color}'>\N{BLACK SQUARE}</span> "
            rows.append(_row(square + name, f"{times['p50']:.1f}", f"{times['p95']:.1f}", about))
        return f"<table>{''.join(rows)}</table>"

    def event(self, event: QEvent | None) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), self.text(self.stage_at(event.pos().x())), self)
            return True
        return super().event(event)

    def paintEvent(self, _event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        try:
            painter.fillRect(self.rect(), QColor(theme.RAISED))
            left = 0.0
            for stage, share in self.shares.items():
                width = share * self.width()
                if width >= _NARROWEST:
                    painter.fillRect(QRectF(left, 0, width - 0.5, self.height()), QColor(STAGES[stage][0]))
                left += width
        finally:  # an exception must not leave a painter open: Qt would abort
            painter.end()


def _row(name: str, half: str, most: str, about: str) -> str:
    numbers = "".join(f"<td align='right'>&nbsp;&nbsp;{number}</td>" for number in (half, most))
    return f"<tr><td>{name}</td>{numbers}<td style='color:{theme.MUTED}'>&nbsp;&nbsp;{about}</td></tr>"
