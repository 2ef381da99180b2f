"""nchan 1.3, a module for nginx, in C; its buffers are in memory."""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks.bench import PYTHON, Bench
from benchmarks.generator.crowd import Follow
from benchmarks.peers.contract import SSE, WEBSOCKET, Served, follow
from benchmarks.process import free_port

_MODULES = (
    Path("/usr/lib/nginx/modules/ngx_nchan_module.so"),
    Path("/usr/local/lib/nginx/modules/ngx_nchan_module.so"),
)
_CONFIGURATION = """\
load_module {module};
worker_processes 1;
worker_rlimit_nofile 65536;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{
    worker_connections 32768;
    multi_accept on;
}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 1000000000;
    keepalive_timeout 600s;
    nchan_shared_memory_size 256M;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location ~ ^/publish/(\\w+)$ {{
            nchan_publisher;
            nchan_channel_id $1;
            nchan_message_buffer_length 1000;
            nchan_message_timeout 1h;
        }}
        location ~ ^/sse/(\\w+)$ {{
            nchan_subscriber eventsource;
            nchan_channel_id $1;
            nchan_subscriber_first_message newest;
        }}
        location ~ ^/websocket/(\\w+)$ {{
            nchan_subscriber websocket;
            nchan_channel_id $1;
            nchan_subscriber_first_message newest;
        }}
    }}
}}
"""


class Nchan:
    """One worker process; the log's length and age are those of the product's defaults."""

    name = "nchan in nginx (C)"
    transports = (SSE, WEBSOCKET)
    ours = False
    must_hold = True
    closely = True

    def missing(self) -> str | None:
        if shutil.which("nginx") is None:
            return "nginx is not installed"
        if not any(module.exists() for module in _MODULES):
            return "nginx has no nchan module"
        return None

    def serve(self, bench: Bench, channels: int) -> Served:
        port, folder = free_port(), bench.new_folder("nchan")
        folder.chmod(0o755)
        module = next(module for module in _MODULES if module.exists())
        path = folder / "nginx.conf"
        path.write_text(_CONFIGURATION.format(module=module, folder=folder, port=port))
        process = bench.start("nchan", ["nginx", "-c", str(path)], cwd=folder)
        process.wait_for_port(port)
        return Served(
            process=process,
            port=port,
            publisher=[
                *(PYTHON, "-m", "benchmarks.peers.httppublisher", str(port)),
                *("/publish/{channel}", str(channels), "each"),
            ],
            follow=_follow,
            ready={SSE: "\r\n\r\n", WEBSOCKET: ""},
            channels=channels,
        )


def _follow(transport: str, channel: int) -> Follow:
    return follow(f"/{transport}/{channel}")
