"""The scenarios, one noun per file."""

from __future__ import annotations

from tests.chaos.scenario import Scenario
from tests.chaos.scenarios.broker import BrokerDown, EmptyBroker, RepeatingBroker
from tests.chaos.scenarios.crowd import Stampede
from tests.chaos.scenarios.disk import FullDisk
from tests.chaos.scenarios.layer import RepeatingLayer, SilentLayer
from tests.chaos.scenarios.links import CutLinks, SlowLinks
from tests.chaos.scenarios.postgres import RestartedPostgres
from tests.chaos.scenarios.redis import DeafRedis, EmptyRedis, HalfOpenRedis
from tests.chaos.scenarios.relay import KilledRelay
from tests.chaos.scenarios.rollout import RollingRestart
from tests.chaos.scenarios.slowness import SlowReader
from tests.chaos.scenarios.web import KilledWeb
from tests.chaos.scenarios.workers import KilledWorker, PausedWorker, WrongClock

#: Faults of the processes.
OF_PROCESSES: tuple[type[Scenario], ...] = (
    KilledWorker,
    PausedWorker,
    WrongClock,
    KilledWeb,
    KilledRelay,
    RollingRestart,
    Stampede,
    SlowReader,
)
#: Faults of the stores, and of the way to them.
OF_STORES: tuple[type[Scenario], ...] = (
    EmptyRedis,
    DeafRedis,
    HalfOpenRedis,
    BrokerDown,
    EmptyBroker,
    RepeatingBroker,
    SilentLayer,
    RepeatingLayer,
    RestartedPostgres,
    FullDisk,
    CutLinks,
    SlowLinks,
)
SCENARIOS = OF_PROCESSES + OF_STORES
