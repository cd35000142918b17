// The client against a real strop-collector that is killed (-9) on the way: all is stored, each event once.
//
//   node client_test.mjs STROP_COLLECTOR FORMAT.md
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Client } from './client.mjs'
import * as frames from './frames.mjs'

const [program, format] = process.argv.slice(2)
const patienceMs = 30_000

// The worked example's blocks "NAME: hex…" of the format's text.
function examples() {
  const found = {}
  let name
  for (const [, block] of readFileSync(format, 'utf8').matchAll(/```hex\n(.*?)```/gs)) {
    for (const line of block.split('\n').map((each) => each.replace(/#.*/, '').trim()).filter(Boolean)) {
      if (line.endsWith(':')) found[(name = line.slice(0, -1))] = ''
      else found[name] += line.replaceAll(' ', '')
    }
  }
  return Object.fromEntries(Object.entries(found).map(([each, hex]) => [each, Buffer.from(hex, 'hex')]))
}

test('frames are those of the worked example', () => {
  const bytes = examples()
  const from = (first) => Buffer.from(Array.from({ length: 16 }, (_, i) => first + i))
  const [install, epoch] = [from(0x10), from(0xa0)]
  assert.deepEqual(frames.hello({ install, epoch, firstHeld: 1, firstUnacked: 1, agent: 'strop-agent 0.1.0' }), bytes.HELLO)
  assert.deepEqual(frames.batch({ epoch, firstSeq: 1, payloads: ['{"v":1}', 'oops'] }), bytes.BATCH)
  assert.deepEqual(frames.ping(7), bytes.PING)
  assert.deepEqual(frames.bye(), bytes.BYE)
  assert.deepEqual(frames.decode(bytes.WELCOME), { kind: 2, version: 1, epoch, durableThrough: 0, credits: 4 << 20, maxBatch: 1 << 20, heartbeatMs: 10_000 })
  assert.deepEqual(frames.decode(bytes.ACK), { kind: 4, epoch, durableThrough: 2, credits: 4 << 20, rejected: [{ seq: 1, code: 5 }, { seq: 2, code: 2 }] })
  assert.deepEqual(frames.decode(bytes.NACK), { kind: 5, epoch, firstSeq: 3, permanent: false, code: 10, retryAfterMs: 5000, reason: 'disk full' })
  assert.deepEqual(frames.decode(bytes.PONG), { kind: 7, token: 7 })
})

class Collector {
  constructor(folder) {
    this.folder = folder
    this.port = '0'
    this.run('keys', 'generate', '--keys', this.at('keys'))
    this.run('keys', 'generate', '--keys', this.at('keys'), '--name', 'node', '--out', this.at('node.key'))
  }
  at(name) { return join(this.folder, name) }
  run(...words) { return execFileSync(program, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }) }
  async start() {
    rmSync(this.at('port'), { force: true })
    this.process = spawn(program, ['serve', '--store', this.at('store.db'), '--bind', `tcp://127.0.0.1:${this.port}`, '--keys', this.at('keys'), '--port-file', this.at('port'), '--config', '/dev/null'], { stdio: 'ignore' })
    for (const until = Date.now() + patienceMs; !existsSync(this.at('port')); await delay(5))
      if (Date.now() > until) throw new Error('the collector does not listen')
    this.port = readFileSync(this.at('port'), 'utf8').split('\n')[0]
  }
  async kill() {
    const ended = new Promise((resolve) => this.process.once('exit', resolve))
    this.process.kill('SIGKILL')
    await ended
  }
  keys() {
    const key = (file, name) => readFileSync(this.at(file), 'utf8').split('\n').find((line) => line.startsWith(`${name} `)).slice(name.length + 1)
    return { server: key('keys/server.key', 'public'), publicKey: key('node.key', 'public'), secretKey: key('node.key', 'secret') }
  }
  ledger() { return JSON.parse(this.run('ledger', '--store', this.at('store.db'), '--json', '--config', '/dev/null')) }
}

const event = (number) => JSON.stringify({
  v: 1, type: 'shown', suggestion: `s${number}`, t_ms: Date.now(), uri: 'file:///w/a.js', language: 'javascript', server: 'node', source: 'inline', dialect: 'lsp-inline', presence: 'rendered'
})

test('events survive a collector that is killed and started again', { timeout: patienceMs }, async ({ signal }) => {
  const collector = new Collector(mkdtempSync(join(tmpdir(), 'strop-node-')))
  try {
    await collector.start()
    const client = new Client({ endpoint: `tcp://127.0.0.1:${collector.port}`, keys: collector.keys(), install: randomBytes(16), epoch: randomBytes(16), agent: 'node client' })
    const count = 2000
    const events = Array.from({ length: count }, (_, i) => event(i + 1))
    events[41] = 'no event at all'
    let restarted
    client.onAck = (acked) => {
      if (acked >= count / 4) restarted ??= collector.kill().then(() => collector.start())
    }
    await client.deliver(events, signal)
    assert.ok(restarted, 'it was killed on the way')
    await restarted
    assert.ok(client.connections > 1)
    await client.deliver([event(count + 1)], signal)
    assert.equal(client.acked, count + 1)
    assert.deepEqual(client.rejected, [{ seq: 42, code: 2 }])
    const { captured, acked, rejected, gaps, lost, balanced } = collector.ledger().total
    assert.deepEqual({ captured, acked, rejected, gaps, lost, balanced }, { captured: count + 1, acked: count, rejected: 1, gaps: 0, lost: 0, balanced: true })
    await collector.kill()
  } finally {
    collector.process?.kill('SIGKILL')
    rmSync(collector.folder, { recursive: true, force: true })
  }
})
