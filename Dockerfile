# syntax=docker/dockerfile:1
# Three stages: the wheel is made with the locked tools, what it needs is installed by hash, and only the result is kept.
# Pin the base before you publish: python:3.13-slim@sha256:..., the digest that
# `docker buildx imagetools inspect python:3.13-slim` says.
ARG PYTHON=python:3.13-slim

FROM ${PYTHON} AS wheel
WORKDIR /src
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
COPY requirements-dev.lock ./
# The build backend and what it needs, out of the lock, which holds much else; pip fails if one is left out.
RUN awk '/^(hatchling|packaging|pathspec|pluggy|tomlkit|trove-classifiers)==/,!/\\$/' requirements-dev.lock > build.lock \
    && python -m pip install --require-hashes --only-binary :all: -r build.lock
COPY pyproject.toml README.md LICENSE ./
COPY operator ./operator
RUN python -m pip wheel --no-deps --no-build-isolation --wheel-dir /dist .

FROM ${PYTHON} AS install
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv --without-pip /opt/herder
COPY requirements.lock ./
RUN python -m pip --python /opt/herder/bin/python install --require-hashes --only-binary :all: -r requirements.lock
COPY --from=wheel /dist/ /dist/
RUN python -m pip --python /opt/herder/bin/python install --no-deps --no-index /dist/*.whl

FROM ${PYTHON}
COPY --from=install /opt/herder /opt/herder
# The user is in no passwd, whoever it is: kubernetes_asyncio then asks for HOME, kopf for USER, and without them herder
# does not start. No proxy that a build or a node sets may come between herder and the API server, a gateway or a worker.
ENV PATH=/opt/herder/bin:$PATH \
    HOME=/ \
    USER=herder \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HTTP_PROXY= HTTPS_PROXY= ALL_PROXY= NO_PROXY= http_proxy= https_proxy= all_proxy= no_proxy=
WORKDIR /
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["herder"]
CMD ["run", "--health-host=0.0.0.0"]
