"""The bytes of large bodies that one worker holds, received and not answered: bounded, however many come at once."""


class BodyRoom:
    """Room that bodies share. For one thread."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.held = 0

    def enter(self) -> "Held":
        """A place for one body."""
        return Held(self)


class Held:
    """What one body takes. It is given back when nobody holds on to this any more, however its request ended."""

    __slots__ = ("_bytes", "_room")

    def __init__(self, room: BodyRoom) -> None:
        self._room = room
        self._bytes = 0

    def grow(self, by: int) -> bool:
        """Take so many more bytes; False where there is no room. A body that is alone always has it."""
        room = self._room
        if room.held + by > room.most and room.held > self._bytes:
            return False
        room.held += by
        self._bytes += by
        return True

    def __del__(self) -> None:
        self._room.held -= self._bytes
