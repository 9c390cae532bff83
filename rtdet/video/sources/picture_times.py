"""Finds when a decoded picture is shown, where the container says only when its packet is decoded."""

from __future__ import annotations

import heapq
from typing import Any, NamedTuple

# As many pictures as H.264 and HEVC let a decoder hold back; one that stays away for longer was lost.
DEEPEST = 16


class _Slot(NamedTuple):
    """A packet's time, waiting for the picture that is shown then."""

    part: int  # counts the places where the container's clock steps back
    ticks: int


class PictureTimes:
    """Gives each decoded picture the time at which it is shown.

    A container that holds presentation times has them out of order wherever pictures are decoded in another
    order than shown (B-frames), and they are taken as they are. One that has no more than the times of decoding
    (H.264 in AVI, some Matroska, MP4 without `ctts`) has them in order although the decoder reorders: there the
    first picture shown gets the first time, the second the second, and so on.

    by_decoding: the container stores times of decoding (AVI); those of showing are what FFmpeg makes up.
    """

    def __init__(self, *, by_decoding: bool) -> None:
        self._by_decoding = by_decoding
        self._has_own = False
        self._last_dts: int | None = None
        self._newest: int | None = None
        self._newest_pts: int | None = None
        self._delay: int | None = None  # of the first picture, from its decoding to its showing
        self._part = self._order = self._timeless = 0
        self._slots: list[_Slot] = []
        self._orders: dict[int, int] = {}  # of packets by their pts, which the decoder hands on

    @property
    def settles_after(self) -> int:
        """How many pictures after a jump may have a wrong time, because others before them were not decodable."""
        return 0 if self._has_own else DEEPEST

    def restart(self) -> None:
        """Forget the packets on their way, because the reader jumps. What is known of the container is kept."""
        self._last_dts = self._newest = self._newest_pts = None
        self._timeless = 0
        self._slots.clear()
        self._orders.clear()

    def fed(self, packet: Any) -> None:
        """A packet goes into the decoder."""
        if self._has_own:
            return
        dts = packet.dts
        if self._delay is None and dts is not None and packet.pts is not None:
            self._delay = packet.pts - dts
        ticks = self.of_packet(packet)
        is_earlier = self._newest_pts is not None and packet.pts is not None and packet.pts < self._newest_pts
        if ticks is None:
            self._timeless += 1
            return
        if is_earlier or (self._newest is not None and ticks < self._newest):
            if self._last_dts is not None and dts is not None and dts < self._last_dts:
                self._part += 1  # files joined end to end
                self._newest = self._newest_pts = None
            else:
                self._has_own = True
                return
        self._newest = ticks if self._newest is None else max(ticks, self._newest)
        if packet.pts is not None:
            self._newest_pts = packet.pts
        self._last_dts = dts if dts is not None else self._last_dts
        if packet.pts is not None:
            self._orders[packet.pts] = self._order
        heapq.heappush(self._slots, _Slot(self._part, ticks))
        self._order += 1

    def of_packet(self, packet: Any) -> int | None:
        """The time that a packet brings: its picture's, or another's where the container has decoding times."""
        pts: int | None = packet.pts
        dts: int | None = packet.dts
        if self._by_decoding and not self._has_own and dts is not None and self._delay is not None:
            return dts + self._delay
        return pts if pts is not None else dts

    def of_picture(self, picture: Any) -> int | None:
        """The time, in ticks of the stream, at which a decoded picture is shown; None where nobody knows."""
        own: int | None = picture.pts
        if self._has_own or (own is None and self._timeless):
            self._timeless -= self._timeless > 0
            return own
        order = self._orders.pop(own, None) if own is not None else None
        if order is not None:
            self._give_up_before(order - DEEPEST)
        elif own is not None:
            return own  # one packet with several pictures
        return heapq.heappop(self._slots).ticks if self._slots else own

    def _give_up_before(self, order: int) -> None:
        """Packets that never became pictures take no time of those that did."""
        while self._orders:
            pts, oldest = next(iter(self._orders.items()))
            if oldest >= order:
                return
            del self._orders[pts]
            if self._slots:
                heapq.heappop(self._slots)
