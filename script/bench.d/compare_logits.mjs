// Compares Sputnik and llama.cpp on GGUF files: tokenizer, chat template, probabilities, greedy text. Started by
// script/compare_logits.
//
// The addon gives probabilities, not logits, so logarithms of probabilities are compared. Weights and cache are float32
// in both engines for an F32 file; llama.cpp rounds activations to 8 bits for Q8_0 and to 16 for F16, so what it may
// differ by depends on the file's type.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { loadAddon, loadModel, release } from "./llama_addon.mjs";

const { values: options, positionals: files } = parseArgs({
  allowPositionals: true,
  options: {
    sputnik: { type: "string" },
    tokens: { type: "string", default: "96" },
    generate: { type: "string", default: "32" },
    json: { type: "boolean", default: false },
  },
});
if (files.length === 0 || !options.sputnik || !process.env.SPUTNIK_BENCH_PEER) {
  console.error("usage: script/compare_logits [MODEL.gguf...] [--tokens 96] [--generate 32] [--json]");
  process.exit(2);
}
const [nTokens, nGenerate] = [Number(options.tokens), Number(options.generate)];
process.on("uncaughtException", (error) => {
  console.error(`error: ${error.message}`);
  process.exit(1);
});

// Mean of |difference of log probabilities| over all tokens of the vocabulary and all positions.
const kMeanTolerance = { F32: 1e-4, F16: 2e-3, BF16: 2e-2, Q8_0: 2e-2, Q4_K: 0.1, Q6_K: 0.05, Q4_0: 0.1 };
// Where the two best of Sputnik are closer than this, either is greedy.
const kTie = 4;  // times the tolerance

const folder = mkdtempSync(path.join(os.tmpdir(), "compare-logits-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
const sputnik = (args, input) =>
  execFileSync(options.sputnik, args, { encoding: "utf8", input, maxBuffer: 1 << 28, stdio: ["pipe", "pipe", "pipe"] });
const lines = (text) => text.trimEnd().split("\n").map((line) => JSON.parse(line));

let state = 20250120;
const random = (n) => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * n);
};
const pick = (list) => list[random(list.length)];

// What pre-tokenizers are known to differ in.
const kFragments = [
  "Hello", "world", " the", " I'm", "we'll", "THEY'RE", "don't", "'s", "'S", " '", "1", "23", "456", "7890123", " 42", "3.14", "1,000",
  "½", "²", "Ⅷ", "٣", " ", "  ", "   ", "\n", "\n\n", " \n", "\t", "\r\n", "\u00a0", "\u3000", "\u200b", "é", "e\u0301", "naïve",
  "日本語", "中文", "한국어", "Привет", "العربية", "😀", "👩‍👩‍👧", "a_b", "x+y=z", "(", ")", "...", "!?", "—", "“q”", "$5", "#", "<", ">",
  "<think>x", "foo.bar()", "ﬁ", "Ǆ", "\u0000", "ß", "İ", "_", "----", "if (x == 1) {", "    return;", "}", "A.", "U.S.",
];
const texts = Array.from({ length: 600 }, () => Array.from({ length: 1 + random(8) }, () => pick(kFragments)).join(""))
  .filter((text) => !text.includes("<think>") && !text.includes("\u0000"));

const kConversations = [
  [{ role: "user", content: "What is 2+2?" }],
  [{ role: "system", content: "Be brief." }, { role: "user", content: "Hi" }],
  [{ role: "user", content: "Hi" }, { role: "assistant", content: "<think>\nHm.\n</think>\n\nHello!" }, { role: "user", content: "Bye\n" }],
  [{ role: "system", content: "A" }, { role: "user", content: "" }, { role: "assistant", content: "B" }, { role: "user", content: "C" }],
];

const llama = await loadAddon();

function compareTokenizer(model, file) {
  const input = texts.map((text) => JSON.stringify(text)).join("\n");
  const ours = lines(sputnik(["tokenize", "--model", file, "--jsonl"], input));
  const different = texts.filter((text, i) => {
    const theirs = Array.from(model.tokenize(text, false));
    return JSON.stringify(theirs) !== JSON.stringify(ours[i]);
  });
  return { texts: texts.length, different: different.length, example: different[0] };
}

