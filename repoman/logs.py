"""Logging: what happens becomes events with named values, and each one line of JSON.

Everything goes through the standard library's loggers and handlers, so that an ini file decides
where it ends, and lines of other libraries look alike. ``request_id`` is in every line that is
written while a request is handled, for it is bound to the context (`repoman.access`).
"""

import logging
import logging.config
from datetime import UTC, datetime
from typing import Any, cast

import structlog
from structlog.stdlib import BoundLogger, ProcessorFormatter
from structlog.typing import EventDict, WrappedLogger


class Event(dict[str, Any]):
    """An event on its way to a handler; a formatter that knows only text shows it too."""

    def __str__(self) -> str:
        values = (f" {name}={value!r}" for name, value in self.items() if name not in _OF_THE_LINE)
        return f"{self['event']}{''.join(values)}"


_OF_THE_LINE = frozenset({"event", "exc_info"})


def get_logger(name: str) -> BoundLogger:
    """Return the logger of a module: ``log.warning("what happened", name=value)``.

    Nothing of structlog's global configuration is used or changed: other applications may be in
    the same process.
    """
    return cast(
        BoundLogger,
        structlog.wrap_logger(
            logging.getLogger(name),
            processors=[
                structlog.stdlib.filter_by_level,
                structlog.contextvars.merge_contextvars,
                _hand_over,
            ],
            wrapper_class=BoundLogger,
            cache_logger_on_first_use=True,
        ),
    )


def _hand_over(logger: WrappedLogger, method: str, event: EventDict) -> Any:
    """Make the arguments of the standard library's logger, such that `JsonFormatter` knows them.

    The traceback goes both ways: formatters that know only text take it from the record.
    """
    passed, options = ProcessorFormatter.wrap_for_formatter(logger, method, Event(event))
    return passed, options | {"exc_info": event.get("exc_info")}


class JsonFormatter(ProcessorFormatter):
    r"""Writes each record as one line of JSON, in ASCII: nothing in it can begin another line.

    An ini file names it as ``class = repoman.logs.JsonFormatter``. What such a section may say of
    formats is passed over.
    """

    def __init__(self, *of_a_text: Any, **formats: Any) -> None:
        super().__init__(
            processors=[
                _begin_line,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(),
            ],
            foreign_pre_chain=[structlog.contextvars.merge_contextvars],
        )


def _begin_line(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Begin with what every line has: ``time level logger event``."""
    record: logging.LogRecord = event.pop("_record")
    del event["_from_structlog"]
    moment = datetime.fromtimestamp(record.created, UTC).replace(tzinfo=None)
    return {
        "time": moment.isoformat(timespec="milliseconds") + "Z",
        "level": record.levelname.lower(),
        "logger": record.name,
        "event": event.pop("event"),
        **event,
    }


def set_up(loader: Any, given: dict[str, str]) -> None:
    """Log as the ini file says, or where it has no ``[loggers]``, as JSON to stderr.

    ``loader`` is plaster's; ``given`` are values for the file's ``%(name)s``.
    """
    if "loggers" in loader.get_sections():
        loader.setup_logging(given)
        return
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"json": {"()": JsonFormatter}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
            "loggers": {"repoman": {"level": "INFO"}},
            "root": {"level": "WARNING", "handlers": ["stderr"]},
        }
    )
