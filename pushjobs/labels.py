"""What the elements of a page say of a job, for translation by the project's catalogues."""

from __future__ import annotations

from django.utils.translation import gettext, gettext_noop

#: The texts in English, by the names that the elements have for them (``elements/labels.ts``).
LABELS = {
    "unknown": gettext_noop("Asking how it is"),
    "scheduled": gettext_noop("Waiting for its time"),
    "queued": gettext_noop("Waiting for its turn"),
    "running": gettext_noop("In progress"),
    "retrying": gettext_noop("Something went wrong; it is tried again"),
    "resuming": gettext_noop("The server starts anew; this goes on by itself"),
    "cancelling": gettext_noop("Being cancelled"),
    "succeeded": gettext_noop("Done"),
    "failed": gettext_noop("Failed"),
    "cancelled": gettext_noop("Cancelled"),
    "lost": gettext_noop("The connection is lost; trying again"),
    "offline": gettext_noop("There is no network; it goes on when there is"),
    "refused": gettext_noop("This cannot be followed: {why}"),
    "job": gettext_noop("Job"),
    "output": gettext_noop("Output"),
    "incomplete": gettext_noop("Some of the output is not shown"),
    "preview": gettext_noop("Result"),
    "result": gettext_noop("Open the result"),
    "cancel": gettext_noop("Cancel"),
    "retry": gettext_noop("Try again"),
    "unsuccessful": gettext_noop("That did not work: {why}"),
    "jobs": gettext_noop("Jobs"),
    "empty": gettext_noop("No jobs yet"),
    "more": gettext_noop("Show more"),
}

#: Why something is refused, in place of the server's own words, by the codes of problems.
PROBLEMS = {
    "problem:unauthorized": gettext_noop("You are not logged in"),
    "problem:forbidden": gettext_noop("You may not do this"),
    "problem:not-found": gettext_noop("There is no such job"),
    "problem:gone": gettext_noop("The job is no longer kept"),
    "problem:limit-exceeded": gettext_noop("There are too many at a time"),
    "problem:too-many-requests": gettext_noop("That was too often; wait a little"),
    "problem:server-busy": gettext_noop("The server is busy"),
    "problem:no-answer": gettext_noop("The server does not answer"),
}


def translated() -> dict[str, str]:
    """The texts that differ from the English in the language that is active."""
    texts = LABELS | PROBLEMS
    said = {name: gettext(text) for name, text in texts.items()}
    return {name: text for name, text in said.items() if text != texts[name]}
