"""A token bucket that several workers draw on without a lock: each keeps its own copy, and takes off what others took.

How exact it is: one worker alone, exactly. Several: in no stretch of time do they take more than

    burst + rate · (seconds + the longest time between two looks of a worker) + (workers - 1)

since a copy that was full may miss how much the others' refills overflowed since it last looked, and since workers that
take at the same instant do not see each other; and once as much more as some may go below 0. What was taken too much is
missing afterwards: the mean rate is exact.
"""


class TokenBucket:
    """One worker's copy. `elsewhere` is what all other workers have taken ever, `now` seconds that only grow."""

    def __init__(self, rate: float, burst: float, level: float, now: float, elsewhere: float) -> None:
        self.rate = rate  # tokens per second
        self.burst = burst
        self.level = min(level, burst)
        self._now = now
        self._elsewhere = elsewhere

    def look(self, now: float, elsewhere: float) -> None:
        """Refill for the time that passed, and take off what others took meanwhile."""
        refilled = self.level + (now - self._now) * self.rate - (elsewhere - self._elsewhere)
        self.level = min(self.burst, refilled)
        self._now, self._elsewhere = now, elsewhere

    def take(self, now: float, elsewhere: float, floor: float = 0.0) -> float:
        """Take a token: 0, or the seconds until there will be one. So much stays in it, or below 0 may be lacking."""
        self.look(now, elsewhere)
        if self.level >= 1.0 + floor:
            self.level -= 1.0
            return 0.0
        return (1.0 + floor - self.level) / self.rate
