# PostgreSQL with segments, of the official image and used like it:
#   docker build -t segments .          --build-arg PG_MAJOR=16 for another server, 14 to 18
#   docker run -d --name crm -e POSTGRES_PASSWORD=secret -p 5432:5432 segments
# The database has the extension, and its worker runs.  The daemon is there too:
#   docker exec crm sh -c 'segments_http --listen 0.0.0.0:8080 --db "host=$(hostname) dbname=postgres"'
ARG PG_MAJOR=15
FROM postgres:${PG_MAJOR}-bookworm AS build
ARG PG_MAJOR
RUN apt-get update && apt-get install -y --no-install-recommends \
    gcc libc6-dev make pkg-config libjansson-dev libmicrohttpd-dev libpq-dev postgresql-server-dev-${PG_MAJOR}
COPY . /segments
WORKDIR /segments
RUN make -j"$(nproc)" with_llvm=no PG_CONFIG=/usr/lib/postgresql/${PG_MAJOR}/bin/pg_config \
    && make install with_llvm=no PG_CONFIG=/usr/lib/postgresql/${PG_MAJOR}/bin/pg_config DESTDIR=/installed \
    && make -C http install DESTDIR=/installed prefix=/usr/local unitdir=/unused \
    && rm -r /installed/unused

FROM postgres:${PG_MAJOR}-bookworm
RUN apt-get update && apt-get install -y --no-install-recommends libjansson4 libmicrohttpd12 libpq5 \
    && rm -rf /var/lib/apt/lists/* \
    && echo 'CREATE EXTENSION segments;' > /docker-entrypoint-initdb.d/10-segments.sql
COPY --from=build /installed /
CMD ["postgres", "-c", "shared_preload_libraries=segments"]
