"""Flags and environment."""

from datetime import date

import pytest
from pydantic_settings import SettingsError

from closecast_ingestor.settings import IngestorSettings


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for key in ("CLOSECAST_KAFKA_BOOTSTRAP_SERVERS", "CLOSECAST_KAFKA_TOPIC_PREFIX"):
        monkeypatch.delenv(key, raising=False)


def load(*arguments: str) -> IngestorSettings:
    return IngestorSettings.load(arguments)


def test_symbols_come_comma_separated_with_or_without_the_suffix() -> None:
    assert load("once", "--symbols", "petr4,AAPL, VALE3.SA").symbols == ("PETR4.SA", "AAPL", "VALE3.SA")


def test_the_environment_sets_what_flags_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOSECAST_INGESTOR_SYMBOLS", "AAPL,MSFT")
    monkeypatch.setenv("CLOSECAST_INGESTOR_YAHOO_THREADS", "2")
    monkeypatch.setenv("CLOSECAST_INGESTOR_SETTLE_DELAY_MIN", "15")
    settings = load("run")
    assert (settings.symbols, settings.yahoo.threads, settings.settle_delay_min) == (("AAPL", "MSFT"), 2, 15)


def test_who_only_serves_requests_needs_no_universe() -> None:
    settings = load("serve", "--kafka.topic-prefix", "team.")
    assert (settings.symbols, settings.backfill_group) == ((), "team.ingestor-backfills")


def test_an_unknown_key_in_the_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOSECAST_INGESTOR_SYMBOL", "AAPL")
    with pytest.raises(SettingsError, match=r"CLOSECAST_INGESTOR_SYMBOL .*did you mean CLOSECAST_INGESTOR_SYMBOLS"):
        load("replay", "--source", "sample")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["backfill", "--source", "sample"], "backfill needs --start"),
        (["once"], "needs --symbols"),
        (["once", "--source", "csv"], "needs --csv-folder"),
        (["once", "--symbols", "../../etc"], "is not a symbol"),
        (["once", "--symbols", "A" * 200], "is not a symbol"),
        (["replay", "--source", "sample", "--speed", "-1"], "speed"),
        (["replay", "--source", "sample", "--speed", "nan"], "speed"),
        (["backfill", "--source", "sample", "--start", "2024-02-30"], "start"),
        (["backfill", "--source", "sample", "--start", "2024-02-02", "--end", "2024-02-01"], "lies after end"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(arguments: list[str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        load(*arguments)


def test_the_greatest_speed_has_a_name() -> None:
    assert load("replay", "--source", "sample", "--speed", "max").speed == 0
    assert load("replay", "--source", "sample", "--speed", "2.5").speed == 2.5


def test_the_identity_follows_the_topic_prefix() -> None:
    assert load("once", "--symbols", "AAPL", "--kafka.topic-prefix", "team.").identity == "team.ingestor"
    assert load("once", "--symbols", "AAPL", "--transactional-id", "b3").identity == "b3"


def test_help_shows_every_command_and_how_to_begin(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        load("--help")
    assert exit_.value.code == 0
    shown = capsys.readouterr().out
    for word in ("once", "backfill", "run", "replay", "download", "closecast-ingestor replay --source sample"):
        assert word in shown


def test_dates_are_days() -> None:
    settings = load("backfill", "--source", "sample", "--start", "2010-01-04", "--end", "2010-12-31")
    assert (settings.start, settings.end) == (date(2010, 1, 4), date(2010, 12, 31))
