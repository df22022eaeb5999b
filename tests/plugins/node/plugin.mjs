// SPDX-License-Identifier: Apache-2.0
// A plugin written from plugins/PROTOCOL.md alone, without an SDK: what the page says is enough for this.
// It reserves stock, tells when an article runs low, and writes down the events it subscribes to.
import { createHash } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import zmq from 'zeromq'

const address = process.env.TAPPET_SESSIONS ?? 'ipc://tappet-plugins.sock'
const name = process.env.TAPPET_PLUGIN ?? 'inventory'
const log = (...words) => console.error(new Date().toISOString(), ...words)

const manifest = {
  version: '1.0.0',
  actions: {
    reserve: {
      doc: 'Reserves some of an article.',
      params: { sku: { type: 'text', required: true }, count: { type: 'int', doc: '1 when it is left out.' } },
      result: { reservation: { type: 'text' }, left: { type: 'int' } }
    },
    slow: {
      timeout: 2000,
      params: { steps: { type: 'int' }, pause: { type: 'int', doc: 'Milliseconds for each step.' } }
    }
  },
  events: { low: { doc: 'An article runs low.', fields: { sku: { type: 'text' }, left: { type: 'int' } } } }
}

// ---- What it does. ----

const stock = new Map() // article -> how many are left; every article begins with ten
const carriedOut = new Map() // idempotency key -> the answer that was given

function reserve ({ id, key }, { sku, count = 1 }) {
  if (carriedOut.has(key)) return carriedOut.get(key)
  const left = (stock.get(sku) ?? 10) - count
  if (count < 1 || left < 0) return { fate: 'reject', error: `${sku}: there aren't ${count}` }
  stock.set(sku, left)
  const digest = createHash('sha256').update(key).digest('hex') // an id of an emit has at most 128 bytes
  const answer = { fate: 'ok', body: { reservation: `R-${digest.slice(0, 8)}`, left } }
  carriedOut.set(key, answer)
  if (carriedOut.size > 10000) carriedOut.delete(carriedOut.keys().next().value)
  if (left <= 3) emit({ id: `low-${digest}`, type: 'low', subject: sku, time: new Date().toISOString(), job: id }, { sku, left })
  return answer
}

async function slow ({ id }, { steps = 3, pause = 50 }, signal) {
  for (let step = 0; step < steps; step++) {
    await sleep(pause, undefined, { signal })
    send('PROGRESS', { id })
  }
  return { fate: 'ok', body: { steps } }
}

const actions = new Map(Object.entries({ reserve, slow }))

// ---- The session. ----

let sock, session = null, heartbeat = 1000, heard = 0, asked = 0, ticked = 0, pings = 0
let pause = 100, stopping = false, credit = 0, acked = 0, subscribed = false
let sending = Promise.resolve() // the binding takes one message at a time
const jobs = new Map() // id -> AbortController
const emits = new Map() // id -> { header, body, sent }, until EMITTED

function send (verb, header, body) {
  const to = sock, frames = [verb, JSON.stringify(header)]
  if (body !== undefined) frames.push(JSON.stringify(body))
  sending = sending.then(() => to.closed ? null : to.send(frames)).catch(error => log('send:', error.message))
}

function over () { // no session, and so no jobs: they come again
  session = null
  subscribed = false
  for (const stop of jobs.values()) stop.abort()
  jobs.clear()
}

function hello () {
  over()
  send('HELLO', { protocol: 1, name, jobs: 8 }, manifest)
}

function subscribe () {
  if (session) send('SUBSCRIBE', { cursor: 'audit', types: [`plugin.${name}.*`, 'shop.**'], from: 'start' })
}

function acknowledge () {
  if (session && subscribed) send('ACK', { cursor: 'audit', seq: acked })
}

function emit (header, body) {
  if (!emits.has(header.id)) emits.set(header.id, { header, body, sent: false })
  flush()
}

function flush () {
  for (const one of emits.values()) {
    if (!session || credit === 0 || one.sent) continue
    one.sent = true
    credit--
    send('EMIT', one.header, one.body)
  }
}

