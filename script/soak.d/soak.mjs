// Random clients against a server for a while: they ask, leave, come back, cancel, change budgets, send nonsense.
// Run by script/soak. Ends with what was done and what was found; exit status 1 if anything was.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [program, minutesText, clientsText] = process.argv.slice(2);
const MINUTES = Number(minutesText ?? 30), CLIENTS = Number(clientsText ?? 12);

const home = mkdtempSync(join(tmpdir(), "sputnik-soak-"));
const environment = { ...process.env, XDG_STATE_HOME: home, XDG_CACHE_HOME: home, XDG_CONFIG_HOME: home,
  ASAN_OPTIONS: "detect_leaks=1:abort_on_error=0", TSAN_OPTIONS: "halt_on_error=0" };
let said = "";
// A small cache, so that sequences are sent back to the queue.
const server = spawn(program, ["serve", "--port", "0", "--log-level", "off", "--max-sequences", "6", "--cache-memory", "0.002",
  "--disk-cache", "0.05", "--queue", "40"], { env: environment, stdio: ["ignore", "ignore", "pipe"] });
const ended = new Promise((resolve) => server.on("exit", (code, signal) => resolve(signal ?? code)));
const port = await new Promise((resolve, reject) => {
  server.stderr.on("data", (chunk) => {
    said += chunk;
    const match = said.match(/127\.0\.0\.1:(\d+)\n/);
    if (match) resolve(Number(match[1]));
  });
  server.on("exit", () => reject(new Error(said)));
});
const url = `http://127.0.0.1:${port}`;

let seed = Number(process.env.SOAK_SEED ?? 1);
const random = () => ((seed = (seed * 1103515245 + 12345) & 0x7fffffff) / 0x7fffffff);
const pick = (list) => list[Math.floor(random() * list.length)];
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const counts = {}, findings = [];
const count = (what) => { counts[what] = (counts[what] ?? 0) + 1; };
const found = (what) => { if (findings.length < 50) findings.push(what); };

const questions = ["What is 348 + 275?", "Hello", "Tell me a story about a fox.", "What is 17 * 23?",
  "Tom has 5 apples and buys 12 more. How many has he? ".repeat(6), "What can you do? ".repeat(30)];

function body(more) {
  return { messages: [{ role: "user", content: pick(questions) }], temperature: pick([0, 0.6, 1.2]),
    seed: Math.floor(random() * 20), max_tokens: pick([1, 20, 200, 700]),
    ...(random() < 0.3 ? { thinking: { type: "enabled", budget_tokens: pick([0, 1, 20]) } } : {}),
    ...(random() < 0.1 ? { thinking: { type: "disabled" } } : {}),
    ...(random() < 0.1 ? { n: pick([2, 5]) } : {}),
    ...(random() < 0.1 ? { response_format: { type: "json_object" } } : {}),
    ...(random() < 0.1 ? { logprobs: true, top_logprobs: 3 } : {}),
    ...(random() < 0.1 ? { stop: ["7", "the"] } : {}),
    ...(random() < 0.2 ? { user: pick(["anna", "ben"]) } : {}), ...more };
}

const post = (path, json, signal) => fetch(url + path, { method: "POST", signal,
  headers: { "content-type": "application/json" }, body: typeof json === "string" ? json : JSON.stringify(json) });

/** The numbered pieces of a stream, until it ends or take() says stop. */
async function* pieces(reply) {
  let buffer = "", id = -1;
  const decoder = new TextDecoder();
  for await (const chunk of reply.body) {
    buffer += decoder.decode(chunk, { stream: true });
    for (let end; (end = buffer.indexOf("\n\n")) >= 0; buffer = buffer.slice(end + 2)) {
      let data;
      for (const line of buffer.slice(0, end).split("\n")) {
        if (line.startsWith("id: ")) id = Number(line.slice(4));
        if (line.startsWith("data: ")) data = line.slice(6);
      }
      if (data === undefined) continue;
      if (data === "[DONE]") { yield { id, done: true }; return; }
      const json = JSON.parse(data);
      const delta = json.choices?.[0]?.delta ?? {};
      yield { id, text: (delta.reasoning_content ?? "") + (delta.content ?? "") };
    }
  }
}

// The whole answer, by reading it at once; the same request has the same answer, whatever else runs.
const answers = new Map();
async function wholeAnswer() {
  const request = body({ n: undefined });
  const reply = await post("/v1/chat/completions", request);
  if (reply.status === 429) return count("queue full");
  if (!reply.ok) return found(`status ${reply.status}: ${await reply.text()}`);
  const json = await reply.json();
  count("whole answers");
  const message = json.choices[0].message;
  const text = (message.reasoning_content ?? "") + "|" + (message.content ?? "");
  const key = JSON.stringify({ ...request, user: undefined });
  if (answers.has(key) && answers.get(key) !== text) found(`two answers to ${key}: ${answers.get(key)} and ${text}`);
  answers.set(key, text);
  if (json.usage.total_tokens !== json.usage.prompt_tokens + json.usage.completion_tokens) found("usage does not add up");
}

