import assert from "node:assert/strict";
import test from "node:test";
import { Ollama } from "ollama";
import { answerSchema, assertAnswer, assertWeatherArguments, key, model, skip, thinks, tools, turnsOff, url, weather } from "./common.mjs";

const client = new Ollama({ host: url, headers: { authorization: `Bearer ${key}` } });
const messages = [{ role: "user", content: "What is 2 + 3?" }];
const options = { num_predict: 200, temperature: 0, seed: 1 };

test("describes models", { skip }, async () => {
  const { models } = await client.list();
  assert.ok(models.some((entry) => entry.name === model));
  const shown = await client.show({ model });
  assert.ok(shown.capabilities.includes("completion"));
  assert.ok(shown.details.parameter_size.length > 0);
  assert.ok((await client.ps()).models.length > 0);
});

test("chats in one piece and streams the same", { skip }, async () => {
  const whole = await client.chat({ model, messages, options });
  assert.equal(whole.done, true);
  assert.ok(["stop", "length"].includes(whole.done_reason));
  assert.ok(whole.eval_count > 0 && whole.eval_count <= 200);
  assert.ok(whole.eval_duration > 0 && whole.total_duration >= whole.eval_duration);
  let content = "", thinking = "", last;
  for await (const part of await client.chat({ model, messages, options, stream: true })) {
    content += part.message.content;
    thinking += part.message.thinking ?? "";
    last = part;
  }
  assert.equal(content, whole.message.content);
  assert.equal(thinking, whole.message.thinking ?? "");
  assert.equal(last.done, true);
  assert.equal(last.eval_count, whole.eval_count);
});

test("thinks if told to", thinks, async () => {
  const { message } = await client.chat({ model, messages, options, think: true });
  assert.ok(message.thinking.length > 0);
});

test("does not think if told not to", turnsOff, async () => {
  const { message } = await client.chat({ model, messages, options, think: false });
  assert.equal(message.thinking ?? "", "");
});

test("generates with and without the template", { skip }, async () => {
  const answer = await client.generate({ model, prompt: "What is 2 + 3?", options });
  assert.equal(typeof answer.response, "string");
  const raw = await client.generate({ model, prompt: "1 2 3 4", raw: true, options: { ...options, num_predict: 4 } });
  assert.ok(raw.eval_count <= 4);
});

test("writes JSON of a schema", { skip }, async () => {
  const answer = await client.chat({ model, messages, format: answerSchema, think: "minimal", options: { ...options, num_predict: 600 } });
  if (answer.done_reason === "stop") assertAnswer(answer.message.content);
});

test("calls tools", tools, async () => {
  const ask = { role: "user", content: "How warm is it in Paris? Use the tool." };
  const { message } = await client.chat({
    model, messages: [ask], options: { ...options, num_predict: 600 }, think: "minimal", tools: [{ type: "function", function: weather }],
  });
  // Nothing in this API can demand a call.
  for (const call of message.tool_calls ?? []) {
    assert.equal(call.function.name, "get_weather");
    assertWeatherArguments(call.function.arguments);
  }
  const next = await client.chat({
    model, options, messages: [ask, { role: "assistant", content: "", tool_calls: [{ function: { name: "get_weather", arguments: { city: "Paris", unit: "celsius" } } }] },
      { role: "tool", tool_name: "get_weather", content: "21" }],
  });
  assert.equal(next.done, true);
});

test("embeds texts", { skip }, async () => {
  const { embeddings } = await client.embed({ model, input: ["one", "two"] });
  assert.equal(embeddings.length, 2);
  assert.ok(Math.abs(Math.hypot(...embeddings[0]) - 1) < 1e-3);
});

test("says what is wrong", { skip }, async () => {
  await assert.rejects(client.chat({ model: "no-such-model", messages }), (error) => {
    assert.equal(error.status_code, 404);
    assert.ok(error.message.length > 0);
    return true;
  });
  await assert.rejects(client.chat({ model, messages, options: { temperature: 9 } }), /temperature/);
});

test("can be aborted", { skip }, async () => {
  const stream = await client.chat({ model, messages, options: { num_predict: 2000 }, stream: true });
  await assert.rejects(async () => {
    for await (const part of stream) {
      assert.ok(part);
      stream.abort();
    }
  }, { name: "AbortError" });
  assert.ok((await client.chat({ model, messages, options: { num_predict: 4 } })).done);
});
