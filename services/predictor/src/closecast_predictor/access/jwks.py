"""The keys of the identity provider: kept, and fetched again when they are old or a token names another one."""

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from jwt import PyJWK, PyJWKClient, PyJWKSet, PyJWTError

from closecast.telemetry.logs import get_logger

FRESH_S: Final = 300.0
COOL_DOWN_S: Final = 10.0
STALE_S: Final = 3600.0
_TIMEOUT_S: Final = 5.0

_log = get_logger(__name__)


class KeysUnavailableError(ConnectionError):
    """The keys of the identity provider cannot be had now."""


class Jwks:
    """Signing keys by their id.

    Whoever sends tokens with made-up key ids causes one fetch in `cool_down_s` and keeps no thread but its own busy.
    While the provider is away its last keys are good for up to an hour.

    Args:
        source: Address or file of the JWKS.
        is_url: Which of the two.
        fresh_s: Age above which the keys are fetched again, while the known ones go on answering.
        cool_down_s: Least time between two fetches.
    """

    def __init__(
        self, source: str, *, is_url: bool, fresh_s: float = FRESH_S, cool_down_s: float = COOL_DOWN_S
    ) -> None:
        self._source = source
        self._client = PyJWKClient(source, cache_jwk_set=False, timeout=_TIMEOUT_S) if is_url else None
        self._fresh_s = fresh_s
        self._cool_down_s = cool_down_s
        # A thread of its own: a provider that hangs must not hold those that work on forecasts.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="jwks")
        self._keys: dict[str, PyJWK] = {}
        self._fetched_at = self._tried_at = float("-inf")
        self._failed = False
        self._fetching: asyncio.Task[None] | None = None

    async def key(self, key_id: str) -> PyJWK | None:
        """Return a key, None if the provider has none of this id.

        Raises:
            KeysUnavailableError: If that cannot be known now.
        """
        now = time.monotonic()
        if now - self._fetched_at > STALE_S:
            self._keys = {}
        known = self._keys.get(key_id)
        if known is None:
            await self._fetch_unless_just_tried(now)
            known = self._keys.get(key_id)
        elif now - self._fetched_at > self._fresh_s and now - self._tried_at > self._cool_down_s:
            self._start_fetch(now)
        if known is None and self._failed:
            raise KeysUnavailableError("the keys of the identity provider cannot be fetched")
        return known

    async def _fetch_unless_just_tried(self, now: float) -> None:
        if self._fetching is None and now - self._tried_at > self._cool_down_s:
            self._start_fetch(now)
        if self._fetching is not None:
            # Shielded: a client that gives up must not end the fetch that others wait for.
            await asyncio.shield(self._fetching)

    def _start_fetch(self, now: float) -> None:
        if self._fetching is None:
            self._tried_at = now
            self._fetching = asyncio.create_task(self._fetch())

    async def _fetch(self) -> None:
        try:
            keys = await asyncio.get_running_loop().run_in_executor(self._thread, self._load)
        except (PyJWTError, OSError, ValueError) as error:
            self._failed = True
            _log.warning("keys of the identity provider not fetched", source=self._source, error=str(error))
        else:
            self._failed = False
            self._keys = {key.key_id: key for key in keys if key.key_id}
            self._fetched_at = time.monotonic()
        finally:
            self._fetching = None

    def _load(self) -> list[PyJWK]:
        if self._client is not None:
            return self._client.get_signing_keys()
        keys = PyJWKSet.from_dict(json.loads(Path(self._source).read_text(encoding="utf-8"))).keys
        return [key for key in keys if key.public_key_use in ("sig", None)]
