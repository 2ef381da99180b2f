"""``pushjobs.broker``: whatever keeps a broker from taking a message is one error, and soon."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from functools import partial
from typing import Any
from uuid import uuid4

import dramatiq
import pytest
from django.utils.module_loading import import_string

from project import settings as project
from project.stack.ports import free_port
from pushjobs import broker
from pushjobs.exceptions import BrokerUnavailable
from tests.processes import ROOT
from tests.unit.conftest import Postbox
from tests.waiting import until

send = partial(broker.send, uuid4(), 0, "default")


class HeldBroker(dramatiq.Broker):
    """Takes a message only once it is let go."""

    def __init__(self) -> None:
        super().__init__(middleware=[])
        self.let_go = threading.Event()
        self.asked: list[threading.Thread] = []
        self.taken: list[str] = []

    def declare_queue(self, queue_name: str) -> None:
        pass

    def enqueue(self, message: Any, *, delay: int | None = None) -> Any:
        self.asked.append(threading.current_thread())
        self.let_go.wait(60)
        self.taken.append(origin.get())
        return message


origin = ContextVar("origin", default="nowhere")


def install(broker: dramatiq.Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dramatiq.broker.global_broker", broker)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[HeldBroker]:
    found = HeldBroker()
    install(found, monkeypatch)
    monkeypatch.setattr("pushjobs.broker.PATIENCE", 0.05)
    yield found
    found.let_go.set()
    until(_sends)


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that accepts connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def _sends() -> bool:
    try:
        send()
    except BrokerUnavailable:
        return False
    return True


@pytest.mark.parametrize("url", ["redis://127.0.0.1:{}/0", "amqp://guest:guest@127.0.0.1:{}/%2F"])
@pytest.mark.parametrize("answers", ["refuses", "hangs"])
def test_a_server_that_is_not_there_is_a_broker_that_is_unavailable(
    silent: int, monkeypatch: pytest.MonkeyPatch, url: str, answers: str
) -> None:
    port = silent if answers == "hangs" else free_port()
    configured: Any = project._broker(url.format(port))
    options = configured["OPTIONS"] | {"middleware": []}
    install(import_string(configured["BROKER"])(**options), monkeypatch)
    monkeypatch.setattr("pushjobs.broker.PATIENCE", 0.2)
    broker._sender.cache_clear()
    with pytest.raises(BrokerUnavailable):
        send()
    broker._sender.cache_clear()  # Its thread has yet to give up.


def test_while_a_message_is_overdue_others_fail_without_being_tried(held: HeldBroker) -> None:
    for _ in range(3):
        with pytest.raises(BrokerUnavailable):
            send()
    assert len(held.asked) == 1
    held.let_go.set()
    until(_sends)
    assert len(held.taken) == 2


def test_a_message_that_was_never_tried_is_not_sent_later(held: HeldBroker) -> None:
    senders = [threading.Thread(target=_sends) for _ in range(4)]
    for thread in senders:
        thread.start()
    for thread in senders:
        thread.join()
    held.let_go.set()
    until(_sends)
    assert len(held.taken) == 2


def test_all_threads_send_through_one_and_each_in_its_own_context(held: HeldBroker) -> None:
    held.let_go.set()

    def say(name: str) -> None:
        origin.set(name)
        until(_sends)

    threads = [threading.Thread(target=say, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(held.asked)) == 1
    assert sorted(set(held.taken)) == ["a", "b", "c"]


def test_a_forked_process_sends_through_a_thread_of_its_own() -> None:
    program = """
import os, sys, warnings
import dramatiq
from dramatiq.brokers.stub import StubBroker
from pushjobs import broker

warnings.simplefilter("ignore")
dramatiq.set_broker(StubBroker(middleware=[]))
broker.in_memory = lambda: False
broker.send("job", 0, "default")
if os.fork() == 0:
    broker.send("job", 0, "default")
    os._exit(dramatiq.get_broker().queues["default"].qsize())
sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
"""
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT).returncode == 2


def test_a_message_names_the_job_and_how_often_it_was_tried(postbox: Postbox) -> None:
    job_id = uuid4()
    broker.send(job_id, 2, "default")
    assert postbox.messages == [(str(job_id), 2)]