async function leave() {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), random() * 60);
  try {
    const reply = await post("/v1/chat/completions", body({ stream: random() < 0.7 }), controller.signal);
    for await (const _ of reply.body) ;
    count("left too late");
  } catch { count("left"); }
}

/** Reads a detached answer in several pieces: every event once, and the same text as at one go. */
async function reattach() {
  const reply = await post("/v1/chat/completions", body({ stream: true, detached: true, n: undefined }));
  if (reply.status === 429) return count("queue full");
  if (!reply.ok) return found(`status ${reply.status}`);
  const generation = reply.headers.get("x-sputnik-generation");
  const ids = [];
  let text = "", last = -1, done = false, stream = reply;
  for (let part = 0; part < 20 && !done; ++part) {
    let left = part === 19 ? 1e9 : 1 + Math.floor(random() * 40);
    for await (const piece of pieces(stream)) {
      if (piece.done) { done = true; break; }
      if (piece.text) { ids.push(piece.id); text += piece.text; }
      if (piece.id >= 0) last = piece.id;
      if (--left <= 0) break;
    }
    if (random() < 0.2) post(`/v1/generations/${generation}/thinking`, pick([{ answer_now: true }, { budget: 10 }])).then((r) => r.text(), () => {});
    if (!done) stream = await fetch(`${url}/v1/generations/${generation}/events?after=${last}`);
    if (!stream.ok) return found(`reattaching: ${stream.status} ${await stream.text()}`);
  }
  const again = await fetch(`${url}/v1/generations/${generation}/events?after=-1`);
  let whole = "";
  for await (const piece of pieces(again)) if (piece.text) whole += piece.text;
  if (whole !== text) found(`lost or doubled: ${JSON.stringify(text)} instead of ${JSON.stringify(whole)}`);
  for (let i = 1; i < ids.length; ++i) if (ids[i] <= ids[i - 1]) found("an event came twice");
  count("reattached");
}

async function cancel() {
  const reply = await post("/v1/chat/completions", body({ stream: true, detached: true }));
  if (!reply.ok) return count("queue full");
  const generation = reply.headers.get("x-sputnik-generation");
  await wait(random() * 30);
  await (await fetch(`${url}/v1/generations/${generation}`, { method: "DELETE" })).text();
  for await (const _ of reply.body) ;
  count("cancelled");
}

async function nonsense() {
  const texts = ["{", "[]", '{"messages":[]}', '{"messages":"x"}', '{"messages":[{"role":"user","content":"\\ud800"}]}',
    "[".repeat(5000), '{"messages":[{"role":"king","content":"a"}]}', JSON.stringify(body({ temperature: 99 })), "\xff\xfe"];
  const reply = await post(pick(["/v1/chat/completions", "/anthropic/v1/messages", "/api/chat", "/v1/responses", "/v1beta/models/x:generateContent"]), pick(texts));
  const text = await reply.text();
  if (reply.status >= 500) found(`nonsense gave ${reply.status}: ${text}`);
  count("nonsense refused");
}

async function halfSent() {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.write(pick(["POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1", "GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n",
    `POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"mess`]));
  await wait(random() * 100);
  socket.destroy();
  count("half sent");
}

const end = Date.now() + MINUTES * 60000;
let dead = false;
server.on("exit", () => { dead = true; });
const acts = [wholeAnswer, wholeAnswer, wholeAnswer, leave, leave, reattach, reattach, cancel, nonsense, halfSent];
await Promise.all(Array.from({ length: CLIENTS }, async () => {
  while (Date.now() < end && !dead) {
    try { await pick(acts)(); } catch (error) { if (!dead && !["ECONNRESET"].includes(error.cause?.code)) found(String(error.stack)); }
  }
}));

if (dead) found(`the server ended: ${await ended}`);
else {
  // Everything that was begun has ended, and every block is free again.
  const metric = async (name) => Number((await (await fetch(`${url}/metrics`)).text()).match(new RegExp(`^${name} (\\S+)`, "m"))[1]);
  for (let i = 0; i < 600 && (await metric("sputnik_sequences_running")) + (await metric("sputnik_sequences_waiting")) > 0; ++i) await wait(100);
  const free = await metric("sputnik_cache_blocks_free"), all = await metric("sputnik_cache_blocks");
  if (free !== all) found(`${all - free} of ${all} blocks are not free`);
  counts.preemptions = await metric("sputnik_preemptions_total");
  counts["tokens generated"] = await metric("sputnik_generated_tokens_total");
  counts["guesses that came true, of"] = [await metric("sputnik_draft_accepted_tokens_total"), await metric("sputnik_drafted_tokens_total")];
  server.kill("SIGINT");
  const status = await ended;
  if (status !== 0) found(`the server's exit status is ${status}`);
}
if (/ERROR: |WARNING: ThreadSanitizer|runtime error/.test(said)) found(said.slice(0, 20000));
rmSync(home, { recursive: true, force: true });
console.log(counts);
console.log(findings.length ? findings.join("\n") : `no finding in ${MINUTES} minutes with ${CLIENTS} clients`);
process.exit(findings.length ? 1 : 0);
