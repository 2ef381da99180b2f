"""The fault suite: real processes under load, real faults, and an oracle that knows everything.

``python -m tests.chaos --seconds 60`` runs scenario after scenario; ``tests/acceptance`` runs each
of them once, in a short form.
"""
