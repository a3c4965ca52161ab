/** The part of every command's `--help` that reads the configuration. */
export const configUsage = `
Configuration, from lowest to highest: defaults, gateway.yaml, gateway.<profile>.yaml, CPG_... variables, flags.
  --config FILE        another file than gateway.yaml (CPG_CONFIG)
  --profile NAME       gateway.NAME.yaml beside it (CPG_PROFILE)
  --KEY VALUE          any key: --log.level debug, --server.port=9000
\`charge-point-gateway config doc\` lists every key.`