// The template is in the file; llama.cpp's own Jinja runs it.
function compareTemplate(model, file, template) {
  const renderer = new llama.AddonJinjaRenderer(template);
  const requests = kConversations.flatMap((messages) => [true, false].map((add_generation_prompt) => ({ messages, add_generation_prompt })));
  const ours = lines(sputnik(["tokenize", "--model", file, "--chat"], requests.map((r) => JSON.stringify(r)).join("\n")));
  const bos = model.getTokenString(model.tokenBos());
  const eos = model.getTokenString(model.tokenEos());
  const different = requests.filter((request, i) => {
    const text = renderer.render({ ...request, bos_token: bos, eos_token: eos });
    const ids = Array.from(model.tokenize(text, true));
    return text !== ours[i].text || JSON.stringify(ids) !== JSON.stringify(ours[i].ids);
  });
  return { conversations: requests.length, different: different.length, example: different[0] };
}

const logSoftmax = (row) => {
  const largest = row.reduce((a, b) => Math.max(a, b), -Infinity);
  const sum = row.reduce((a, b) => a + Math.exp(b - largest), 0);
  return row.map((x) => x - largest - Math.log(sum));
};

async function theirLogProbabilities(model, tokens) {
  const context = new llama.AddonContext(model, {
    contextSize: 512, batchSize: 512, sequences: 1, threads: 1, flashAttention: false, kvCacheKeyType: 0, kvCacheValueType: 0,
  });
  if (!(await context.init())) throw new Error("llama.cpp makes no context");
  const sampler = new llama.AddonSampler(model);
  sampler.applyConfig({ temperature: 0 });
  const all = new Uint32Array(tokens.length).map((_, i) => i);
  context.initBatch(tokens.length);
  const places = context.addToBatch(0, 0, Uint32Array.from(tokens), all);
  await context.decodeBatch();
  const rows = [];
  for (const place of places) {
    const [, pairs] = await context.sampleToken(place, sampler, true, false);
    const row = new Float64Array(pairs.length / 2);
    for (let i = 0; i < pairs.length; i += 2) row[pairs[i]] = Math.log(pairs[i + 1]);
    rows.push(row);
  }
  // Greedy, one token at a time, through the cache.
  const greedy = [];
  let place = places.at(-1);
  for (let i = 0; i < nGenerate; ++i) {
    const [token] = await context.sampleToken(place, sampler, true, false);
    greedy.push(token);
    if (i + 1 === nGenerate) break;
    context.initBatch(1);
    [place] = context.addToBatch(0, tokens.length + i, Uint32Array.from([token]), new Uint32Array([0]));
    await context.decodeBatch();
  }
  await context.dispose();
  return { rows, greedy };
}

function ourLogProbabilities(file, tokens, nVocab) {
  const [input, output] = [path.join(folder, "tokens.json"), path.join(folder, "logits")];
  writeFileSync(input, JSON.stringify(tokens));
  sputnik(["logits", "--model", file, "--tokens", input, "--output", output]);
  const bytes = readFileSync(output);
  const logits = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  if (logits.length !== tokens.length * nVocab) throw new Error(`Sputnik gives ${logits.length} logits, not ${tokens.length * nVocab}`);
  return tokens.map((_, i) => logSoftmax(Float64Array.from(logits.subarray(i * nVocab, (i + 1) * nVocab))));
}

