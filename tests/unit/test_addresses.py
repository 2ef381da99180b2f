"""``pushjobs.addresses``: what of an address belongs to one client alone."""

from __future__ import annotations

import pytest

from pushjobs.addresses import network


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("203.0.113.1", "203.0.113.1", True),
        ("203.0.113.1", "203.0.113.2", False),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("203.0.113.1", "::ffff:203.0.113.1", True),
        ("unix-socket", "unix-socket", True),
    ],
)
def test_an_ipv4_address_is_one_client_and_so_are_64_bits_of_ipv6(
    one: str, other: str, *, same: bool
) -> None:
    assert (network(one) == network(other)) is same
