// Delivers events to a strop-collector: opens a stream, keeps to the credits, and after every break starts again
// from what the collector has. Events live in memory; their place in the list is their sequence number.
import { setTimeout as delay } from 'node:timers/promises'
import { Dealer } from 'zeromq'
import * as frames from './frames.mjs'

const firstDelayMs = 500
const longestDelayMs = 45_000
const perBatch = 20
const mostUnanswered = 8

export class Client {
  // keys: { server, publicKey, secretKey }; install, epoch: 16 random bytes each.
  constructor({ endpoint, keys, install, epoch, agent }) {
    Object.assign(this, { endpoint, keys, install, epoch, agent })
    this.events = []
    this.acked = 0
    this.rejected = []
    this.connections = 0
    this.onAck = () => {}
  }

  // Until all are acknowledged, or the signal says that nobody waits any more.
  async deliver(events, signal) {
    this.events.push(...events)
    let wait = firstDelayMs
    while (this.acked < this.events.length) {
      const before = this.acked
      const retryMs = await this.#session(signal)
      if (this.acked > before) wait = firstDelayMs
      if (this.acked < this.events.length) await delay(retryMs ?? wait * (0.5 + Math.random() / 2), undefined, { signal })
      wait = Math.min(2 * wait, longestDelayMs)
    }
  }

  // One connection, to its end. How long to wait before the next, if the collector said so.
  async #session(signal) {
    ++this.connections
    const socket = new Dealer({
      linger: 0, reconnectInterval: -1, maxMessageSize: 1 << 20,
      curveServerKey: this.keys.server, curvePublicKey: this.keys.publicKey, curveSecretKey: this.keys.secretKey
    })
    const ended = () => { if (!socket.closed) socket.close() }
    for (const event of ['disconnect', 'close', 'handshake:error:auth', 'handshake:error:protocol', 'handshake:error:other'])
      socket.events.on(event, ended)
    signal?.addEventListener('abort', ended)
    try {
      socket.connect(this.endpoint)
      await socket.send(frames.hello({ install: this.install, epoch: this.epoch, firstHeld: 1, firstUnacked: this.acked + 1, agent: this.agent }))
      return await this.#converse(socket)
    } catch (error) {
      if (!socket.closed) throw error
    } finally {
      signal?.removeEventListener('abort', ended)
      ended()
    }
  }

  async #converse(socket) {
    const flow = { next: 0, credits: 0, unanswered: [], bytes: 0 }
    let heartbeat
    try {
      for await (const [bytes] of socket) {
        const frame = frames.decode(bytes)
        if (frame.kind === frames.type.welcome) {
          Object.assign(flow, { next: frame.durableThrough + 1, credits: frame.credits })
          this.acked = frame.durableThrough
          heartbeat ??= setInterval(() => socket.send(frames.ping(1)).catch(() => {}), frame.heartbeatMs)
        } else if (frame.kind === frames.type.ack) {
          flow.bytes -= flow.unanswered.shift()
          flow.credits = frame.credits
          this.acked = frame.durableThrough
          this.rejected.push(...frame.rejected)
          this.onAck(this.acked)
        } else if (frame.kind === frames.type.nack) {
          if (frame.permanent) throw new Error(`refused: ${frame.reason}`)
          return frame.retryAfterMs
        } else if (frame.kind === frames.type.bye) {
          return
        }
        if (this.acked >= this.events.length) return await socket.send(frames.bye())
        await this.#fill(socket, flow)
      }
    } finally {
      clearInterval(heartbeat)
    }
  }

  // Sends what the credits allow; one batch always, when nothing is unanswered.
  async #fill(socket, flow) {
    while (flow.next <= this.events.length) {
      const payloads = this.events.slice(flow.next - 1, flow.next - 1 + perBatch)
      const frame = frames.batch({ epoch: this.epoch, firstSeq: flow.next, payloads })
      if (flow.unanswered.length >= mostUnanswered) return
      if (flow.unanswered.length > 0 && flow.bytes + frame.length > flow.credits) return
      flow.unanswered.push(frame.length)
      flow.bytes += frame.length
      flow.next += payloads.length
      await socket.send(frame)
    }
  }
}
