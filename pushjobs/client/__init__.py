"""The client for Python: submit jobs over HTTP, follow them over the best transport, get results.

It needs the extra ``client``. Nothing of it needs Django.
"""

try:
    import httpx as _httpx  # noqa: F401
    import httpx_sse as _httpx_sse  # noqa: F401
    import websockets as _websockets  # noqa: F401
except ModuleNotFoundError as error:
    raise ImportError(
        f'pushjobs.client needs {error.name}: pip install "pushjobs[client]"', name=error.name
    ) from error

from pushjobs.client.asyncclient import AsyncClient
from pushjobs.client.client import Client
from pushjobs.client.documents import Event, Job, JobList, Progress
from pushjobs.client.errors import ClientError, JobCancelled, JobFailed, Refused, Unreachable
from pushjobs.client.follower import Patience
from pushjobs.client.state import JobState, reduce

__all__ = [
    "AsyncClient",
    "Client",
    "ClientError",
    "Event",
    "Job",
    "JobCancelled",
    "JobFailed",
    "JobList",
    "JobState",
    "Patience",
    "Progress",
    "Refused",
    "Unreachable",
    "reduce",
]
