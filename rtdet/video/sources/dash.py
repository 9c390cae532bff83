"""What a manifest of MPEG-DASH says (ISO/IEC 23009-1), as a playlist: the best picture track, piece after piece."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from urllib.parse import urljoin
from xml.etree import ElementTree

from rtdet.video.sources.hls_playlist import Playlist, Segment, UnsupportedPlaylist

_NAMESPACE = re.compile(r"^\{[^}]*\}")
_MOST_SEGMENTS = 100_000
_LIVE_WINDOW = 6  # segments of a live manifest that names them by a rule
_DEFAULT_TARGET_S = 2.0
_DURATION = re.compile(
    r"P(?:(\d+(?:\.\d+)?)D)?(?:T(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?)?$"
)
_PLACEHOLDER = re.compile(r"\$(?:(RepresentationID|Number|Time|Bandwidth)(?:%0(\d{1,2})d)?)?\$")


def parse_manifest(text: str, url: str, now_s: float | None = None) -> Playlist:
    """now_s: seconds since 1970, for live manifests that name their segments by the time of day. Raises
    UnsupportedPlaylist."""
    if "<!DOCTYPE" in text.upper():
        raise UnsupportedPlaylist("it is not a readable DASH manifest")
    try:
        root = _Node.of(ElementTree.fromstring(text))
    except ElementTree.ParseError:
        raise UnsupportedPlaylist("it is not a readable DASH manifest") from None
    if root.name != "MPD":
        raise UnsupportedPlaylist("it is not a DASH manifest")
    try:
        return _Manifest(root, url, time.time() if now_s is None else now_s).playlist()
    except (ValueError, OverflowError, ZeroDivisionError) as error:
        if isinstance(error, UnsupportedPlaylist):
            raise
        raise UnsupportedPlaylist("it is not a readable DASH manifest") from None


@dataclass
class _Node:
    """An element without its namespace."""

    name: str
    values: dict[str, str]
    text: str
    children: list[_Node] = field(default_factory=list)

    @staticmethod
    def of(element: ElementTree.Element) -> _Node:
        children = [_Node.of(child) for child in element if isinstance(child.tag, str)]
        return _Node(
            _NAMESPACE.sub("", element.tag), dict(element.attrib), (element.text or "").strip(), children
        )

    def all(self, name: str) -> list[_Node]:
        return [child for child in self.children if child.name == name]

    def first(self, name: str) -> _Node | None:
        return next(iter(self.all(name)), None)


class _Manifest:
    def __init__(self, root: _Node, url: str, now_s: float) -> None:
        self._root, self._url, self._now_s = root, url, now_s
        self._is_live = root.values.get("type") == "dynamic"

    def playlist(self) -> Playlist:
        playlist = Playlist(is_over=not self._is_live)
        begins_s, longest_s = 0.0, 0.0
        periods = self._root.all("Period")
        for i, period in enumerate(periods):
            begins_s = _seconds(period.values.get("start"), begins_s)
            lasts_s = self._length_of(periods, i, begins_s)
            for segment in self._of_period(period, begins_s, lasts_s):
                playlist.segments.append(segment)
                longest_s = max(longest_s, segment.seconds)
                if len(playlist.segments) > _MOST_SEGMENTS:
                    raise UnsupportedPlaylist("it names too many segments")
            begins_s += lasts_s or 0.0
        playlist.target_s = min(max(longest_s or _DEFAULT_TARGET_S, 0.5), 60.0)
        return playlist

    def _length_of(self, periods: list[_Node], i: int, begins_s: float) -> float | None:
        own = periods[i].values.get("duration")
        if own is not None:
            return _seconds(own, 0.0)
        following = periods[i + 1].values.get("start") if i + 1 < len(periods) else None
        whole = following or self._root.values.get("mediaPresentationDuration")
        return max(_seconds(whole, 0.0) - begins_s, 0.0) if whole else None

    def _of_period(self, period: _Node, begins_s: float, lasts_s: float | None) -> Iterator[Segment]:
        found = [
            (int(representation.values.get("bandwidth", "0")), place, track, representation)
            for place, (track, representation) in enumerate(_pictures(period))
        ]
        if not found:
            return
        _, _, track, representation = max(found, key=lambda one: (one[0], -one[1]))
        nodes = [self._root, period, track, representation]
        if any(node.first("ContentProtection") for node in nodes):
            raise UnsupportedPlaylist("its segments are encrypted")
        base = self._url
        for node in nodes:
            if (address := node.first("BaseURL")) is not None:
                base = urljoin(base, address.text)
        shift = round(begins_s * 1000) << 70  # numbers rise from one period to the next
        template = _inherited(nodes, "SegmentTemplate")
        if template is not None:
            yield from _Template(template, representation, base, shift).segments(
                lasts_s, self._elapsed_s(begins_s) if self._is_live else None
            )
        elif (listed := _inherited(nodes, "SegmentList")) is not None:
            yield from _listed(listed, base, shift)
        else:
            yield Segment(shift, base, lasts_s or 0.0)

    def _elapsed_s(self, begins_s: float) -> float:
        since = self._root.values.get("availabilityStartTime", "1970-01-01T00:00:00Z")
        start = datetime.fromisoformat(since.replace("Z", "+00:00"))
        if start.tzinfo is None:
            start = start.replace(tzinfo=timezone.utc)
        return self._now_s - start.timestamp() - begins_s


def _pictures(period: _Node) -> Iterator[tuple[_Node, _Node]]:
    """Each adaptation set of pictures, with each of its representations."""
    for track in period.all("AdaptationSet"):
        for representation in track.all("Representation"):
            kinds = [
                node.values.get(name, "")
                for node in (track, representation)
                for name in ("contentType", "mimeType")
            ]
            if any(kind.startswith("video") for kind in kinds) or not any(kinds):
                yield track, representation


def _inherited(nodes: list[_Node], name: str) -> _Node | None:
    """The element with what it inherits from those of the same name further out."""
    found = [inner for node in nodes if (inner := node.first(name)) is not None]
    if not found:
        return None
    values, children = {}, {}
    for node in found:
        values.update(node.values)
        children.update({child.name: node.all(child.name) for child in node.children})
    return _Node(name, values, "", [child for same in children.values() for child in same])


class _Template:
    """Segments whose addresses are made by a rule."""

    def __init__(self, node: _Node, representation: _Node, base: str, shift: int) -> None:
        self._node, self._base, self._shift = node, base, shift
        self._values = {
            "RepresentationID": representation.values.get("id", ""),
            "Bandwidth": int(representation.values.get("bandwidth", "0")),
        }
        self._scale = int(node.values.get("timescale", "1"))
        if self._scale < 1:
            raise ValueError("no clock")
        self._start = int(node.values.get("startNumber", "1"))
        head = node.values.get("initialization")
        self._init = Segment(-1, self._address(head, 0, 0), 0.0) if head else None

    def segments(self, lasts_s: float | None, elapsed_s: float | None) -> Iterator[Segment]:
        """elapsed_s: since the beginning of a live period."""
        timeline = self._node.first("SegmentTimeline")
        if timeline is not None:
            yield from self._by_timeline(timeline, lasts_s)
            return
        ticks = int(self._node.values["duration"]) if "duration" in self._node.values else 0
        if ticks < 1:
            raise UnsupportedPlaylist("it does not say how long its segments are")
        each_s = ticks / self._scale
        if elapsed_s is not None:
            count = int(min(elapsed_s, elapsed_s if lasts_s is None else lasts_s) / each_s)
            first = max(count - _LIVE_WINDOW, 0)
        else:
            count, first = -int(-(lasts_s or 0.0) // each_s), 0
        for i in range(first, min(count, first + _MOST_SEGMENTS + 1)):
            seconds = each_s if lasts_s is None else min(each_s, lasts_s - i * each_s)
            yield self._segment(self._start + i, self._start + i, i * ticks, seconds)

    def _by_timeline(self, timeline: _Node, lasts_s: float | None) -> Iterator[Segment]:
        at, number = 0, self._start
        runs = timeline.all("S")
        for i, run in enumerate(runs):
            at = int(run.values.get("t", at))
            ticks, repeats = int(run.values["d"]) if "d" in run.values else 0, int(run.values.get("r", "0"))
            if ticks < 1:
                raise UnsupportedPlaylist("it does not say how long its segments are")
            if repeats < 0:  # as often as there is room
                offset = int(self._node.values.get("presentationTimeOffset", "0"))
                end = offset + round((lasts_s or 0.0) * self._scale)
                end = int(runs[i + 1].values.get("t", end)) if i + 1 < len(runs) else end
                repeats = max(-(-(end - at) // ticks) - 1, 0)
            for _ in range(min(repeats, _MOST_SEGMENTS) + 1):
                yield self._segment(at, number, at, ticks / self._scale)
                at, number = at + ticks, number + 1

    def _segment(self, order: int, number: int, at: int, seconds: float) -> Segment:
        if "media" not in self._node.values:
            raise UnsupportedPlaylist("it does not say where its segments are")
        address = self._address(self._node.values["media"], number, at)
        return Segment(self._shift + order, address, seconds, init=self._init)

    def _address(self, rule: str, number: int, at: int) -> str:
        values = {**self._values, "Number": number, "Time": at}

        def filled(found: re.Match[str]) -> str:
            if found[1] is None:
                return "$"
            return str(values[found[1]]).zfill(int(found[2] or 0))

        return urljoin(self._base, _PLACEHOLDER.sub(filled, rule))


def _listed(node: _Node, base: str, shift: int) -> Iterator[Segment]:
    head, scale = node.first("Initialization"), int(node.values.get("timescale", "1"))
    seconds = int(node.values.get("duration", "0")) / scale
    init = None
    if head is not None:
        init = Segment(
            -1, urljoin(base, head.values.get("sourceURL", "")), 0.0, _range(head.values.get("range"))
        )
    start = int(node.values.get("startNumber", "1"))
    for i, one in enumerate(node.all("SegmentURL")):
        address = urljoin(base, one.values.get("media", ""))
        yield Segment(shift + start + i, address, seconds, _range(one.values.get("mediaRange")), init)


def _range(text: str | None) -> tuple[int, int] | None:
    """(first, length) of "first-last"."""
    if not text:
        return None
    first, _, last = text.partition("-")
    return int(first), int(last) - int(first) + 1


def _seconds(text: str | None, otherwise: float) -> float:
    """Of a duration as XML writes it, without years and months."""
    if text is None:
        return otherwise
    found = _DURATION.match(text.strip())
    if found is None:
        raise ValueError("no duration")
    return sum(
        float(part or 0) * factor for part, factor in zip(found.groups(), (86400, 3600, 60, 1), strict=True)
    )
