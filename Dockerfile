# One image for every process: `serve` (the default), `work`, `healthcheck`, and the operators'
# commands. Build stage and image share the Python, so the environment moves as it is.
FROM python:3.11-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /source
RUN python -m venv /opt/bldng-scim
COPY requirements.txt .
RUN /opt/bldng-scim/bin/pip install --require-hashes -r requirements.txt
COPY pyproject.toml README.md ./
COPY gateway gateway
COPY workers workers
COPY clients clients
COPY mappers mappers
RUN /opt/bldng-scim/bin/pip install --no-deps --no-build-isolation .

FROM python:3.11-slim
# Numeric, so that Kubernetes can see that it is not root.
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin bldng-scim
COPY --from=build /opt/bldng-scim /opt/bldng-scim
ENV PATH=/opt/bldng-scim/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 10001:10001
STOPSIGNAL SIGTERM
EXPOSE 8080
ENTRYPOINT ["/opt/bldng-scim/bin/bldng-scim"]
CMD ["serve"]
