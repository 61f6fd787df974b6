# Page and API of the shipped corpus: docker build --tag stemqa . && docker run --rm --publish 127.0.0.1:7860:7860 stemqa
# The steps are the Makefile's targets, the same that are tested outside of any container.
FROM python:3.11-slim AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends make \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /srv/stemqa
# The CPU build of torch: the default index gives one with gigabytes of CUDA.
ENV PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu \
    PIP_NO_CACHE_DIR=1
COPY Makefile pyproject.toml constraints.txt README.md LICENSE ./
COPY stemqa stemqa
COPY corpus corpus
COPY embeddings embeddings
COPY rag rag
COPY ui ui
RUN make install
RUN make library

FROM python:3.11-slim
# A number and not a name, so that a cluster can see that it is not root.
RUN useradd --uid 10001 --create-home stemqa
# Model, packages and library belong to root: the server only reads them.
COPY --from=build /srv/stemqa /srv/stemqa
WORKDIR /home/stemqa
USER 10001
ENV PATH=/srv/stemqa/.venv/bin:$PATH \
    HF_HUB_OFFLINE=1 \
    STEMQA_LIBRARY=/srv/stemqa/library \
    STEMQA_HOST=0.0.0.0
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "from os import environ; from urllib.request import urlopen; urlopen('http://127.0.0.1:' + environ.get('STEMQA_PORT', '7860') + '/readyz', timeout=4)"]
CMD ["stemqa", "serve"]
