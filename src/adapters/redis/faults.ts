import type { SinkState } from '../../ports/event-sink.ts'

/** Why Redis cannot be used, in words for whoever runs it. */
export interface RedisFault {
  /** `misconfigured`: it does not pass by itself. */
  readonly kind: Extract<SinkState['kind'], 'down' | 'misconfigured'>
  /** What is wrong, with what Redis or the network said. */
  readonly what: string
  /** What to do about it. */
  readonly remedy: string
  /** Nothing was heard of Redis itself. */
  readonly isOfNetwork: boolean
}

/** `@` stands for where it was tried. */
type Row = readonly [said: RegExp, kind: RedisFault['kind'], what: string, remedy: string]

const checkPort =
  'see that this is the port of Redis, and that redis.url begins with rediss:// where it speaks TLS, redis:// where it does not'

/** The first that matches. */
const rows: readonly Row[] = [
  [
    /WRONGPASS|invalid username|without any password/i,
    'misconfigured',
    'Redis at @ refuses the user name or the password',
    'set redis.username and redis.password to a user of this Redis (without ACL users: redis.password alone)'
  ],
  [
    /NOAUTH/,
    'misconfigured',
    'Redis at @ asks for a user name and a password',
    'set redis.username and redis.password to a user of this Redis (without ACL users: redis.password alone)'
  ],
  [
    /NOPERM|user executing the script can't/,
    'misconfigured',
    'the user of Redis at @ lacks a right',
    'grant the user of redis.username the rights that docs/adr/0004-redis-keys.md lists (keys and channels begin with redis.key_prefix)'
  ],
  [
    /does not match certificate/i,
    'misconfigured',
    'the certificate of Redis at @ is for another name',
    'write the name into redis.url that the certificate carries'
  ],
  [
    /certificate|self-signed/i,
    'misconfigured',
    'the certificate of Redis at @ is not trusted',
    'set redis.tls_ca_file to the authority that signed the certificate of Redis'
  ],
  [/cluster support disabled/i, 'misconfigured', 'Redis at @ is no cluster', 'set redis.cluster to false'],
  [/^(?:MOVED|CROSSSLOT) /, 'misconfigured', 'Redis at @ is a cluster', 'set redis.cluster to true'],
  [/wrong version number|packet length too long/i, 'misconfigured', 'TLS with Redis at @ fails', checkPort],
  [
    /^READONLY /,
    'down',
    'Redis at @ is a replica and takes no writes',
    'set redis.url to the master, unless a failover is under way'
  ],
  [/^OOM /, 'down', 'Redis at @ is full', 'raise its maxmemory'],
  [/^MISCONF /, 'down', 'Redis at @ cannot write to its disk', 'see the log of Redis'],
  [/^(?:LOADING|MASTERDOWN|CLUSTERDOWN|BUSY) /, 'down', 'Redis at @ is not ready', 'wait, or see the log of Redis'],
  [/ENOTFOUND|EAI_AGAIN/, 'down', 'the host of Redis is not known, in @', 'correct redis.url, or the name in the DNS'],
  [
    /ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|EACCES/,
    'down',
    'Redis cannot be reached at @',
    'set redis.url to where Redis listens, and see that this machine may connect there'
  ]
]

const anythingElse: Row = [/^/, 'down', 'Redis at @ does not answer', checkPort]
const saidCharsMax = 160

/** `said`: the message of an error of Redis, its client or the network. `hosts`: where it was tried. */
export function explain(said: string, hosts: readonly string[]): RedisFault {
  const [, kind, what, remedy] = rows.find(([pattern]) => pattern.test(said)) ?? anythingElse
  const words = said.length > saidCharsMax ? `${said.slice(0, saidCharsMax)}...` : said
  return {
    kind,
    what: `${what.replace('@', hosts.join(', '))} (${words})`,
    remedy,
    isOfNetwork: !/^[A-Z]+ /.test(said)
  }
}
