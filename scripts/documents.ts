/** Pages of the documentation that are made of the code's own tables. */
import { problemsMarkdown } from '../src/api/problems.ts'
import { refusals } from '../src/gateway/refusals.ts'
import { metricCatalogue } from '../src/ports/metrics.ts'
import { closeReasons } from '../src/session/close-reasons.ts'

/** Text that may stand in a cell of a Markdown table. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;')
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function metricsMarkdown(): string {
  const rows = Object.entries(metricCatalogue).map(([name, { type, help, labels }]) => [
    `\`cpg_${name}\``,
    type,
    labels.map((label) => `\`${label}\``).join(', '),
    cell(help)
  ])
  return `# Metrics

What \`GET /metrics\` tells, in the text format of Prometheus. No metric is labelled with a charge point. Generated from
\`src/ports/metrics.ts\`.

${table(['metric', 'type', 'labels', 'what'], rows)}
`
}

function connectionEndsMarkdown(): string {
  const closes = Object.entries(closeReasons).map(([reason, { wsCode, retry, text }]) => [
    `\`${reason}\``,
    wsCode === undefined ? 'none' : String(wsCode),
    retry ? 'yes' : 'no',
    cell(text)
  ])
  const refused = Object.entries(refusals).map(([code, { status, retry, text }]) => [
    `\`${code}\``,
    String(status),
    retry ? 'yes' : 'no',
    cell(text)
  ])
  return `# How connections end

Generated from \`src/session/close-reasons.ts\` and \`src/gateway/refusals.ts\`.

## Closed

The reason of \`charge_point.disconnected\`, of the connection history and of \`cpg_connections_closed_total\`. The WebSocket code is
what the charge point is told; with none, the socket was gone or was cut. A gateway that died leaves \`node_lost\`.

${table(['reason', 'WebSocket code', 'come back?', 'what happened'], closes)}

## Refused

Before the upgrade, as an HTTP answer whose body is one line; the code is that of \`connection.refused\` and of
\`cpg_connections_refused_total\`.

${table(['code', 'HTTP status', 'come back?', 'why'], refused)}
`
}

/** The pages by their path in the repository. */
export function generatedDocuments(): ReadonlyMap<string, string> {
  return new Map([
    ['docs/generated/metrics.md', metricsMarkdown()],
    ['docs/generated/connection-ends.md', connectionEndsMarkdown()],
    ['docs/generated/problems.md', problemsMarkdown()]
  ])
}
