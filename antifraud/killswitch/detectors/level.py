"""How alarming a signal is that never trips by itself."""

from enum import IntEnum


class Level(IntEnum):
    """NONE: nothing to say. WARNING: for working hours. PAGE: somebody should look now."""

    NONE = 0
    WARNING = 1
    PAGE = 2
