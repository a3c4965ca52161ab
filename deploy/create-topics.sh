#!/usr/bin/env bash
# Creates topics that are not there yet: create-topics.sh BROKER TOPIC[,SETTING=VALUE...]...
set -euo pipefail
broker=$1
shift
for topic in "$@"; do
  IFS=, read -ra parts <<<"$topic"
  settings=()
  for setting in "${parts[@]:1}"; do settings+=(--config "$setting"); done
  "${KAFKA_TOPICS:-/opt/kafka/bin/kafka-topics.sh}" --bootstrap-server "$broker" --create --if-not-exists \
    --topic "${parts[0]}" --partitions "${PARTITIONS:-12}" --replication-factor 3 --config min.insync.replicas=2 \
    "${settings[@]}"
done