async function work (header, params) {
  const mine = session, stop = new AbortController(), action = actions.get(header.action)
  let answer
  jobs.set(header.id, stop)
  try {
    if (stopping) answer = { fate: 'retry', after: 1000, error: 'the plugin is stopping' }
    else if (!action) answer = { fate: 'reject', error: 'no such action' }
    else answer = await action(header, params ?? {}, stop.signal)
  } catch (error) { answer = { fate: 'doubt', error: error.message } }
  if (session !== mine || !jobs.delete(header.id)) return // the session ended, or CANCEL came
  const { body, ...rest } = answer
  send('RESULT', { id: header.id, ...rest, ...(stopping ? {} : { jobs: 1 }) }, body)
}

function failed (h) {
  log('ERROR', h.code, h.message, h.about ?? '')
  credit += h.emits ?? 0
  if (h.fatal) {
    if (['hello-first', 'not-heard'].includes(h.code)) return hello()
    if (['name-taken', 'busy', 'name-unknown', 'not-trusted'].includes(h.code)) return sock.close() // may pass
    process.exit(1) // a mistake of this plugin: a pause won't mend it
  }
  const again = then => setTimeout(then, h.after ?? 1000)
  const one = h.emits ? emits.get(h.about) : undefined
  if (h.code === 'bad-emit') emits.delete(h.about)
  else if (h.code === 'busy' && one) again(() => { one.sent = false; flush() })
  else if (h.code === 'busy') again(subscribed ? acknowledge : subscribe)
  flush()
}

const verbs = new Map(Object.entries({
  WELCOME (h) {
    if (!(h.heartbeat > 0)) throw new Error('no heartbeat')
    ;({ session, heartbeat, emits: credit } = h)
    pause = 100
    subscribe()
    for (const one of emits.values()) one.sent = false
    flush()
  },
  PING (h) { if (Number.isInteger(h.n)) send('PONG', { n: h.n }) },
  JOB (h, params) { if (session && typeof h.id === 'string') work(h, params) },
  CANCEL (h) {
    jobs.get(h.id)?.abort()
    if (jobs.delete(h.id)) send('CREDIT', { jobs: 1 })
  },
  EMITTED (h) { emits.delete(h.id); credit += h.emits ?? 0; flush() },
  SUBSCRIBED () { subscribed = true },
  EVENT (h, event) {
    if (h.seq > acked) appendFileSync(process.env.INVENTORY_AUDIT ?? 'audit.log', `${h.seq} ${event.type} ${event.id}\n`)
    acked = Math.max(acked, h.seq)
    acknowledge()
  },
  GAP (h) { log('GAP', h.from, h.to) },
  BYE (h) { if (!session || h.reason !== 'stopping') sock.close() }, // "stopping" still takes results
  ERROR: failed
}))

function tick () {
  const now = performance.now()
  if (now - ticked > heartbeat) heard = now // this process itself stood still: listen first
  ticked = now
  if (now - heard >= 3 * heartbeat) sock.close()
  else if (session && now - Math.max(heard, asked) >= heartbeat) {
    asked = now
    send('PING', { n: ++pings })
  }
  setTimeout(tick, heartbeat / 4)
}

process.on('SIGTERM', async () => {
  const until = async (done, ms) => { while (!done() && (ms -= 10) > 0) await sleep(10) }
  stopping = true
  await until(() => !session || (jobs.size === 0 && emits.size === 0), 5000)
  if (session) send('BYE', { reason: 'stopping' })
  await until(() => !session, 3 * heartbeat)
  process.exit(0)
})

setTimeout(tick, heartbeat / 4)
for (; !stopping; pause = Math.min(2 * pause, 5000)) {
  sock = new zmq.Dealer({ linger: 0 })
  sock.connect(address)
  sending = Promise.resolve()
  heard = performance.now()
  hello()
  for await (const [verb, header, body] of sock) {
    heard = performance.now()
    try {
      verbs.get(verb.toString())?.(JSON.parse(header), body?.length ? JSON.parse(body) : null)
    } catch (error) { log('passed over:', error.message) }
  }
  over()
  await sleep(pause * (0.5 + Math.random() / 2))
}
