"""Beats: the time axis of a run that holds no clock."""

from warp_cortex import Event, StreamToken, Token


class Beats:
    """Counts beats: one per River token, or per round of stream tokens while no River token comes.

    A cooperative run steps the River, then every stream once; a concurrent one interleaves the same
    events. Both get beats that never fall, in constant time per event.
    """

    __slots__ = ("_last", "_stepped")

    def __init__(self) -> None:
        self._last = 0
        self._stepped: set[int] = set()

    def advance(self, event: Event) -> int:
        """Return the beat of the next event."""
        repeated = isinstance(event, StreamToken) and event.stream in self._stepped
        if isinstance(event, Token) or repeated:
            self._stepped.clear()
            self._last += 1
        if isinstance(event, StreamToken):
            self._stepped.add(event.stream)
        return self._last
