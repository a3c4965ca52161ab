#!/usr/bin/env bash
# Creates topics that are not there yet: create-topics.sh BROKER TOPIC...
set -euo pipefail
broker=$1
shift
for topic in "$@"; do
  /opt/kafka/bin/kafka-topics.sh --bootstrap-server "$broker" --create --if-not-exists --topic "$topic" \
    --partitions "${PARTITIONS:-12}" --replication-factor 3 --config min.insync.replicas=2
done
