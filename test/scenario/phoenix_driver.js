// The stock phoenix client, driven by lines of JSON on standard input:
//   {"id": 1, "op": "push", "topic": …, "event": …, "payload": …}
// answers {"id": 1, "value": …}; what the server pushes on its own comes as
// {"push": [topic, event, payload]}, socket events as {"socket": "open"}.
const path = require("path");
const readline = require("readline");
const modules = path.join(__dirname, "..", "node_modules");
const {Socket} = require(path.join(modules, "phoenix"));
const WebSocket = require(path.join(modules, "ws"));

let socket = null;
const channels = {};
const say = (line) => process.stdout.write(JSON.stringify(line) + "\n");

// settled answers a command with how a push of the client ended
function settled(push) {
  return new Promise((resolve) => {
    push.receive("ok", (r) => resolve({status: "ok", response: r}))
        .receive("error", (r) => resolve({status: "error", response: r}))
        .receive("timeout", () => resolve({status: "timeout"}));
  });
}

const operations = {
  connect({url, params, heartbeat_ms, vsn, token}) {
    socket = new Socket(url, {
      transport: WebSocket, params: params || {}, vsn: vsn || "2.0.0",
      heartbeatIntervalMs: heartbeat_ms || 30000,
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
