// SPDX-License-Identifier: MIT
/*
 * plain_runner - a runner for Node.js without any library.
 *
 * Start it with `adapter: program`, `program: [node, plain_runner.js]`. Its
 * functions: shout, size. Short texts and small lists are all its msgpack
 * knows; what is said is in protocol/RUNNER.md.
 */
const net = require("node:net")

const HELLO = 1, CALL = 2, RESULT = 3, ERROR = 4, PING = 9, DRAINING = 10
const pool = new net.Socket({ fd: 3, readable: true, writable: true })

// read gives the msgpack value at bytes[at.i] and moves on.
function read(bytes, at) {
  const type = bytes[at.i++]
  const list = n => Array.from({ length: n }, () => read(bytes, at))
  const text = n => bytes.toString("utf8", at.i, at.i += n)
  if (type < 0x80) return type
  if (type < 0x90) return list((type & 15) * 2) // a map: key, value, …
  if (type < 0xa0) return list(type & 15)
  if (type < 0xc0) return text(type & 31)
  if (type === 0xd9) return text(bytes[at.i++])
  if (type === 0xc0) return null
  if (type === 0xc2 || type === 0xc3) return type === 0xc3
  const size = { 0xcc: 1, 0xcd: 2, 0xce: 4 }[type]
  if (size) return bytes.readUIntBE((at.i += size) - size, size)
  if (type === 0xcf) return Number(bytes.readBigUInt64BE((at.i += 8) - 8))
  throw new Error("this example does not know msgpack type " + type)
}

function pack(value) {
  if (Array.isArray(value)) return Buffer.concat([Buffer.from([0x90 | value.length]), ...value.map(pack)])
  if (typeof value === "number") {
    const bytes = Buffer.alloc(9, 0xcf)
    bytes.writeBigUInt64BE(BigInt(value), 1)
    return bytes
  }
  if (typeof value === "object") return Buffer.concat([Buffer.from([0x80 | Object.keys(value).length]), ...Object.entries(value).flat().map(pack)])
  const text = Buffer.from(value)
  return Buffer.concat([Buffer.from([0xd9, text.length]), text])
}

function say(...frame) {
  const body = pack(frame)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(body.length)
  pool.write(Buffer.concat([length, body]))
}

function hear([kind, id, , name, args]) {
  if (kind === HELLO) say(HELLO, 0, { v: 1, capacity: 1, answers: "idle" })
  else if (kind === PING) say(PING, id)
  else if (kind === DRAINING) process.exit(0)
  else if (kind === CALL && name === "shout") say(RESULT, id, args[0].toUpperCase())
  else if (kind === CALL && name === "size") say(RESULT, id, args[0].length)
  else if (kind === CALL) say(ERROR, id, "not_found", name)
}

let rest = Buffer.alloc(0)
pool.on("data", data => {
  rest = Buffer.concat([rest, data])
  while (rest.length >= 4 && rest.length >= 4 + rest.readUInt32BE(0)) {
    const end = 4 + rest.readUInt32BE(0)
    hear(read(rest.subarray(4, end), { i: 0 }))
    rest = rest.subarray(end)
  }
})
pool.on("end", () => process.exit(0)) // the pool is gone
