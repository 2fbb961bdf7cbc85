# One image for every part of newsdrop; docker-compose.yml runs them. docs/docker.md tells how.
# It needs no BuildKit: no `RUN --mount`, so that older engines build it too.
ARG PYTHON_IMAGE=python:3.11-slim

FROM ${PYTHON_IMAGE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
RUN python3 -m venv /opt/newsdrop
COPY requirements.txt config/docker/flower.txt /build/
RUN /opt/newsdrop/bin/pip install --quiet --no-deps --require-hashes -r /build/requirements.txt \
 && /opt/newsdrop/bin/pip install --quiet --no-deps --require-hashes -r /build/flower.txt
COPY pyproject.toml README.md LICENSE /build/
COPY newsdrop /build/newsdrop
COPY worker /build/worker
COPY config /build/config
COPY examples /build/examples
# Compiled once here: the root file system is read-only where it runs. What built the package goes.
RUN /opt/newsdrop/bin/pip install --quiet --no-deps --no-build-isolation --no-compile /build \
 && /opt/newsdrop/bin/pip check \
 && /opt/newsdrop/bin/pip uninstall --quiet --yes \
      hatchling editables pathspec pluggy trove-classifiers setuptools pip \
 && rm -f /opt/newsdrop/bin/*ctivate* \
 && /opt/newsdrop/bin/python -m compileall -q -j 0 /opt/newsdrop/lib

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="newsdrop" \
      org.opencontainers.image.description="Drop articles in; get one clean, deduplicated record each out of a Redis stream." \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.documentation="docs/docker.md"
RUN python3 -m pip uninstall --quiet --yes --root-user-action=ignore pip setuptools wheel 2>/dev/null; \
    rm -rf /usr/local/lib/python3*/ensurepip /usr/local/lib/python3*/site-packages/pip* \
 && groupadd --gid 1000 newsdrop \
 && useradd --uid 1000 --gid 1000 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin newsdrop
COPY --from=build /opt/newsdrop /opt/newsdrop
COPY config/docker/prepare.py /opt/newsdrop/prepare.py
ENV PATH=/opt/newsdrop/bin:/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin \
    HOME=/tmp \
    LANG=C.UTF-8 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    NEWSDROP_STATE_DIR=/state \
    NEWSDROP_DROP=/drop \
    NEWSDROP_LOG_FORMAT=json
USER 1000:1000
WORKDIR /tmp
STOPSIGNAL SIGTERM
# Each service of the compose file asks for its own part.
HEALTHCHECK --interval=30s --timeout=30s --start-period=60s --retries=3 CMD ["newsdrop", "healthcheck"]
ENTRYPOINT ["newsdrop"]
CMD ["--help"]
