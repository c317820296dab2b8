// Measures llama.cpp on a GGUF file the way `sputnik bench` measures Sputnik, and prints the same JSON.
//
//   node llama.mjs --model PATH [--prompt 512] [--generate 64] [--depth 0] [--threads 2] [--repetitions 3] [--sequences 1]
//                  [--flash on|off] [--mmap on|off] [--vocab 30000]
//
// It is driven through its addon: one call of decodeBatch() is one llama_decode() and one llama_synchronize(), as in
// llama-bench. No sampler, no detokeniser, no queue stands between.
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { binaries, loadAddon, loadModel, packageFolder, release } from "./llama_addon.mjs";

const { values: options } = parseArgs({
  options: {
    model: { type: "string" },
    prompt: { type: "string", default: "512" },
    generate: { type: "string", default: "64" },
    depth: { type: "string", default: "0" },
    sequences: { type: "string", default: "1" },  // more: so many at once, as `sputnik bench --sequences`
    threads: { type: "string", default: "2" },
    repetitions: { type: "string", default: "3" },
    flash: { type: "string", default: "on" },
    mmap: { type: "string", default: "on" },
    vocab: { type: "string", default: "30000" },  // token ids are below; every full-size model has that many
    verbose: { type: "boolean", default: false },
  },
});
process.on("uncaughtException", (error) => {
  console.error(`error: llama.cpp: ${error.message}`);
  process.exit(1);
});
if (!options.model || !process.env.SPUTNIK_BENCH_PEER) {
  console.error("usage: SPUTNIK_BENCH_PEER=FOLDER node llama.mjs --model PATH (script/bench does it)");
  process.exit(2);
}
const [nPrompt, nGenerate, depth, threads, repetitions, nSequences] =
  ["prompt", "generate", "depth", "threads", "repetitions", "sequences"].map((name) => Number(options[name]));
const kBatch = 512;

const llama = await loadAddon(options.verbose);

// Loading ends when the weights are in the form that decoding reads: it includes llama.cpp's repacking.
const loadStart = process.hrtime.bigint();
const model = await loadModel(llama, options.model, { useMmap: options.mmap === "on" });
const context = new llama.AddonContext(model, {
  contextSize: Math.ceil((depth + (nSequences > 1 ? nPrompt + nGenerate : Math.max(nPrompt, nGenerate)) + 8) / 256) * 256,
  batchSize: kBatch,
  sequences: nSequences,
  threads,
  flashAttention: options.flash === "on",
});
if (!(await context.init())) throw new Error("llama.cpp makes no context");
const loadSeconds = Number(process.hrtime.bigint() - loadStart) / 1e9;

// The same tokens in every run: what the experts of a mixture choose depends on them.
let state = 1;
const randomToken = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return (state >>> 8) % Number(options.vocab);
};

// Appends tokens at `position`; logits are computed for the last one alone, as for a prompt.
async function evaluate(tokens, position) {
  for (let begin = 0; begin < tokens.length; begin += kBatch) {
    const chunk = tokens.subarray(begin, Math.min(begin + kBatch, tokens.length));
    context.initBatch(chunk.length);
    context.addToBatch(0, position + begin, chunk, new Uint32Array([chunk.length - 1]));
    await context.decodeBatch();
  }
}
const randomTokens = (n) => Uint32Array.from({ length: n }, randomToken);
const rewind = () => context.removeTokenCellsFromSequence(0, depth, -1);
async function seconds(work) {
  const start = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - start) / 1e9;
}

if (depth > 0) await evaluate(randomTokens(depth), 0);
async function prefill() {
  const tokens = randomTokens(nPrompt);
  const took = await seconds(() => evaluate(tokens, depth));
  rewind();
  return nPrompt / took;
}
async function decode() {
  const tokens = randomTokens(nGenerate);
  const took = await seconds(async () => {
    for (let i = 0; i < nGenerate; ++i) await evaluate(tokens.subarray(i, i + 1), depth + i);
  });
  rewind();
  return nGenerate / took;
}

// All sequences, from prompts that differ: the passes in which each of them computes one token.
async function together() {
  for (let s = 0; s < nSequences; ++s) {
    context.initBatch(nPrompt);
    context.addToBatch(s, 0, randomTokens(nPrompt), new Uint32Array([nPrompt - 1]));
    await context.decodeBatch();
  }
  const took = await seconds(async () => {
    for (let i = 0; i < nGenerate; ++i) {
      context.initBatch(nSequences);
      for (let s = 0; s < nSequences; ++s) context.addToBatch(s, nPrompt + i, randomTokens(1), new Uint32Array([0]));
      await context.decodeBatch();
    }
  });
  for (let s = 0; s < nSequences; ++s) context.removeTokenCellsFromSequence(s, 0, -1);
  return (nSequences * nGenerate) / took;
}

const rates = { prefill: [], decode: [] };
if (nSequences > 1) {
  for (let i = 0; i < repetitions; ++i) rates.decode.push(await together());
} else if (nPrompt > 0) {
  await prefill();  // warm-up: pages in, threads started
  for (let i = 0; i < repetitions; ++i) rates.prefill.push(await prefill());
}
if (nSequences === 1 && nGenerate > 0) {
  await evaluate(randomTokens(Math.min(nGenerate, 4)), depth);
  rewind();
  for (let i = 0; i < repetitions; ++i) rates.decode.push(await decode());
}

function spread(values) {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, min: sorted[0], max: sorted.at(-1) };
}

// The library that was chosen among the instruction-set variants is the one that is mapped now.
const maps = readFileSync("/proc/self/maps", "utf8");
const variant = readdirSync(binaries).find((name) => name.startsWith("libggml-cpu-") && maps.includes(name));
console.log(JSON.stringify({
  prefill_tokens_per_s: spread(rates.prefill),
  decode_tokens_per_s: spread(rates.decode),
  load_s: loadSeconds,
  peak_rss_bytes: process.resourceUsage().maxRSS * 1024,
  release: release(),
  package_version: JSON.parse(readFileSync(path.join(packageFolder, "package.json"), "utf8")).version,
  cpu_variant: variant ?? null,
  system_info: llama.systemInfo(),
  model: model.getModelDescription(),
  memory: model.getMemoryBreakdown(),
}));
process.exit(0);  // the addon's threads need not be waited for
