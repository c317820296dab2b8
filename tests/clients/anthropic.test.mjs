import assert from "node:assert/strict";
import test from "node:test";
import Anthropic, { APIUserAbortError, BadRequestError, NotFoundError } from "@anthropic-ai/sdk";
import { answerSchema, assertAnswer, assertEnds, assertWeatherArguments, key, model, skip, thinks, tools, turnsOff, url, weather } from "./common.mjs";

const client = new Anthropic({ baseURL: `${url}/anthropic`, apiKey: key, maxRetries: 0 });
const messages = [{ role: "user", content: "What is 2 + 3?" }];
const short = { model, messages, max_tokens: 200, temperature: 0 };
const offer = { name: weather.name, description: weather.description, input_schema: weather.parameters, strict: true };

test("answers with a message of blocks", { skip }, async () => {
  const message = await client.messages.create({ ...short, system: "Be brief." });
  assert.equal(message.type, "message");
  assert.equal(message.role, "assistant");
  assert.equal(message.model, model);
  assert.ok(["end_turn", "max_tokens"].includes(message.stop_reason));
  assert.ok(message.content.length > 0);
  assert.ok(message.usage.output_tokens > 0 && message.usage.output_tokens <= 200);
});

test("streams events in their order, to the same message", { skip }, async () => {
  const whole = await client.messages.create(short);
  const types = [];
  const stream = client.messages.stream(short).on("streamEvent", (event) => types.push(event.type));
  const message = await stream.finalMessage();
  assert.deepEqual(message.content, whole.content);
  assert.equal(message.stop_reason, whole.stop_reason);
  assert.equal(types[0], "message_start");
  assert.deepEqual(types.slice(-2), ["message_delta", "message_stop"]);
  const starts = types.filter((type) => type === "content_block_start").length;
  assert.equal(types.filter((type) => type === "content_block_stop").length, starts);
  assert.equal(starts, whole.content.length);
});

test("shows signed thoughts, and keeps their budget", thinks, async () => {
  const message = await client.messages.create({ ...short, thinking: { type: "enabled", budget_tokens: 16 } });
  assert.equal(message.content[0].type, "thinking");
  assert.ok(message.content[0].thinking.length > 0);
  assert.ok(message.content[0].signature.length > 0);
  const again = await client.messages.create({
    ...short, messages: [...messages, { role: "assistant", content: message.content }, { role: "user", content: "And 3 + 4?" }],
  });
  assert.ok(again.content.length > 0);
});

test("turns thinking off", turnsOff, async () => {
  const message = await client.messages.create({ ...short, thinking: { type: "disabled" } });
  assert.ok(message.content.every((block) => block.type !== "thinking"));
});

test("calls a tool and takes its result", tools, async () => {
  const ask = { role: "user", content: "How warm is it in Paris?" };
  const message = await client.messages.create({
    ...short, max_tokens: 600, messages: [ask], tools: [offer], tool_choice: { type: "tool", name: "get_weather" },
    thinking: { type: "enabled", budget_tokens: 50 },
  });
  assert.equal(message.stop_reason, "tool_use");
  const use = message.content.find((block) => block.type === "tool_use");
  assertWeatherArguments(use.input);
  const answer = await client.messages.create({
    ...short, tools: [offer],
    messages: [ask, { role: "assistant", content: message.content }, { role: "user", content: [{ type: "tool_result", tool_use_id: use.id, content: "21" }] }],
  });
  assert.ok(answer.stop_reason);
});

test("streams the arguments of a call", tools, async () => {
  const message = await client.messages.stream({
    ...short, max_tokens: 600, messages: [{ role: "user", content: "How warm is it in Paris?" }], tools: [offer],
    tool_choice: { type: "any" }, thinking: { type: "enabled", budget_tokens: 50 },
  }).finalMessage();
  assertWeatherArguments(message.content.find((block) => block.type === "tool_use").input);
});

test("writes JSON of a schema", { skip }, async () => {
  const message = await client.messages.create({
    ...short, max_tokens: 400, thinking: { type: "enabled", budget_tokens: 50 },
    output_config: { format: { type: "json_schema", schema: answerSchema } },
  });
  if (message.stop_reason === "end_turn") assertAnswer(message.content.find((block) => block.type === "text").text);
});

test("counts tokens as it will use them", { skip }, async () => {
  const { input_tokens: counted } = await client.messages.countTokens({ model, messages });
  const { usage } = await client.messages.create(short);
  assert.equal(counted, usage.input_tokens + usage.cache_read_input_tokens);
});

test("says what is wrong", { skip }, async () => {
  await assert.rejects(client.messages.create({ ...short, temperature: 5 }), (error) => {
    assert.ok(error instanceof BadRequestError);
    assert.equal(error.error.error.type, "invalid_request_error");
    return true;
  });
  await assert.rejects(client.messages.create({ ...short, thinking: { type: "enabled", budget_tokens: 200 } }), BadRequestError);
  await assert.rejects(client.messages.create({ ...short, model: "no-such-model" }), NotFoundError);
});

test("ends when its client leaves", { skip }, async () => {
  let id;
  const stream = await client.messages.create({ ...short, max_tokens: 2000, stream: true });
  for await (const event of stream) {
    if (event.type === "message_start") id = event.message.id;
    if (event.type === "content_block_delta") break;
  }
  if (id) await assertEnds(id);
  const controller = new AbortController();
  const pending = client.messages.create({ ...short, max_tokens: 2000 }, { signal: controller.signal });
  setTimeout(() => controller.abort(), 1);
  await assert.rejects(pending, APIUserAbortError);
});
