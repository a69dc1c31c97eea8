"""How often one caller may ask, counted in this replica."""

import ipaddress
import math
import time
from functools import lru_cache
from typing import Final

from limits import RateLimitItem, parse, parse_many
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter
from starlette.types import Scope

_FORWARDED: Final = b"x-forwarded-for"
_NETWORK_BITS: Final = 64
_UNKNOWN: Final = "unknown"


def check_rate(text: str) -> str:
    """Return a rate such as `600/minute` or `20 per second`.

    Raises:
        ValueError: If it is none.
    """
    rates = parse_many(text)
    if len(rates) != 1 or rates[0].amount < 1:
        raise ValueError("give one rate, such as 600/minute")
    return text


class RateLimit:
    """So many requests in each window of time.

    Args:
        rate: Such as `600/minute`.
    """

    def __init__(self, rate: str) -> None:
        self._rate: RateLimitItem = parse(rate)
        self._limiter = FixedWindowRateLimiter(MemoryStorage())

    def __str__(self) -> str:
        """Return the rate in words."""
        return str(self._rate)

    def wait_s(self, caller: str) -> int:
        """Count a request; return 0 if it may be answered, else the seconds after which a next one may be."""
        if self._limiter.hit(self._rate, caller):
            return 0
        return _until(self._limiter.get_window_stats(self._rate, caller).reset_time)


class GuessLimit:
    """Slows down who guesses passwords: tries of one user from one address, and tries from one address at all."""

    def __init__(self, for_user: str = "5/minute", for_address: str = "60/minute") -> None:
        self._for_user, self._for_address = parse(for_user), parse(for_address)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def wait_s(self, address: str, user: str) -> int:
        """Count a try before its password is looked at; return 0 if it may be, else the seconds to wait."""
        # The address comes first: it bounds how many names one address makes us remember.
        for rate, *who in ((self._for_address, address), (self._for_user, address, user)):
            if not self._limiter.hit(rate, *who):
                return _until(self._limiter.get_window_stats(rate, *who).reset_time)
        return 0

    def forget(self, address: str, user: str) -> None:
        """Begin anew: the password was right."""
        self._limiter.clear(self._for_user, address, user)


def client_address(scope: Scope, proxies: int) -> str:
    """Return where a request comes from; addresses of one IPv6 network count as one.

    Args:
        scope: Of the request.
        proxies: How many proxies before Ray Serve add to X-Forwarded-For. What stands further left in it was written
            by the client itself and says nothing.
    """
    client = scope.get("client")
    address = client[0] if client else _UNKNOWN
    if proxies:
        passed = b",".join(value for name, value in scope["headers"] if name == _FORWARDED).split(b",")
        if len(passed) >= proxies and passed[-proxies].strip():
            address = passed[-proxies].strip().decode("latin-1")
    return _network(address)


@lru_cache(4096)
def _network(address: str) -> str:
    if address.startswith("["):
        address = address[1:].partition("]")[0]
    elif address.count(":") == 1:
        address = address.partition(":")[0]
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return _UNKNOWN
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, _NETWORK_BITS), strict=False))
    return str(parsed)


def _until(reset_time: float) -> int:
    return max(1, math.ceil(reset_time - time.time()))
