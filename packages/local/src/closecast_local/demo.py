"""The demo: starts the parts, follows them to the first forecasts, shows these, and stays until it is told to stop."""

import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from types import FrameType
from typing import Final

from rich.console import Console

from closecast.kafka import ensure_topics
from closecast_local.commands import HOST
from closecast_local.observations import Follower
from closecast_local.outlook import Outlook
from closecast_local.processes import Child, Supervisor
from closecast_local.progress import Board, progress_board
from closecast_local.readiness import NotReadyError, kafka_answers, wait_until
from closecast_local.settings import DemoSettings
from closecast_local.stack import Stack, universe_of
from closecast_local.stages import Gate, QuotesStage, ServerStage, ServingStage, Stage, TrainingStage
from closecast_local.state import StateFolder
from closecast_local.table import print_outlooks

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_BROKER_TIMEOUT_S: Final = 60.0
_RAY_ATTEMPTS: Final = 3
_LOOK_S: Final = 0.3
EXIT_INTERRUPTED: Final = 130


def run_demo(settings: DemoSettings, console: Console) -> int:
    """Run the demo and return its exit status.

    Raises:
        CannotStartError: If something that it needs is missing or taken.
        StateInUseError: If another demo runs in the same folder.
        ChildDiedError: If one of its parts dies.
        NotReadyError: If a part makes no progress for too long.
        TrainingFailedError: If the training ends in an error.
    """
    state = StateFolder(settings.state_dir, universe_of(settings))
    up = False
    try:
        with _signals_interrupt(), state.locked(), state.scratch() as scratch:
            stack = Stack(settings, state, scratch)
            stack.require_startable()
            with Supervisor() as supervisor, _undisturbed_end(console):
                outlooks = _bring_up(stack, supervisor, console)
                print_outlooks(console, outlooks)
                _print_addresses(stack, outlooks, console)
                up = True
                if not settings.once:
                    supervisor.start(stack.backfiller())
                    console.print("\nCtrl-C stops everything.")
                    supervisor.watch()
    except KeyboardInterrupt:
        return 0 if up else EXIT_INTERRUPTED
    return 0


def _bring_up(stack: Stack, supervisor: Supervisor, console: Console) -> tuple[Outlook, ...]:
    """Start every part and wait until forecasts are served."""
    settings = stack.settings
    console.print(f"state in {settings.state_dir}, logs in {settings.state_dir / 'logs'}", soft_wrap=True)
    with progress_board(console) as board:
        bar = board.add("broker")
        _start_broker(stack, supervisor)
        bar.finish(stack.kafka.bootstrap_servers)
        with closing(Follower(stack.kafka)) as follower:
            follow = partial(_follow, supervisor=supervisor, follower=follower, timeout_s=settings.stall_timeout_s)
            health = ServerStage(
                "predictor", f"{stack.predictor_url}/health", board.add("predictor"), stack.predictor_url
            )
            # Ray gives up its own start after 30 s: it must not share that time with others, and may need another try.
            supervisor.start_patiently(stack.predictor(), partial(follow, [health]), _RAY_ATTEMPTS)
            supervisor.start(stack.mlflow())
            supervisor.start(stack.trainer())
            ingestor = supervisor.start(stack.ingestor())
            stages, serving = _stages(stack, ingestor, follower, board)
            follow(stages)
    return serving.outlooks


def _start_broker(stack: Stack, supervisor: Supervisor) -> None:
    port = stack.settings.broker_port
    broker = supervisor.start(stack.broker())
    wait_until(lambda: kafka_answers(HOST, port), "the broker", _BROKER_TIMEOUT_S, check=broker.require_alive)
    ensure_topics(stack.kafka, stack.kafka.topics)


def _stages(stack: Stack, ingestor: Child, follower: Follower, board: Board) -> tuple[list[Stage], ServingStage]:
    """Return what has to be done until forecasts are served, and the last of it, which holds them."""
    settings = stack.settings
    mlflow = ServerStage("mlflow", f"{stack.mlflow_url}/health", board.add("MLflow"), stack.mlflow_url)
    quotes = QuotesStage(ingestor, _metrics_url(settings.ingestor_metrics_port), board.add("quotes"))
    trainer_metrics = _metrics_url(settings.trainer_metrics_port)
    training = Gate(TrainingStage(ingestor, trainer_metrics, follower, settings.epochs, board.add("training")))
    serving = ServingStage(stack.predictor_url, follower, training, board.add("forecasts"))
    return [mlflow, quotes, training, serving], serving


def _follow(stages: Iterable[Stage], *, supervisor: Supervisor, follower: Follower, timeout_s: float) -> None:
    """Look at the stages until all are done, or nothing has moved for too long, or a child has died."""
    pending = list(stages)
    moved_at, seen = time.monotonic(), None
    while pending:
        supervisor.require_alive()
        follower.poll()
        pending = [stage for stage in pending if not stage.look()]
        now = [(stage.name, stage.state()) for stage in pending]
        if now != seen:
            moved_at, seen = time.monotonic(), now
        elif time.monotonic() - moved_at > timeout_s:
            stuck = next(child for child in supervisor if child.name == pending[0].name)
            raise NotReadyError(f"{stuck.name} has made no progress for {timeout_s:g} s (log: {stuck.command.log})")
        time.sleep(_LOOK_S)


def _print_addresses(stack: Stack, outlooks: tuple[Outlook, ...], console: Console) -> None:
    settings = stack.settings
    example = outlooks[0].symbol
    lines = (
        ("pages", stack.predictor_url),
        ("forecasts", f"{stack.predictor_url}/forecast/{example}"),
        ("HTTP API", f"{stack.predictor_url}/docs"),
        ("models", stack.mlflow_url),
        *(("metrics", _metrics_url(port)) for port in _metrics_ports(settings)),
        ("Kafka", stack.kafka.bootstrap_servers),
    )
    console.print()
    for name, address in lines:
        console.print(f"{name:<10} {address}", soft_wrap=True)


def _metrics_ports(settings: DemoSettings) -> tuple[int, ...]:
    return settings.ingestor_metrics_port, settings.trainer_metrics_port, settings.predictor_metrics_port


def _metrics_url(port: int) -> str:
    return f"http://{HOST}:{port}/metrics"


@contextmanager
def _signals_interrupt() -> Iterator[None]:
    """Let every signal that asks for an end raise KeyboardInterrupt, as Ctrl-C does."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _undisturbed_end(console: Console) -> Iterator[None]:
    """Ignore further signals once the block ends, so that stopping is not cut short."""
    try:
        yield
    finally:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        console.print("stopping everything")
