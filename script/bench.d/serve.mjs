// Measures `sputnik serve`: streams beside each other, gaps while a long prompt is read, second turns, cancelling.
// Run by script/bench_serve, which says what the figures mean.
import { spawn, execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const [program, model, ...flags] = process.argv.slice(2);
const option = (name, fallback) => {
  const at = flags.indexOf(name);
  return at < 0 ? fallback : Number(flags[at + 1]);
};
const STREAMS = option("--streams", 16);
const TOKENS = option("--generate", 96);
const LONG = option("--long-prompt", 4096);
const ROUNDS = option("--rounds", 2);

const home = mkdtempSync(join(tmpdir(), "sputnik-bench-"));
const environment = { ...process.env, XDG_STATE_HOME: home, XDG_CACHE_HOME: home, XDG_CONFIG_HOME: home };

async function startServer(more = []) {
  const child = spawn(program, ["serve", model, "--port", "0", "--log-level", "off", "--max-sequences",
    String(STREAMS + 1), ...more], { env: environment, stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  const port = await new Promise((resolve, reject) => {
    child.stderr.on("data", (chunk) => {
      said += chunk;
      const match = said.match(/127\.0\.0\.1:(\d+)\n/);
      if (match) resolve(Number(match[1]));
    });
    child.on("exit", () => reject(new Error(said)));
  });
  child.removeAllListeners("exit");
  return {
    url: `http://127.0.0.1:${port}`,
    pid: child.pid,
    stop: () => new Promise((resolve) => { child.on("exit", resolve); child.kill("SIGINT"); }),
  };
}

let next = 1;
/** A prompt of n tokens that no other begins like. */
const promptOf = (n) => {
  const first = (next += 7);
  return Array.from({ length: n }, (_, i) => 300 + ((first * 7919 + i * 104729) % 20000));
};

/** Times of the tokens of one answer, in ms; and the usage. */
async function generate(server, prompt, maxTokens, { signal, user } = {}) {
  const asked = performance.now();
  const reply = await fetch(`${server.url}/v1/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    signal,
    body: JSON.stringify({ prompt, max_tokens: maxTokens, stream: true, seed: 1, temperature: 1, top_p: 1, user,
      stream_options: { include_usage: true } }),
  });
  if (!reply.ok) throw new Error(`${reply.status}: ${await reply.text()}`);
  // Random weights write random bytes: some tokens complete no character, and come with the next one.
  const times = [];
  let usage, buffer = "";
  const decoder = new TextDecoder();
  for await (const chunk of reply.body) {
    const now = performance.now();
    buffer += decoder.decode(chunk, { stream: true });
    for (let end; (end = buffer.indexOf("\n\n")) >= 0; buffer = buffer.slice(end + 2)) {
      const line = buffer.slice(0, end).split("\n").find((l) => l.startsWith("data: "));
      if (!line || line === "data: [DONE]") continue;
      const data = JSON.parse(line.slice(6));
      if (data.usage) usage = data.usage;
      if (data.choices?.[0]?.text) times.push(now);
    }
  }
  return { asked, times, usage };
}

const median = (values) => values.slice().sort((a, b) => a - b)[Math.floor(values.length / 2)];
const percentile = (values, p) => values.slice().sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * p))];

/** Tokens per second of n streams, by the server's own count while all of them are written. The clients are curl: on a machine
 *  of two cores a client that parses JSON would be measured too. */
async function streams(server, n) {
  const clients = Array.from({ length: n }, () => spawn("curl", ["-sN", "-o", "/dev/null", `${server.url}/v1/completions`,
    "-H", "content-type: application/json", "-d", JSON.stringify({ prompt: promptOf(32), max_tokens: 4 * TOKENS, stream: true,
      seed: 1, temperature: 1, top_p: 1 })]));
  const counted = async () => [performance.now(), await metric(server, "sputnik_token_gap_seconds_count")];
  // All prompts have been read when every stream has had a second token.
  while ((await metric(server, "sputnik_sequences_running")) < n || (await metric(server, "sputnik_time_to_first_token_seconds_count")) < begun + n)
    await new Promise((resolve) => setTimeout(resolve, 50));
  begun += n;
  const [t0, n0] = await counted();
  await new Promise((resolve) => setTimeout(resolve, 8000));
  const [t1, n1] = await counted();
  for (const client of clients) client.kill();
  while ((await metric(server, "sputnik_sequences_running")) > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  return (1000 * (n1 - n0)) / (t1 - t0);
}
let begun = 0;

async function metric(server, name) {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  return Number(text.match(new RegExp(`^${name} (\\S+)`, "m"))[1]);
}

const bench = (sequences) => JSON.parse(execFileSync(program, ["bench", "--model", model, "--sequences", String(sequences),
  "--prompt", sequences > 1 ? "32" : "0", "--generate", String(TOKENS), "--repetitions", "1", "--json"]).toString()).decode_tokens_per_s.median;

/** llama.cpp, sequences at once, through its addon: nothing but llama_decode. */
const peer = (sequences) => process.env.SPUTNIK_BENCH_PEER && JSON.parse(execFileSync(process.execPath,
  [join(dirname(fileURLToPath(import.meta.url)), "llama.mjs"), "--model", model, "--sequences", String(sequences), "--prompt",
    sequences > 1 ? "32" : "0", "--generate", String(TOKENS), "--repetitions", "1"]).toString()).decode_tokens_per_s.median;

const rows = [];
const say = (what, value) => { rows.push([what, value]); console.error(`${what}: ${value}`); };

for (let round = 0; round < ROUNDS; ++round) {
  const server = await startServer(["--no-speculation", "--disk-cache", "0"]);
  begun = 0;
  const one = await streams(server, 1), many = await streams(server, STREAMS);
  await server.stop();
  const engineOne = bench(1), engineMany = bench(STREAMS);
  say("one stream, tokens/s", `${one.toFixed(1)}; the engine alone ${engineOne.toFixed(1)} (${(100 * one / engineOne).toFixed(0)} %)`);
  say(`${STREAMS} streams, tokens/s`, `${many.toFixed(1)} (${(many / one).toFixed(2)} x one); the engine alone ${engineMany.toFixed(1)} (${(100 * many / engineMany).toFixed(0)} %)`);
  const [peerOne, peerMany] = [peer(1), peer(STREAMS)];
  if (peerMany) say("llama.cpp alone, tokens/s", `${peerOne.toFixed(1)}, ${STREAMS} sequences ${peerMany.toFixed(1)} (${(peerMany / peerOne).toFixed(2)} x one)`);
}

{
  const server = await startServer(["--no-speculation", "--disk-cache", "0"]);
  const streams = Array.from({ length: STREAMS }, () => generate(server, promptOf(32), 4 * TOKENS));
  await new Promise((resolve) => setTimeout(resolve, 6000));
  const begin = performance.now();
  const long = await generate(server, promptOf(LONG), 1);
  const end = long.times[0];
  const answers = await Promise.all(streams);
  const gaps = [], before = [];
  for (const { times } of answers) {
    for (let i = 1; i < times.length; ++i) {
      if (times[i - 1] > begin && times[i] < end) gaps.push(times[i] - times[i - 1]);
      if (i > 8 && times[i] < begin) before.push(times[i] - times[i - 1]);
    }
  }
  say(`gap between tokens of ${STREAMS} streams, ms`, `median ${median(before).toFixed(0)}`);
  say(`the same while ${LONG} tokens are read beside them, ms`,
    `median ${median(gaps).toFixed(0)}, p99 ${percentile(gaps, 0.99).toFixed(0)} (${(percentile(gaps, 0.99) / median(gaps)).toFixed(2)} x); read in ${((end - begin) / 1000).toFixed(1)} s`);
  // Cancelling: nothing more is computed.
  const controller = new AbortController();
  const cancelled = generate(server, promptOf(64), 2000, { signal: controller.signal }).catch(() => {});
  await new Promise((resolve) => setTimeout(resolve, 2000));
  controller.abort();
  await cancelled;
  const stopped = performance.now();
  while ((await metric(server, "sputnik_sequences_running")) > 0) await new Promise((r) => setTimeout(r, 1));
  say("from the client's leaving to nothing being computed, ms", (performance.now() - stopped).toFixed(0));
  await server.stop();
}

{
  let server = await startServer(["--no-speculation"]);
  const lengths = [512, 2048, 4096];
  const prompts = lengths.map((n) => promptOf(n));
  for (const prompt of prompts) await generate(server, prompt, 1, { user: "a" });
  const second = async (label) => {
    for (const [i, prompt] of prompts.entries()) {
      const turn = [...prompt, ...promptOf(16)];
      const { asked, times, usage } = await generate(server, turn, 1, { user: "a" });
      say(`second turn after ${lengths[i]} tokens, ${label}`,
        `${(times[0] - asked).toFixed(0)} ms to the first token, ${usage.prompt_cache_hit_tokens ?? usage.prompt_tokens_details?.cached_tokens} of ${usage.prompt_tokens} tokens cached`);
    }
  };
  await second("memory");
  await second("memory, again");
  await server.stop();
  server = await startServer(["--no-speculation"]);
  await second("disk, after a restart");
  await server.stop();
}

rmSync(home, { recursive: true });
console.log("| what | figure |\n|---|---|");
for (const [what, value] of rows) console.log(`| ${what} | ${value} |`);
