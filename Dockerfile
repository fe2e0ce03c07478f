# Builds metaserve and puts it, with its libraries and nothing else, into a small image.
#   docker build -t metaserve . && docker run -p 8501:8501 -v /path/to/models:/models:ro metaserve
FROM swift:6.3-bookworm AS build
RUN apt-get update -q \
    && apt-get install -y -q --no-install-recommends \
        libgnutls28-dev libjpeg62-turbo-dev libmicrohttpd-dev libpng-dev libre2-dev \
        libsimdjson-dev libsnappy-dev libzstd-dev pkg-config zlib1g-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY Package.swift ./
COPY Sources Sources
COPY Tests Tests
COPY Benchmarks Benchmarks
COPY scripts/build-release.sh scripts/
RUN scripts/build-release.sh \
    && strip -o /metaserve .build/release/metaserve

FROM debian:bookworm-slim
RUN apt-get update -q \
    && apt-get install -y -q --no-install-recommends \
        libgnutls30 libjpeg62-turbo libmicrohttpd12 libopenblas0-pthread libpng16-16 libre2-9 libsimdjson14 \
        libsnappy1v5 libzstd1 zlib1g \
    && rm -rf /var/lib/apt/lists/* /usr/share/doc /usr/share/man \
    && useradd --system --uid 10001 --no-create-home metaserve
COPY --from=build /metaserve /usr/bin/metaserve
USER 10001
EXPOSE 8501
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/bin/metaserve"]
CMD ["serve", "/models", "--host", "0.0.0.0", "--port", "8501"]
