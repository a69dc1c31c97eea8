"""`closecast-predictor keys new` and `hash-password`: make a secret and the line that the settings hold of it."""

import argparse
import getpass
import sys
from collections.abc import Sequence
from typing import Final

from closecast_predictor.access.credentials import Credential, hash_key, new_key, parse_name, parse_scopes
from closecast_predictor.access.permissions import Permission, implied_by
from closecast_predictor.access.users import hash_password

NAMES: Final = ("keys", "hash-password")
_LEAST_PASSWORD: Final = 12
_SCOPES: Final = f"What it allows, comma separated: {', '.join(Permission)}; admin includes the others."


def run(arguments: Sequence[str]) -> None:
    """Run one of these commands.

    Raises:
        SystemExit: If the arguments are wrong; one line tells how.
    """
    parser = _parser()
    wanted = parser.parse_args(arguments)
    try:
        name, scopes = parse_name(wanted.name), parse_scopes(wanted.scopes)
        secret = new_key() if wanted.command == "keys" else _password()
    except ValueError as error:
        parser.error(str(error))
    if wanted.command == "keys":
        digest, variable = hash_key(secret.encode()), "CLOSECAST_AUTH_KEYS"
        # Alone on standard output, so that a script can put it where secrets are kept.
        sys.stdout.write(f"{secret}\n")
        sys.stderr.write("This is the key; it is shown only now.\n")
    else:
        digest, variable = hash_password(secret), "CLOSECAST_AUTH_USERS"
    line = Credential(name, implied_by(scopes), digest)
    told = sys.stderr if wanted.command == "keys" else sys.stdout
    sys.stderr.write(f"The line for {variable}, or for the file of {variable}_FILE:\n")
    told.write(f"{line}\n")


def _password() -> str:
    """Ask for a password twice, or read it from a pipe."""
    if not sys.stdin.isatty():
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = getpass.getpass("Password: ")
        if getpass.getpass("Again: ") != password:
            raise ValueError("the two passwords are not the same")
    if len(password) < _LEAST_PASSWORD:
        raise ValueError(f"a password has {_LEAST_PASSWORD} characters or more")
    return password


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="closecast-predictor", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    keys = commands.add_parser("keys", help="API keys").add_subparsers(dest="action", required=True)
    new = keys.add_parser("new", help="make an API key")
    new.add_argument("--name", default="key", help="What it is called in logs.")
    user = commands.add_parser("hash-password", help="hash a user's password, asked for or from a pipe")
    user.add_argument("name", help="Of the user.")
    for parser_of_one in (new, user):
        parser_of_one.add_argument("--scopes", default=str(Permission.PREDICT), help=_SCOPES)
    return parser
