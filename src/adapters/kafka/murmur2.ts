const seed = 0x9747b28c
const mixer = 0x5bd1e995

/** Murmur2 as Kafka's Java client computes it (`Utils.murmur2`): a signed 32-bit integer. */
export function murmur2(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let hash = seed ^ bytes.byteLength
  let at = 0
  for (; at + 4 <= bytes.byteLength; at += 4) {
    let word = Math.imul(view.getInt32(at, true), mixer)
    word ^= word >>> 24
    hash = Math.imul(hash, mixer) ^ Math.imul(word, mixer)
  }
  const left = bytes.byteLength - at
  if (left === 3) hash ^= view.getUint8(at + 2) << 16
  if (left >= 2) hash ^= view.getUint8(at + 1) << 8
  if (left >= 1) hash = Math.imul(hash ^ view.getUint8(at), mixer)
  hash = Math.imul(hash ^ (hash >>> 13), mixer)
  return hash ^ (hash >>> 15)
}

const encoder = new TextEncoder()

/** The partition that Java's default partitioner takes for a key, so that a backend's keys meet ours. */
export function partitionOfKey(key: string, partitions: number): number {
  return (murmur2(encoder.encode(key)) & 0x7fffffff) % partitions
}
