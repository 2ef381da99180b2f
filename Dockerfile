# syntax=docker/dockerfile:1

# Two images are made: `app` for web processes, workers and migrations, and `nginx` for the front.

FROM python:3.11-slim-bookworm AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
COPY requirements/stack.txt /tmp/stack.txt
# Wheels only, so that no compiler is needed, here or in what is shipped.
RUN /opt/venv/bin/pip install --require-hashes --only-binary :all: --requirement /tmp/stack.txt


FROM node:22-bookworm-slim AS client
WORKDIR /src/frontend
COPY frontend/package.json frontend/package-lock.json frontend/.npmrc ./
RUN npm ci
COPY frontend ./
RUN npm run build


FROM python:3.11-slim-bookworm AS app
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=project.settings \
    VAR=/var/lib/pushjobs
RUN groupadd --gid 10001 app \
    && useradd --uid 10001 --gid app --no-create-home --shell /usr/sbin/nologin app \
    && install --directory --owner app --group app /var/lib/pushjobs /var/lib/pushjobs/media
COPY --from=packages /opt/venv /opt/venv
WORKDIR /app
COPY manage.py ./
COPY pushjobs ./pushjobs
COPY --from=client /src/pushjobs/static/pushjobs ./pushjobs/static/pushjobs
COPY project ./project
USER 10001:10001
RUN SECRET_KEY=only-for-this-step python manage.py collectstatic --no-input --verbosity 0
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health/ready', timeout=4)"]
CMD ["python", "-m", "uvicorn", "project.asgi:application", "--host", "0.0.0.0", "--port", "8000", \
     "--loop", "uvloop", "--http", "pushjobs.httpprotocol:HttpProtocol", \
     "--ws", "pushjobs.socketprotocol:SocketProtocol", "--ws-max-size", "1048576"]


FROM nginxinc/nginx-unprivileged:1.28-alpine AS nginx
COPY deploy/nginx.conf.template /etc/nginx/templates/nginx.conf.template
COPY --from=app /var/lib/pushjobs/static /usr/share/nginx/static
