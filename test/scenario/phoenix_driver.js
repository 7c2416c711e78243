// The stock phoenix client, driven by lines of JSON on standard input:
//   {"id": 1, "op": "push", "topic": …, "event": …, "payload": …}
// answers {"id": 1, "value": …}; what the server pushes on its own comes as
// {"push": [topic, event, payload]}, socket events as {"socket": "open"}.
// A socket connected with "record" tells each of its frames, too, as
// {"frame": [">" or "<", text]} or {"frame": [">b" or "<b", base64]}, and its
// end as {"frame": ["!", code]}; what it does after that end is not told.
const path = require("path");
const readline = require("readline");
const modules = path.join(__dirname, "..", "node_modules");
const {Socket} = require(path.join(modules, "phoenix"));
const WebSocket = require(path.join(modules, "ws"));

let socket = null;
const channels = {};
const say = (line) => process.stdout.write(JSON.stringify(line) + "\n");

// Recorder is a WebSocket that says what passes through it.
class Recorder extends WebSocket {
  constructor(...args) {
    super(...args);
    this.on("message", (data, isBinary) => this.told("<", data, isBinary));
    this.on("close", (code) => {
      if (!Recorder.isOver) say({frame: ["!", String(code)]});
      Recorder.isOver = true;
    });
  }
  told(way, data, isBinary) {
    if (Recorder.isOver) return;
    say({frame: isBinary
      ? [way + "b", Buffer.from(data).toString("base64")]
      : [way, data.toString()]});
  }
  send(data, ...rest) {
    this.told(">", data, typeof data !== "string");
    super.send(data, ...rest);
  }
}

// A recorded client does nothing that was not asked of it.
const never = () => 1 << 30;

// Version 1 of the protocol: one object a frame, and never binary.
const version1 = {
  encode: (message, done) => done(JSON.stringify(message)),
  decode: (text, done) => done(JSON.parse(text)),
};

// settled answers a command with how a push of the client ended
function settled(push) {
  return new Promise((resolve) => {
    push.receive("ok", (r) => resolve({status: "ok", response: r}))
        .receive("error", (r) => resolve({status: "error", response: r}))
        .receive("timeout", () => resolve({status: "timeout"}));
  });
}

const operations = {
  connect({url, params, heartbeat_ms, vsn, token, record}) {
    socket = new Socket(url, {
      transport: record ? Recorder : WebSocket,
      params: params || {}, vsn: vsn || "2.0.0",
      heartbeatIntervalMs: heartbeat_ms || 30000,
      ...(vsn === "1.0.0" ? version1 : {}),
      ...(record ? {rejoinAfterMs: never, reconnectAfterMs: never} : {}),
      ...(token ? {authToken: token} : {}),
    });
    socket.onClose((e) => say({socket: "close", code: e.code}));
    return new Promise((resolve) => {
      // true: it is open; false: the first attempt was refused
      socket.onError(() => { say({socket: "error"}); resolve(false); });
      socket.onOpen(() => { say({socket: "open"}); resolve(true); });
      socket.connect();
    });
  },
  join({topic, params, event}) {
    const channel = socket.channel(topic, params || {});
    channels[topic] = channel;
    channel.onError((reason) => say({channel: "error", topic, reason}));
    channel.onClose(() => say({channel: "close", topic}));
    if (event) {
      channel.on(event, (payload) => say({push: [topic, event, payload]}));
    }
    return settled(channel.join());
  },
  push({topic, event, payload}) {
    return settled(channels[topic].push(event, payload));
  },
  push_binary({topic, event, data}) {
    const bytes = Buffer.from(data, "base64");
    return settled(channels[topic].push(event, bytes.buffer.slice(
        bytes.byteOffset, bytes.byteOffset + bytes.length)));
  },
  // a message on a topic without a channel of its own
  say({topic, event, payload, join_ref}) {
    socket.push({topic, event, payload, join_ref: join_ref || null,
                 ref: socket.makeRef()});
    return true;
  },
  leave({topic}) {
    return settled(channels[topic].leave());
  },
  disconnect() {
    return new Promise((resolve) => socket.disconnect(() => resolve(true)));
  },
};

readline.createInterface({input: process.stdin}).on("line", async (line) => {
  const command = JSON.parse(line);
  say({id: command.id, value: await operations[command.op](command)});
}).on("close", () => process.exit(0));
