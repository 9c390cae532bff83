"""States whose changes widgets can watch, and which a later viewer can restore."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, ClassVar


class WatchedState:
    """A dataclass whose fields can be watched by name.

    It belongs to one thread (the GUI's). Whoever changes a field tells every watcher at once, in the order in
    which they began to watch; setting a field to what it already is tells nobody.
    """

    REMEMBERED: ClassVar[tuple[str, ...]] = ()

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.__dict__ and self.__dict__[name] == value:
            return
        object.__setattr__(self, name, value)
        for watcher in tuple(self._watchers.get(name, ())):
            watcher(value)

    @property
    def _watchers(self) -> dict[str, list[Callable[[Any], None]]]:
        watchers: dict[str, list[Callable[[Any], None]]] = self.__dict__.setdefault("_watched", {})
        return watchers

    def watch(self, name: str, watcher: Callable[[Any], None], *, now: bool = False) -> Callable[[], None]:
        """Calls `watcher(value)` after each change of the field (and at once, with `now`). Returns a
        function that ends it. Raises AttributeError for a field that does not exist."""
        value = getattr(self, name)
        watchers = self._watchers.setdefault(name, [])
        watchers.append(watcher)
        if now:
            watcher(value)

        def unwatch() -> None:
            if watcher in watchers:
                watchers.remove(watcher)

        return unwatch

    # Between two runs of the viewer.

    def remembered(self) -> dict[str, Any]:
        """The values that the next viewer starts with: plain strings, numbers, booleans and lists of strings."""
        values = {name: getattr(self, name) for name in self.REMEMBERED}
        return {
            name: list(value) if isinstance(value, tuple) else 0 if value is None else value
            for name, value in values.items()
        }

    def recall(self, values: Mapping[str, Any], *, keep: Collection[str] = ()) -> None:
        """Takes back what `remembered` gave, also when a settings file turned all of it into text. Fields
        in `keep`, unknown names and values that make no sense are left as they are."""
        for name in self.REMEMBERED:
            if name in values and name not in keep:
                value = _restore(getattr(self, name), values[name])
                if value is not None:
                    setattr(self, name, value)


def _restore(like: Any, value: Any) -> Any:
    """`value` as the type of `like`, or None where it cannot be."""
    if isinstance(like, bool):
        return {"true": True, "1": True, "false": False, "0": False}.get(str(value).lower())
    if like is None or isinstance(like, int):  # None: a number that is not chosen, kept as 0
        return int(value) if str(value).isdecimal() and int(value) > 0 else None
    if isinstance(like, float):
        try:
            number = float(value)
        except (TypeError, ValueError):
            return None
        return number if 0 <= number <= 1 else None
    if isinstance(like, tuple):
        items = [value] if isinstance(value, str) else value
        return tuple(str(item) for item in items if item) if isinstance(items, (list, tuple)) else None
    return value if isinstance(value, str) and value else None
