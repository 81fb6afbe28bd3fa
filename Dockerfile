# One image, three commands: `db upgrade`, `serve` and `worker`, as docker-compose.yml runs them. All in one container:
#   docker run -e PROOFBOARD_HOST=0.0.0.0 -e PROOFBOARD_TRUSTED_NETWORK=true -p 127.0.0.1:8000:8000 proofboard up
ARG PYTHON=3.12-slim-bookworm

# --- what is installed, built where compilers and caches may be left behind
FROM python:${PYTHON} AS build
WORKDIR /srv/proofboard
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY pyproject.toml constraints.txt ./
COPY scripts/install.py scripts/
COPY proofs proofs
COPY app app
COPY worker worker
RUN python scripts/install.py

# --- what runs
FROM python:${PYTHON}
WORKDIR /srv/proofboard
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin proofboard \
    && install --directory --owner=proofboard --mode=0700 /data
COPY --from=build /srv/proofboard /srv/proofboard
COPY templates templates
COPY static static
COPY migrations migrations
COPY demo demo
ENV PATH=/srv/proofboard/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    OMP_NUM_THREADS=1 \
    NUMBA_CACHE_DIR=/data/numba \
    PROOFBOARD_DATA_DIR=/data
USER 10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/livez', timeout=2)"]
ENTRYPOINT ["proofboard"]
CMD ["up"]
