/** The oldest Node that the gateway runs on (`engines` in package.json). */
export const oldestNode = 24

/** One plain sentence when Node is too old to run the rest. This file and `main.ts` must load on any Node. */
export function nodeProblem(version: string): string | undefined {
  const [major = ''] = version.split('.')
  if (Number(major) >= oldestNode) return undefined
  return `charge-point-gateway needs Node ${oldestNode} or newer, and this is Node ${version}: install a newer Node from https://nodejs.org and run the same command again.`
}
