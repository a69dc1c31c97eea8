"""Identifies each request, in its answer and in every log line that is written for it."""

import re
from typing import Final
from uuid import uuid4

from starlette.types import Message, Scope

HEADER: Final = b"x-request-id"
_ACCEPTED: Final = re.compile(rb"[\w.:/+=-]{1,128}", re.ASCII)


def identify(scope: Scope) -> bytes:
    """Return the id that the caller gave, or a new one, which those inside find in the headers as well."""
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    for name, value in headers:
        if name == HEADER:
            if _ACCEPTED.fullmatch(value):
                return value
            # What would be logged and sent back must hold no surprises.
            headers = [header for header in headers if header[0] != HEADER]
            break
    made = uuid4().hex.encode()
    scope["headers"] = [*headers, (HEADER, made)]
    return made


def name_in(answer: Message, request_id: bytes) -> None:
    """Put the id into the start of an answer, unless it is there: Ray Serve names it too."""
    headers = answer.setdefault("headers", [])
    if all(name.lower() != HEADER for name, _ in headers):
        answer["headers"] = [*headers, (HEADER, request_id)]
