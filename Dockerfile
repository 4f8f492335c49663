# The image of both containers of compose.yaml: Dagster's UI, and its daemon. See docs/docker.md.

FROM python:3.11-slim AS build
WORKDIR /build
COPY requirements.lock .
# Each file is held to its hash in the lock. Nothing below comes from anywhere but this folder.
RUN pip wheel --no-cache-dir --no-deps --require-hashes --requirement requirements.lock \
    --wheel-dir /wheels
COPY pyproject.toml README.md LICENSE workspace.yaml ./
COPY config config
COPY performance_pipeline performance_pipeline
RUN pip wheel --no-deps --no-index --find-links /wheels --wheel-dir /wheels . \
    && python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --no-index --find-links /wheels performance-pipeline

FROM python:3.11-slim
# Whoever may read the logs; the volume belongs to it.
ARG PIPELINE_UID=10001
RUN useradd --uid "$PIPELINE_UID" --create-home pipeline \
    && install --directory --owner pipeline --group pipeline /output
COPY --from=build /opt/venv /opt/venv
COPY deploy/container-entry.sh performance_pipeline/dagster.yaml /opt/performance-pipeline/
WORKDIR /app
COPY workspace.yaml .
COPY config config
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PERFORMANCE_LOG_DIR=/logs \
    PERFORMANCE_OUTPUT_DIR=/output \
    PERFORMANCE_ALERT_LOG=/output/performance-alerts.jsonl \
    DAGSTER_HOME=/output/dagster
USER pipeline
EXPOSE 3000
ENTRYPOINT ["sh", "/opt/performance-pipeline/container-entry.sh"]
# All addresses of the container: which of the machine's lead there, compose.yaml says.
CMD ["dagster-webserver", "--host", "0.0.0.0", "--port", "3000"]
