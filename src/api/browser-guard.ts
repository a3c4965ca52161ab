import type { IncomingHttpHeaders } from 'node:http'
import { isIPv4 } from 'node:net'

/** True for addresses that only this machine reaches. */
export function isLoopback(host: string): boolean {
  const plain = host.replace(/^\[(.*)\]$/, '$1').toLowerCase()
  if (isIPv4(plain)) return plain.startsWith('127.')
  return plain === 'localhost' || plain.endsWith('.localhost') || plain === '::1' || plain === '::ffff:127.0.0.1'
}

function hostNameOf(authority: string): string {
  return authority.replace(/:\d+$/, '')
}

/**
 * Without tokens the loopback address is the only guard, and a browser on this machine passes it on to any web site:
 * by a name that resolves to 127.0.0.1 (DNS rebinding), or by a request across sites.
 */
export function refuseBrowser(
  method: string,
  headers: IncomingHttpHeaders
): { readonly code: 'host_refused' | 'cross_site_refused'; readonly detail: string } | undefined {
  const { host, origin } = headers
  if (host !== undefined && !isLoopback(hostNameOf(host)))
    return { code: 'host_refused', detail: `the request is for \`${host}\`` }
  if (origin !== undefined && origin !== `http://${host}`)
    return { code: 'cross_site_refused', detail: `the request comes from ${origin}` }
  const site = headers['sec-fetch-site']
  const followsLink = method === 'GET' && headers['sec-fetch-mode'] === 'navigate'
  if ((site === 'cross-site' || site === 'same-site') && !followsLink)
    return { code: 'cross_site_refused', detail: `the browser says \`Sec-Fetch-Site: ${site}\`` }
  return undefined
}
