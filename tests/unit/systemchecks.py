"""What the system checks say of this app."""

from __future__ import annotations

from django.core import checks


def found(*, deploy: bool = False) -> dict[str, str]:
    """The problems, by id."""
    return {str(message.id): message.msg for message in messages(deploy=deploy)}


def hints(*, deploy: bool = False) -> dict[str, str]:
    """What to do about them, by id."""
    return {str(message.id): str(message.hint) for message in messages(deploy=deploy)}


def messages(*, deploy: bool = False) -> list[checks.CheckMessage]:
    """They themselves, each of which has a hint."""
    said = checks.run_checks(include_deployment_checks=deploy)
    own = [message for message in said if (message.id or "").startswith("pushjobs.")]
    assert all(message.hint for message in own)
    return own
