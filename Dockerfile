# The wheel is made with locked tools, what it needs is installed by hash, and only the results are kept: the dependencies
# in one layer and herder in another, so that a new herder with the old dependencies is a small pull.
#
#     docker build --tag herder .
#
# pip asks the index that it asks everywhere. To have it ask another, or trust another authority, add
#     --secret id=pip.conf,src=FILE --secret id=ca.pem,src=FILE        (pip.conf then says cert = /run/secrets/ca.pem)
#
# Pin the base before you publish: --build-arg BASE=python:3.13-slim-trixie@sha256:..., the digest that
# `docker buildx imagetools inspect python:3.13-slim-trixie` says. Any image that has Python 3.13 with pip and venv will do.
ARG BASE=docker.io/library/python:3.13-slim-trixie

FROM ${BASE} AS dependencies
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore \
    PYTHONDONTWRITEBYTECODE=1 PYTHONPYCACHEPREFIX=/opt/herder/bytecode
WORKDIR /build
COPY requirements.lock ./
# The bytecode, that of the standard library too, which a base may lack, is in a folder of its own; it is never compared
# with a file's time, which a copy may change: pip's own would be. Without it each start compiles for three seconds.
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf --mount=type=secret,id=ca.pem \
    python -m venv --without-pip /opt/herder \
    && python -m pip --python /opt/herder/bin/python install --require-hashes --only-binary :all: --no-compile \
        --report dependencies.json -r requirements.lock \
    && /opt/herder/bin/python -m compileall -q --invalidation-mode unchecked-hash \
        -x '/(test|tests|idlelib|ensurepip|site-packages/pip)/' \
        "$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')" /opt/herder/lib

FROM dependencies AS herder
COPY . ./
# The build backend and what it needs, out of the lock, which holds much else; pip fails if one is left out.
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf --mount=type=secret,id=ca.pem \
    awk '/^(hatchling|packaging|pathspec|pluggy|tomlkit|trove-classifiers)==/,!/\\$/' requirements-dev.lock > build.lock \
    && python -m venv --without-pip /tools \
    && python -m pip --python /tools/bin/python install --require-hashes --only-binary :all: -r build.lock \
    && python -m pip --python /tools/bin/python wheel --no-deps --no-build-isolation --wheel-dir dist . \
    && python -m pip --python /opt/herder/bin/python install --no-deps --no-index --no-compile --report herder.json \
        "$(ls dist/*.whl)[otel]" \
    && /tools/bin/python image/sbom.py herder.json dependencies.json > /opt/herder/sbom.cdx.json \
    && /opt/herder/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/herder/lib/python3*/site-packages/herder \
    && mkdir /own && cd / \
    && cp -a --parents opt/herder/sbom.cdx.json opt/herder/bin/herder opt/herder/lib/python3*/site-packages/herder* \
        opt/herder/bytecode/opt/herder/lib/python3*/site-packages/herder /own

FROM ${BASE}
ARG BASE
ARG REVISION=
LABEL org.opencontainers.image.title="herder" \
    org.opencontainers.image.description="A Kubernetes operator that registers, updates, drains and removes what an inference gateway serves" \
    org.opencontainers.image.version="0.1.0" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.base.name="${BASE}"
# The user is in no passwd, whoever it is: kubernetes_asyncio then asks for HOME, kopf for USER, and without them herder
# does not start. No proxy that a build or a node sets may come between herder and the API server, a gateway or a worker.
ENV PATH=/opt/herder/bin:$PATH \
    HOME=/ \
    USER=herder \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPYCACHEPREFIX=/opt/herder/bytecode \
    PYTHONUNBUFFERED=1 \
    HTTP_PROXY= HTTPS_PROXY= ALL_PROXY= NO_PROXY= http_proxy= https_proxy= all_proxy= no_proxy=
WORKDIR /
USER 65532:65532
EXPOSE 8080 8081
STOPSIGNAL SIGTERM
ENTRYPOINT ["herder"]
CMD ["run", "--health-host=0.0.0.0"]
COPY --from=dependencies /opt/herder /opt/herder
COPY --from=herder /own /
