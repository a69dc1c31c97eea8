"""What can go wrong with Kafka, in words for its operator."""


class BrokerUnavailableError(ConnectionError):
    """No broker answered in time, or let this process in."""


class MissingTopicError(LookupError):
    """A topic is not there, or hidden, and the brokers do not let this user make it."""


class StoppedError(RuntimeError):
    """The process was asked to stop before the work was done."""


class FencedError(RuntimeError):
    """A newer instance has taken over this one's transactions; this one must stop."""


class TooManyInvalidRecordsError(RuntimeError):
    """So many records are bad that the fault lies with their writer: the reader stops before it discards everything."""
