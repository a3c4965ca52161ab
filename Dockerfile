# syntax=docker/dockerfile:1

FROM node:26-bookworm-slim AS base
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
# Native parts (lmdb) come as binaries inside their packages: no script of a package has to run. The workspace is for tests.

FROM base AS dependencies
RUN --mount=type=cache,target=/root/.npm npm ci --ignore-scripts --workspaces=false --omit=dev

FROM base AS compiled
RUN --mount=type=cache,target=/root/.npm npm ci --ignore-scripts --workspaces=false
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/build.ts scripts/
COPY src src
RUN node scripts/build.ts

FROM node:26-bookworm-slim
ENV NODE_ENV=production CPG_DATA_DIR=/var/lib/charge-point-gateway
# The user `node` (1000) of the base image. A new volume on this folder gets its owner.
RUN mkdir -p "$CPG_DATA_DIR" && chown node:node "$CPG_DATA_DIR"
WORKDIR /opt/charge-point-gateway
COPY --from=dependencies /build/node_modules node_modules
COPY package.json LICENSE ./
COPY schemas schemas
COPY --from=compiled /build/dist dist
USER node
VOLUME /var/lib/charge-point-gateway
# 8080 charge points; 8081 API, health and metrics, on the loopback address unless `api.host` and `api.tokens` say otherwise.
EXPOSE 8080 8081
# Whether it lives, not whether it is ready: a gateway that waits for Kafka must not be restarted for that.
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8081/health/live').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# Not through npm: SIGTERM has to reach the gateway, which then takes leave of its charge points.
ENTRYPOINT ["node", "dist/cli/main.js"]
CMD ["serve"]
