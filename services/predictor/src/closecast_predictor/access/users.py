"""Users of the settings: passwords are checked slowly, one after the other, and guessing is slowed down."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from closecast_predictor.access.book import Book
from closecast_predictor.access.credentials import Credential
from closecast_predictor.access.limits import GuessLimit

_MOST_WAITING: Final = 16
_hasher: Final = PasswordHasher()


class TooManyTriesError(Exception):
    """A password was tried too often.

    Args:
        retry_after_s: When a next try may be made.
    """

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"too many tries; wait {retry_after_s} s")
        self.retry_after_s = retry_after_s


class BusyError(Exception):
    """Too many passwords wait to be checked."""


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password, with the parameters of RFC 9106 for little memory (64 MiB)."""
    return _hasher.hash(password)


class Users:
    """Checks passwords.

    One at a time: each takes 64 MiB and tens of milliseconds of a core, which forecasts need too.

    Args:
        book: The users.
        guesses: Bounds the tries.
    """

    def __init__(self, book: Book, guesses: GuessLimit | None = None) -> None:
        self._book = book
        self._guesses = guesses or GuessLimit()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="argon2")
        self._waiting = 0

    def find(self, name: str) -> Credential | None:
        """Return a user."""
        return next((user for user in self._book.read() if user.name == name), None)

    async def log_in(self, name: str, password: str, address: str) -> Credential | None:
        """Return the user if the password is right, else None.

        Both answers take the same time, and so does the one about a user that does not exist.

        Raises:
            TooManyTriesError: If this address has tried too often.
            BusyError: If too many others wait.
        """
        wait_s = self._guesses.wait_s(address, name)
        if wait_s:
            raise TooManyTriesError(wait_s)
        users = self._book.read()
        user = self.find(name)
        if not users:
            return None
        # For an unknown user the hash of another one is computed, and what comes of it counts for nothing.
        right = await self._check((user or users[0]).hash, password)
        if user is None or not right:
            return None
        self._guesses.forget(address, name)
        return user

    async def _check(self, digest: str, password: str) -> bool:
        if self._waiting >= _MOST_WAITING:
            raise BusyError("too many passwords are being checked")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, _verify, digest, password)
        finally:
            self._waiting -= 1


def _verify(digest: str, password: str) -> bool:
    try:
        return _hasher.verify(digest, password)
    except (VerificationError, ValueError):  # no hash, or a text that is no Unicode
        return False
