// Frames between agent and collector, as schema/FORMAT.md has them: what a client writes and reads.

export const type = { hello: 1, welcome: 2, batch: 3, ack: 4, nack: 5, ping: 6, pong: 7, bye: 8 }
export const nackCode = { helloFirst: 7 }

const crcTable = Array.from({ length: 256 }, (_, byte) => {
  let sum = byte
  for (let bit = 0; bit < 8; ++bit) sum = sum & 1 ? (sum >>> 1) ^ 0x82f63b78 : sum >>> 1
  return sum >>> 0
})

export function crc32c(bytes) {
  let sum = 0xffffffff
  for (const byte of bytes) sum = crcTable[(sum ^ byte) & 0xff] ^ (sum >>> 8)
  return (sum ^ 0xffffffff) >>> 0
}

const header = (kind) => Buffer.from([1, kind, 0, 0])
const u8 = (value) => Buffer.from([value])
const u32 = (value) => { const out = Buffer.alloc(4); out.writeUInt32LE(value); return out }
const u64 = (value) => { const out = Buffer.alloc(8); out.writeBigUInt64LE(BigInt(value)); return out }
const text = (value) => { const bytes = Buffer.from(value); return Buffer.concat([u8(bytes.length), bytes]) }

export function hello({ install, epoch, firstHeld, firstUnacked, agent }) {
  return Buffer.concat([header(type.hello), u8(1), u8(1), install, epoch, u64(firstHeld), u64(firstUnacked), text(agent)])
}

// Each record stands for one sequence number: this client gives nothing up, so it has no gaps.
export function batch({ epoch, firstSeq, payloads }) {
  const records = payloads.flatMap((payload) => {
    const bytes = Buffer.from(payload)
    return [u32(1), u32(bytes.length), bytes]
  })
  const summed = Buffer.concat([epoch, u64(firstSeq), u32(payloads.length), ...records])
  return Buffer.concat([header(type.batch), u32(crc32c(summed)), summed])
}

export function ping(token) { return Buffer.concat([header(type.ping), u64(token)]) }
export function bye() { return header(type.bye) }

// Of the frames that a collector sends; an unknown type is `{ kind }` alone.
export function decode(bytes) {
  let at = 4
  const take = (size) => { at += size; return at - size }
  const id = () => bytes.subarray(take(16), at)
  const number = { u8: () => bytes.readUInt8(take(1)), u16: () => bytes.readUInt16LE(take(2)), u32: () => bytes.readUInt32LE(take(4)), u64: () => Number(bytes.readBigUInt64LE(take(8))) }
  const kind = bytes.readUInt8(1)
  switch (kind) {
    case type.welcome:
      return { kind, version: number.u8(), epoch: id(), durableThrough: number.u64(), credits: number.u32(), maxBatch: number.u32(), heartbeatMs: number.u32() }
    case type.ack: {
      const ack = { kind, epoch: id(), durableThrough: number.u64(), credits: number.u32(), rejected: [] }
      for (let count = number.u32(); count > 0; --count) ack.rejected.push({ seq: number.u64(), code: number.u16() })
      return ack
    }
    case type.nack: {
      const nack = { kind, epoch: id(), firstSeq: number.u64(), permanent: number.u8() === 1, code: number.u16(), retryAfterMs: number.u32() }
      const size = number.u8()
      return { ...nack, reason: bytes.toString('utf8', at, at + size) }
    }
    case type.pong:
      return { kind, token: number.u64() }
    default:
      return { kind }
  }
}
