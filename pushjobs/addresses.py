"""Addresses: what of one belongs to one client alone."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address


def network(address: str) -> str:
    """What one client has to itself: an IPv4 address, or 64 bits of IPv6 (RFC 6177, section 2)."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    return str(parsed.ipv4_mapped or int(parsed) >> 64)
