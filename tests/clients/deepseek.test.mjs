// Vercel's AI SDK with its DeepSeek provider.
import assert from "node:assert/strict";
import test from "node:test";
import { createDeepSeek } from "@ai-sdk/deepseek";
import { generateText, jsonSchema, NoObjectGeneratedError, Output, streamText, tool } from "ai";
import { answerSchema, assertWeatherArguments, key, skip, thinks, tools, turnsOff, url, weather } from "./common.mjs";

// Its client refuses strict tools anywhere else.
const deepseek = createDeepSeek({ baseURL: `${url}/beta`, apiKey: key });
const ask = { prompt: "What is 2 + 3?", maxOutputTokens: 200, temperature: 0, maxRetries: 0 };

test("separates thought and answer", thinks, async () => {
  const { text, reasoningText, finishReason, usage } = await generateText({ ...ask, model: deepseek("deepseek-reasoner") });
  assert.ok(reasoningText.length > 0);
  assert.equal(typeof text, "string");
  assert.ok(["stop", "length"].includes(finishReason));
  assert.equal(usage.totalTokens, usage.inputTokens + usage.outputTokens);
});

test("streams a thought, then an answer", thinks, async () => {
  const result = streamText({ ...ask, model: deepseek("deepseek-reasoner") });
  const kinds = [];
  for await (const part of result.fullStream) {
    assert.notEqual(part.type, "error", String(part.error));
    if (part.type.endsWith("-delta") && kinds.at(-1) !== part.type) kinds.push(part.type);
  }
  assert.equal(kinds[0], "reasoning-delta");
  assert.ok(kinds.length <= 2, kinds.join());
  assert.ok((await result.usage).outputTokens > 0);
});

test("turns thinking off by the model's name and by the option", turnsOff, async () => {
  const chat = await generateText({ ...ask, model: deepseek("deepseek-chat") });
  assert.equal(chat.reasoningText ?? "", "");
  const off = await generateText({
    ...ask, model: deepseek("deepseek-reasoner"), providerOptions: { deepseek: { thinking: { type: "disabled" } } },
  });
  assert.equal(off.reasoningText ?? "", "");
});

test("says what was cached", { skip }, async () => {
  const long = { ...ask, maxOutputTokens: 4, system: "Rules: be brief. ".repeat(40), model: deepseek("deepseek-chat") };
  await generateText(long);
  const { usage } = await generateText(long);
  assert.ok(usage.cachedInputTokens > 0);
});

test("calls a tool", tools, async () => {
  const { toolCalls } = await generateText({
    ...ask, prompt: "How warm is it in Paris?", maxOutputTokens: 800, model: deepseek("deepseek-chat"), toolChoice: "required",
    tools: { get_weather: tool({ description: weather.description, inputSchema: jsonSchema(weather.parameters), strict: true }) },
  });
  assert.equal(toolCalls[0].toolName, "get_weather");
  assertWeatherArguments(toolCalls[0].input);
});

test("makes an object", { skip }, async () => {
  const pending = generateText({
    ...ask, prompt: "What is 2 + 3? Answer in JSON.", maxOutputTokens: 800, model: deepseek("deepseek-chat"),
    output: Output.object({ schema: jsonSchema(answerSchema) }),
  });
  const result = await pending.catch((error) => {
    // An answer that was cut is no object yet.
    assert.ok(NoObjectGeneratedError.isInstance(error) && error.finishReason === "length", String(error));
  });
  if (result) assert.equal(typeof result.output, "object");
});

test("can be aborted", { skip }, async () => {
  const controller = new AbortController();
  const pending = generateText({ ...ask, maxOutputTokens: 2000, model: deepseek("deepseek-chat"), abortSignal: controller.signal });
  setTimeout(() => controller.abort(), 1);
  await assert.rejects(pending, { name: "AbortError" });
});

test("reports errors of the server", { skip }, async () => {
  await assert.rejects(generateText({ ...ask, model: deepseek("no-such-model") }), (error) => {
    assert.equal(error.statusCode, 404);
    return true;
  });
});
