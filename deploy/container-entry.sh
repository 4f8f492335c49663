#!/bin/sh
# Gives a new volume the Dagster instance that ships with the project, then runs the command.
set -eu
mkdir -p "$DAGSTER_HOME"
if [ ! -e "$DAGSTER_HOME/dagster.yaml" ]; then
    cp /opt/performance-pipeline/dagster.yaml "$DAGSTER_HOME/dagster.yaml"
fi
exec "$@"