async function compareProbabilities(model, file, tolerance) {
  const nVocab = JSON.parse(sputnik(["show", file, "--json"])).vocab_size;
  const bos = model.tokenBos();
  const tokens = [bos, ...Array.from({ length: nTokens - 1 }, () => random(nVocab))];
  const { rows: theirs, greedy } = await theirLogProbabilities(model, tokens);
  const ours = ourLogProbabilities(file, [...tokens, ...greedy.slice(0, -1)], nVocab);
  let [sum, n, largest] = [0, 0, 0];
  let bestDiffers = 0;
  const best = (row) => row.reduce((b, x, i) => (x > row[b] ? i : b), 0);
  theirs.forEach((row, i) => {
    if (row.length !== nVocab) throw new Error(`llama.cpp has ${row.length} tokens, not ${nVocab}`);
    bestDiffers += best(row) !== best(ours[i]) ? 1 : 0;
    row.forEach((x, token) => {
      if (x === -Infinity) return;  // less than a float of the addon holds
      const difference = Math.abs(x - ours[i][token]);
      largest = Math.max(largest, difference);
      sum += difference;
      ++n;
    });
  });
  // What llama.cpp chose must be what Sputnik would have chosen there.
  const wrong = greedy.filter((token, i) => {
    const row = ours[tokens.length - 1 + i];
    return row[best(row)] - row[token] > kTie * tolerance;
  });
  const differentGreedy = greedy.filter((token, i) => best(ours[tokens.length - 1 + i]) !== token).length;
  return { positions: tokens.length, mean_difference: sum / n, largest_difference: largest, best_differs: bestDiffers,
    greedy_tokens: greedy.length, greedy_differs: differentGreedy, greedy_wrong: wrong.length };
}

/** The chat template of a GGUF file, from the metadata at its beginning. */
function templateOf(file) {
  const bytes = readFileSync(file);
  let at = 24;  // behind magic, version and counts
  const u32 = () => bytes.readUInt32LE((at += 4) - 4);
  const u64 = () => Number(bytes.readBigUInt64LE((at += 8) - 8));
  const sizes = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8];  // by type; 8 is a string, 9 an array
  const string = () => {
    const n = u64();
    return bytes.toString("utf8", at, (at += n));
  };
  const skip = (type) => {
    if (type === 8) return void string();
    if (type !== 9) return void (at += sizes[type]);
    const inner = u32();
    for (let n = u64(); n > 0; --n) skip(inner);
  };
  for (let n = Number(bytes.readBigUInt64LE(16)); n > 0; --n) {
    const key = string();
    const type = u32();
    if (key === "tokenizer.chat_template" && type === 8) return string();
    skip(type);
  }
  return "";
}

const reports = [];
for (const file of files) {
  const model = await loadModel(llama, file);
  const { types } = JSON.parse(sputnik(["show", file, "--json"]));
  const type = Object.entries(types).sort((a, b) => b[1].bytes - a[1].bytes)[0][0];
  const tolerance = kMeanTolerance[type] ?? 0.1;
  const report = { model: path.basename(file), type, release: release(), tolerance };
  report.tokenizer = compareTokenizer(model, file);
  const template = templateOf(file);
  if (template) report.template = compareTemplate(model, file, template);
  report.probabilities = await compareProbabilities(model, file, tolerance);
  report.ok = report.tokenizer.different === 0 && (report.template?.different ?? 0) === 0 &&
    report.probabilities.mean_difference <= tolerance && report.probabilities.greedy_wrong === 0;
  reports.push(report);
  await model.dispose();
}

if (options.json) {
  console.log(JSON.stringify(reports, null, 2));
} else {
  console.log(`llama.cpp ${release()}`);
  for (const { model, type, tokenizer, template, probabilities: p, tolerance, ok } of reports) {
    console.log(`\n${model} (${type}): ${ok ? "the same" : "DIFFERENT"}`);
    const example = (part) => part.different > 0 ? `, for example ${JSON.stringify(part.example)}` : "";
    console.log(`  tokens of ${tokenizer.texts} texts: ${tokenizer.different} differ${example(tokenizer)}`);
    if (template) console.log(`  prompts of ${template.conversations} chats: ${template.different} differ${example(template)}`);
    console.log(`  log probabilities at ${p.positions} positions: mean difference ${p.mean_difference.toExponential(1)} ` +
      `(at most ${tolerance} is accepted), largest ${p.largest_difference.toExponential(1)}; best token differs at ${p.best_differs}`);
    console.log(`  greedy tokens: ${p.greedy_differs} of ${p.greedy_tokens} differ, ${p.greedy_wrong} of them by more than a tie`);
  }
}
process.exit(reports.every((report) => report.ok) ? 0 : 1);  // the addon's threads need not be waited for
