"""What Prometheus sees of the ingestor."""

from datetime import date
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from closecast.calendars import calendar_of

DEFAULT_PORT = 9201

QUOTES = Counter("closecast_ingestor_quotes_published", "Quotes committed to Kafka.", ["exchange", "kind"])
"""`kind` is new or correction."""

SKIPPED = Counter(
    "closecast_ingestor_rows_skipped",
    "Rows left out without fault: unchanged, unsettled, incomplete, no-trade, known-bad.",
    ["reason"],
)
DEAD_LETTERS = Counter("closecast_ingestor_dead_letters", "Bad rows sent to the dead letters.", ["source"])
TRANSACTIONS = Histogram("closecast_ingestor_transaction_seconds", "Time to send and commit one batch.")
REQUESTS = Counter("closecast_ingestor_source_requests", "HTTP requests, by status.", ["source", "status"])
RETRIES = Counter("closecast_ingestor_source_retries", "Requests for a symbol made again.", ["source", "cause"])
ERRORS = Counter("closecast_ingestor_source_errors", "Symbols that the source could not give.", ["source"])
ROUNDS = Counter("closecast_ingestor_rounds", "Rounds over the universe, by outcome.", ["outcome"])
ROUND_SECONDS = Histogram(
    "closecast_ingestor_round_seconds", "Time of one round.", buckets=(0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600)
)
BACKFILLS = Counter("closecast_ingestor_backfills", "Backfill requests that were answered.", ["outcome"])
"""`outcome` is served, unknown, failed, or invalid for a record that is no request."""

LAST_SESSION = Gauge(
    "closecast_ingestor_last_session_timestamp_seconds", "Close of the latest session published or found.", ["exchange"]
)
SETTLED_SESSION = Gauge(
    "closecast_ingestor_settled_session_timestamp_seconds",
    "Close of the latest session that has settled, published or not.",
    ["exchange"],
)
NEXT_ROUND = Gauge("closecast_ingestor_next_round_timestamp_seconds", "When the next scheduled round begins.")
SESSIONS_TO_REPLAY = Gauge("closecast_ingestor_sessions_to_replay", "Sessions of the replay.")
SESSIONS_REPLAYED = Gauge("closecast_ingestor_sessions_replayed", "Sessions of the replay that are done.")

# Prometheus sees no increase of a series that was not there before.
for _outcome in ("complete", "behind", "failed", "kafka-error"):
    ROUNDS.labels(_outcome)

_last_sessions: Final[dict[str, date]] = {}


def note_last_session(exchange: str, session: date) -> None:
    """Take in that Kafka holds quotes of a session; a correction of an earlier one changes nothing."""
    if session > _last_sessions.get(exchange, date.min):
        _last_sessions[exchange] = session
        LAST_SESSION.labels(exchange).set(calendar_of(exchange).closes_at(session).timestamp())
