"""System checks: what a project has forgotten or misspelt, and the line to add.

=========  ==========================================================================
E001       a key of ``PUSHJOBS`` that there is not, or a value that it cannot have
E002       no Channels layer
E003       no log of that name, or none that works
E004       keys that cannot sign tokens
E005       ``pushjobs.urls`` is not included
E006       no storage of that name
E007       ``ASGI_APPLICATION`` cannot be imported
W001       a key that can be guessed (``--deploy``)
W002       ``ASGI_APPLICATION`` is not set
W003       ``ASGI_APPLICATION`` has no streams, or has them elsewhere than the API is
W004       broker or Channels layer are in memory because none is set (``--deploy``)
W005       no ``DRAMATIQ_BROKER`` for django-dramatiq
W006       SQLite without ``IMMEDIATE`` transactions (``--deploy``)
W007       no template engine finds the pages
W008       no one serves the pages' script
W009       sessions, and no user of them
=========  ==========================================================================
"""

from pushjobs.checks import pages, processes, routes, values  # noqa: F401  # They register.
