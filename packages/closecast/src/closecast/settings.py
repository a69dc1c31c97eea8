"""Settings of a service: flags, then the environment, then defaults. Unknown keys are refused."""

import difflib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final, Self, TypeVar

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, CliApp, SettingsConfigDict, SettingsError

from closecast.events.base import describe_errors

PREFIX: Final = "CLOSECAST_"
SERVICES: Final = ("INGESTOR", "TRAINER", "PREDICTOR", "LOCAL", "BACKTEST", "TUNE")
"""Each service reads its own ``CLOSECAST_<SERVICE>_`` keys and leaves those of the others alone."""

EXIT_USAGE: Final = 2

S = TypeVar("S", bound="ServiceSettings")


class SettingsGroup(BaseSettings):
    """Settings that several services share, under a prefix of their own.

    A subclass sets ``model_config = SettingsConfigDict(env_prefix="CLOSECAST_<GROUP>_")``; a service holds it as a
    field with the class as its default factory.
    """

    model_config = SettingsConfigDict(extra="forbid")


class ServiceSettings(BaseSettings):
    """Settings of one service, read from flags and from ``CLOSECAST_<SERVICE>_…`` in the environment.

    A subclass sets ``model_config = service_config("TRAINER", "closecast-trainer")``.
    """

    model_config = SettingsConfigDict(extra="forbid")

    shared_prefixes: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def load(cls, arguments: Sequence[str] = ()) -> Self:
        """Read the settings of this process.

        Raises:
            SettingsError: If a key is unknown or a value does not fit; the message names it.
            SystemExit: If the arguments ask for help or are no flags of this service.
        """
        refuse_unknown_keys(cls, os.environ)
        try:
            return CliApp.run(cls, cli_args=list(arguments), cli_exit_on_error=True, cli_cmd_method_name="_no_command")
        except ValidationError as error:
            raise SettingsError(describe_errors(error)) from error

    def _no_command(self) -> None:
        """Reading the settings runs nothing."""


def service_config(service: str, command: str) -> SettingsConfigDict:
    """Return the configuration of a service's settings: environment prefix and flags in kebab case."""
    return SettingsConfigDict(
        env_prefix=f"{PREFIX}{service}_",
        extra="forbid",
        cli_prog_name=command,
        cli_kebab_case=True,
        cli_avoid_json=True,
        cli_implicit_flags=True,
        cli_hide_none_type=True,
    )


def load_or_exit(settings: type[S], arguments: Sequence[str] | None = None) -> S:
    """Read the settings; on a fault print one clear line and end the process with status 2."""
    try:
        return settings.load(sys.argv[1:] if arguments is None else arguments)
    except SettingsError as error:
        sys.stderr.write(f"{settings.model_config.get('cli_prog_name')}: {error}\n")
        raise SystemExit(EXIT_USAGE) from None


def refuse_unknown_keys(settings: type[BaseSettings], environment: Mapping[str, str]) -> None:
    """Check that every ``CLOSECAST_`` key in the environment is one that some service reads.

    Raises:
        SettingsError: If one is not; the message suggests the nearest known key.
    """
    known = set(environment_keys(settings))
    own_prefix = str(settings.model_config.get("env_prefix", ""))
    others = tuple(f"{PREFIX}{name}_" for name in SERVICES if f"{PREFIX}{name}_" != own_prefix)
    groups = tuple(f"{PREFIX}{group}_" for group in _SHARED_GROUPS)
    for key in environment:
        upper = key.upper()
        foreign = upper.startswith(others) or (upper.startswith(groups) and not _reads_group(known, upper))
        if upper.startswith(PREFIX) and upper not in known and not foreign:
            near = difflib.get_close_matches(upper, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise SettingsError(f"unknown setting {key} in the environment{hint}")


_SHARED_GROUPS: Final = ("AUTH", "KAFKA", "LOG", "METRICS", "MLFLOW")


def _reads_group(known: set[str], key: str) -> bool:
    group = "_".join(key.split("_")[:2]) + "_"
    return any(name.startswith(group) for name in known)


def environment_keys(settings: type[BaseSettings]) -> Iterator[str]:
    """Yield every environment key that a settings class reads, those of its groups included."""
    prefix = str(settings.model_config.get("env_prefix", ""))
    for name, field in settings.model_fields.items():
        group = _group_of(field)
        if group is not None:
            yield from environment_keys(group)
        else:
            yield f"{prefix}{name}".upper()


def _group_of(field: FieldInfo) -> type[BaseSettings] | None:
    kind: Any = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseSettings) else None
