import assert from "node:assert/strict";
import test from "node:test";
import { ApiError, FunctionCallingConfigMode, GoogleGenAI, Type } from "@google/genai";
import { answerSchema, assertAnswer, assertWeatherArguments, key, model, skip, thinks, tools, turnsOff, url, weather } from "./common.mjs";

const client = new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: url } });
const contents = "What is 2 + 3?";
const config = { maxOutputTokens: 200, temperature: 0, seed: 1 };
const declaration = {
  name: weather.name, description: weather.description,
  parameters: {
    type: Type.OBJECT, required: ["city", "unit"],
    properties: { city: { type: Type.STRING, enum: ["Paris", "London"] }, unit: { type: Type.STRING, enum: ["celsius", "fahrenheit"] } },
  },
};

test("lists and describes models", { skip }, async () => {
  const names = [];
  for await (const entry of await client.models.list()) names.push(entry.name);
  assert.ok(names.includes(`models/${model}`));
  assert.equal((await client.models.get({ model })).name, `models/${model}`);
});

test("answers in one piece", { skip }, async () => {
  const answer = await client.models.generateContent({ model, contents, config: { ...config, systemInstruction: "Be brief." } });
  assert.equal(typeof answer.text, "string");
  assert.ok(["STOP", "MAX_TOKENS"].includes(answer.candidates[0].finishReason));
  const usage = answer.usageMetadata;
  assert.equal(usage.totalTokenCount, usage.promptTokenCount + usage.candidatesTokenCount + usage.thoughtsTokenCount);
  assert.ok(usage.totalTokenCount - usage.promptTokenCount <= 200);
});

test("streams the same answer", { skip }, async () => {
  const whole = await client.models.generateContent({ model, contents, config });
  let text = "", last;
  for await (const chunk of await client.models.generateContentStream({ model, contents, config })) {
    text += chunk.text ?? "";
    last = chunk;
  }
  assert.equal(text, whole.text);
  assert.equal(last.candidates[0].finishReason, whole.candidates[0].finishReason);
  assert.equal(last.usageMetadata.totalTokenCount, whole.usageMetadata.totalTokenCount);
});

test("shows thoughts if asked, and keeps their budget", thinks, async () => {
  const answer = await client.models.generateContent({
    model, contents, config: { ...config, thinkingConfig: { includeThoughts: true, thinkingBudget: 16 } },
  });
  assert.equal(answer.candidates[0].content.parts[0].thought, true);
  assert.ok(answer.usageMetadata.thoughtsTokenCount <= 16);
});

test("turns thinking off", turnsOff, async () => {
  const answer = await client.models.generateContent({
    model, contents, config: { ...config, thinkingConfig: { includeThoughts: true, thinkingBudget: 0 } },
  });
  assert.equal(answer.usageMetadata.thoughtsTokenCount, 0);
});

test("writes JSON of either kind of schema", { skip }, async () => {
  const google = { type: Type.OBJECT, properties: { answer: { type: Type.INTEGER }, sure: { type: Type.BOOLEAN } }, required: ["answer", "sure"] };
  for (const schema of [{ responseSchema: google }, { responseJsonSchema: answerSchema }]) {
    const answer = await client.models.generateContent({
      model, contents,
      config: { ...config, ...schema, maxOutputTokens: 400, responseMimeType: "application/json", thinkingConfig: { thinkingBudget: 50 } },
    });
    if (answer.candidates[0].finishReason === "STOP") assertAnswer(answer.text);
  }
});

test("calls a function and takes its result", tools, async () => {
  const ask = { role: "user", parts: [{ text: "How warm is it in Paris?" }] };
  const first = await client.models.generateContent({
    model, contents: [ask],
    config: {
      ...config, maxOutputTokens: 600, tools: [{ functionDeclarations: [declaration] }], thinkingConfig: { thinkingBudget: 50 },
      toolConfig: { functionCallingConfig: { mode: FunctionCallingConfigMode.ANY } },
    },
  });
  const call = first.functionCalls[0];
  assert.equal(call.name, "get_weather");
  assertWeatherArguments(call.args);
  const second = await client.models.generateContent({
    model, config: { ...config, tools: [{ functionDeclarations: [declaration] }] },
    contents: [ask, first.candidates[0].content, { role: "user", parts: [{ functionResponse: { id: call.id, name: call.name, response: { output: 21 } } }] }],
  });
  assert.ok(second.candidates[0].finishReason);
});

test("keeps a chat", { skip }, async () => {
  const chat = client.chats.create({ model, config });
  await chat.sendMessage({ message: "What is 2 + 3?" });
  let text = "";
  for await (const chunk of await chat.sendMessageStream({ message: "And 3 + 4?" })) text += chunk.text ?? "";
  assert.equal(typeof text, "string");
});

test("counts tokens and embeds texts", { skip }, async () => {
  assert.ok((await client.models.countTokens({ model, contents })).totalTokens > 0);
  const { embeddings } = await client.models.embedContent({ model, contents: ["one", "two"] });
  assert.equal(embeddings.length, 2);
  assert.ok(Math.abs(Math.hypot(...embeddings[0].values) - 1) < 1e-3);
});

test("says what is wrong", { skip }, async () => {
  await assert.rejects(client.models.generateContent({ model, contents, config: { temperature: 7 } }), (error) => {
    assert.ok(error instanceof ApiError);
    assert.equal(error.status, 400);
    assert.match(error.message, /INVALID_ARGUMENT/);
    return true;
  });
  await assert.rejects(client.models.generateContent({ model: "no-such-model", contents }), (error) => error.status === 404);
});

test("can be aborted", { skip }, async () => {
  const controller = new AbortController();
  const pending = client.models.generateContent({ model, contents, config: { maxOutputTokens: 2000, abortSignal: controller.signal } });
  setTimeout(() => controller.abort(), 1);
  await assert.rejects(pending, /abort/i);
});
