"""What a command prints: nothing in it may control a terminal."""

import logging

from deepvanet.schema import make_printable


def say(line: object) -> None:
    """Print what a command has to say, at once."""
    print(make_printable(str(line)), flush=True)


class PlainFormatter(logging.Formatter):
    """Writes messages as ``say`` does: texts of recordings stand in them."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a message with its level."""
        return make_printable(super().format(record))
