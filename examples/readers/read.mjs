// node read.mjs HOST:PORT | SOCKET: prints each article once it is read, as a consumer of a group.
//
// Node alone, without packages; with a client such as node-redis the commands are the same. A record
// is acknowledged after it was handled: after a crash it comes again. Handle it twice without harm:
// its `id` and `revision` are a key.

import net from "node:net";

const STREAM = "newsdrop:articles";
const GROUP = "node-reader";
const CONSUMER = "node-1"; // stable: what it left unfinished is found again by this name

const address = process.argv[2].match(/^([^/]+):(\d+)$/);
const socket = net.connect(address ? { host: address[1], port: Number(address[2]) } : process.argv[2]);
let received = Buffer.alloc(0);
let wake = () => {};
let isClosed = false;
socket.on("data", (data) => { received = Buffer.concat([received, data]); wake(); });
socket.on("close", () => { isClosed = true; wake(); });
socket.on("error", (error) => console.error(error.message));

// ── the protocol (RESP2): a command is an array of strings, a reply begins with its type ─────
function send(...words) {
  const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  socket.write(`*${words.length}\r\n${parts.join("")}`);
  return reply();
}

async function take(count) {
  while (received.length < count) {
    if (isClosed) throw new Error("the server is gone: start again");
    await new Promise((resolve) => { wake = resolve; });
  }
  const bytes = received.subarray(0, count);
  received = received.subarray(count);
  return bytes;
}

async function line() {
  let end;
  while ((end = received.indexOf("\r\n")) < 0) await take(received.length + 1).then(unread);
  return (await take(end + 2)).toString().slice(0, -2);
}

function unread(bytes) { received = Buffer.concat([bytes, received]); }

async function reply() {
  const text = await line();
  const rest = text.slice(1);
  if (text[0] === "-") throw new Error(rest);
  if (text[0] === "$") return rest === "-1" ? null : (await take(Number(rest) + 2)).toString().slice(0, -2);
  if (text[0] !== "*") return rest;
  const items = [];
  for (let left = Number(rest); left > 0; left--) items.push(await reply());
  return items;
}

// ── the reader ────────────────────────────────────────────────────────────────────────────────
function handle({ type, revision, date, data }) {
  if (data) console.log(type, revision, date, JSON.parse(data).title);
}

await send("XGROUP", "CREATE", STREAM, GROUP, "0", "MKSTREAM").catch((error) => {
  if (!error.message.startsWith("BUSYGROUP")) throw error; // it exists
});
let after = "0"; // first what an earlier run left unfinished, then (>) what is new
for (;;) {
  const found = await send(
    "XREADGROUP", "GROUP", GROUP, CONSUMER, "COUNT", "100", "BLOCK", "2000", "STREAMS", STREAM, after);
  const entries = found?.[0]?.[1] ?? [];
  for (const [id, fields] of entries) {
    const pairs = fields ?? []; // null: trimmed before it was handled
    handle(Object.fromEntries(pairs.flatMap((name, at) => (at % 2 ? [] : [[name, pairs[at + 1]]]))));
    await send("XACK", STREAM, GROUP, id);
  }
  if (after !== ">" && !entries.length) after = ">";
}
