"""One line per entry of a log, as text for people or as JSON for a collector; what a client sent cannot forge one."""

import json
import logging
import re
from collections.abc import Sequence
from datetime import UTC, datetime

TEXT = "%(asctime)s %(levelname)s {process} %(message)s"
# also the separators of lines that only Unicode knows, and what turns the direction of writing
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
FIELDS = "fields"


def configure(process: str, form: str, handlers: Sequence[logging.Handler] = ()) -> None:
    """Write this process' log lines to the handlers (default: stderr) in that form: text or json."""
    found = handlers or (logging.StreamHandler(),)
    for handler in found:
        handler.setFormatter(Json(process) if form == "json" else Text(process))
    logging.basicConfig(level=logging.INFO, handlers=found, force=True)


class Text(logging.Formatter):
    """Time, level, process, message, fields as name=value. A trace of ours follows on lines of its own."""

    def __init__(self, process: str) -> None:
        super().__init__(TEXT.format(process=process.replace("%", "%%")))

    def formatMessage(self, record: logging.LogRecord) -> str:
        fields: dict[str, object] = getattr(record, FIELDS, {})
        return escaped(" ".join((super().formatMessage(record), *(f"{key}={value}" for key, value in fields.items()))))


class Json(logging.Formatter):
    """One JSON object per entry, ASCII only: time, level, process, logger, message, fields, trace."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, object] = getattr(record, FIELDS, {})
        entry: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "process": self._process,
            "logger": record.name,
            "message": record.getMessage(),
            **fields,
        }
        if record.exc_info:
            entry["trace"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)


def escaped(text: str) -> str:
    """The text on one line, without anything that a terminal obeys."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
