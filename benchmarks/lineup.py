"""The candidates of the fan-out workloads: the product, and its peers."""

from __future__ import annotations

from pathlib import Path

from benchmarks.peers.ceiling import Ceiling
from benchmarks.peers.consumer import Consumer
from benchmarks.peers.contract import Peer
from benchmarks.peers.eventstream import EventStream
from benchmarks.peers.nchan import Nchan
from benchmarks.peers.node import Node
from benchmarks.product.servers import products

#: The layer that the documentation of Channels sets up, and the one beside it.
CORE = "Channels consumers, core Redis layer"
PUBSUB = "Channels consumers, pub/sub Redis layer"


def lineup(before: Path | None = None) -> list[Peer]:
    """All candidates, with those of another checkout of the product."""
    return [
        Ceiling(),
        Nchan(),
        *products(before),
        Node(),
        EventStream(),
        Consumer(CORE, "channels_redis.core.RedisChannelLayer", 8),
        Consumer(PUBSUB, "channels_redis.pubsub.RedisPubSubChannelLayer", 9),
    ]


def yardsticks(before: Path | None = None, first: int = 0) -> list[Peer]:
    """Those that are measured closely; the product has databases of Redis from ``first`` on."""
    found: list[Peer] = [Ceiling(), Nchan(), *products(before, first)]
    return [peer for peer in found if peer.closely]
