import assert from "node:assert/strict";
import test from "node:test";
import OpenAI, { APIUserAbortError, BadRequestError, NotFoundError } from "openai";
import {
  answerSchema, assertAnswer, assertEnds, assertWeatherArguments, card, key, model, skip, thinks, tools, turnsOff, url, weather,
} from "./common.mjs";

const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 });
const messages = [{ role: "user", content: "What is 2 + 3?" }];
const reasons = ["stop", "length", "tool_calls"];
const short = { model, messages, max_tokens: 200, temperature: 0, seed: 1 };

function assertUsage(usage) {
  assert.equal(usage.prompt_tokens, usage.prompt_cache_hit_tokens + usage.prompt_cache_miss_tokens);
  assert.equal(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens);
  assert.equal(usage.prompt_tokens_details.cached_tokens, usage.prompt_cache_hit_tokens);
  assert.equal(usage.prompt_cache_hit_tokens % 64, 0);
  assert.ok(usage.completion_tokens_details.reasoning_tokens <= usage.completion_tokens);
}

test("lists and describes models", { skip }, async () => {
  const ids = [];
  for await (const entry of client.models.list()) ids.push(entry.id);
  assert.ok(ids.includes(model));
  assert.equal((await client.models.retrieve(model)).id, model);
  await assert.rejects(client.models.retrieve("no-such-model"), NotFoundError);
});

test("answers in one piece", { skip }, async () => {
  const answer = await client.chat.completions.create(short);
  assert.equal(answer.object, "chat.completion");
  assert.equal(answer.model, model);
  assert.equal(answer.choices[0].message.role, "assistant");
  assert.equal(typeof answer.choices[0].message.content, "string");
  assert.ok(reasons.includes(answer.choices[0].finish_reason));
  assert.ok(answer.usage.completion_tokens > 0 && answer.usage.completion_tokens <= 200);
  assertUsage(answer.usage);
});

test("streams the same answer, thought first", { skip }, async () => {
  const whole = await client.chat.completions.create(short);
  const stream = await client.chat.completions.create({ ...short, stream: true, stream_options: { include_usage: true } });
  let reasoning = "", content = "", usage, finish;
  for await (const chunk of stream) {
    if (chunk.usage) usage = chunk.usage;
    const choice = chunk.choices[0];
    if (!choice) continue;
    if (choice.delta.reasoning_content) {
      assert.equal(content, "", "a thought after the answer began");
      reasoning += choice.delta.reasoning_content;
    }
    content += choice.delta.content ?? "";
    finish = choice.finish_reason ?? finish;
  }
  assert.equal(content, whole.choices[0].message.content ?? "");
  assert.equal(reasoning, whole.choices[0].message.reasoning_content ?? "");
  assert.equal(finish, whole.choices[0].finish_reason);
  assert.equal(usage.completion_tokens, whole.usage.completion_tokens);
  assertUsage(usage);
});

test("works with the stream helper", { skip }, async () => {
  const final = await client.chat.completions.stream(short).finalChatCompletion();
  assert.equal(typeof final.choices[0].message.content, "string");
});

test("thinks as deepseek-reasoner and at most as long as told", thinks, async () => {
  const answer = await client.chat.completions.create({
    ...short, model: "deepseek-reasoner", thinking: { type: "enabled", budget_tokens: 16 },
  });
  assert.equal(answer.model, model);
  assert.ok(answer.choices[0].message.reasoning_content.length > 0);
  assert.ok(answer.usage.completion_tokens_details.reasoning_tokens <= 16);
});

test("answers at once as deepseek-chat", turnsOff, async () => {
  const answer = await client.chat.completions.create({ ...short, model: "deepseek-chat" });
  assert.equal(answer.choices[0].message.reasoning_content, undefined);
  assert.equal(answer.usage.completion_tokens_details.reasoning_tokens, 0);
});

test("writes JSON of a schema, after its thought", { skip }, async () => {
  const answer = await client.chat.completions.create({
    ...short, max_tokens: 400, thinking: { type: "enabled", budget_tokens: 100 },
    response_format: { type: "json_schema", json_schema: { name: "answer", strict: true, schema: answerSchema } },
  });
  if (answer.choices[0].finish_reason === "stop") assertAnswer(answer.choices[0].message.content);
});

test("writes some JSON object", { skip }, async () => {
  const answer = await client.chat.completions.create({
    ...short, max_tokens: 400, reasoning_effort: "minimal", response_format: { type: "json_object" },
    messages: [{ role: "user", content: "Answer as JSON: what is 2 + 3?" }],
  });
  if (answer.choices[0].finish_reason === "stop") assert.equal(typeof JSON.parse(answer.choices[0].message.content), "object");
});

test("calls the tool it must call, and goes on with the result", tools, async () => {
  const offer = { tools: [{ type: "function", function: { ...weather, strict: true } }] };
  const ask = { role: "user", content: "How warm is it in Paris?" };
  const first = await client.chat.completions.create({
    ...short, ...offer, max_tokens: 500, messages: [ask], thinking: { type: "enabled", budget_tokens: 50 },
    tool_choice: { type: "function", function: { name: "get_weather" } },
  });
  assert.equal(first.choices[0].finish_reason, "tool_calls");
  const message = first.choices[0].message;
  assert.equal(message.tool_calls[0].function.name, "get_weather");
  assertWeatherArguments(JSON.parse(message.tool_calls[0].function.arguments));
  const second = await client.chat.completions.create({
    ...short, ...offer, tool_choice: "none",
    messages: [ask, message, { role: "tool", tool_call_id: message.tool_calls[0].id, content: "21" }],
  });
  assert.ok(["stop", "length"].includes(second.choices[0].finish_reason));
});

test("streams a call in pieces that make JSON", tools, async () => {
  const final = await client.chat.completions.stream({
    ...short, max_tokens: 500, tools: [{ type: "function", function: { ...weather, strict: true } }], tool_choice: "required",
    thinking: { type: "enabled", budget_tokens: 50 }, messages: [{ role: "user", content: "How warm is it in Paris?" }],
  }).finalChatCompletion();
  assertWeatherArguments(JSON.parse(final.choices[0].message.tool_calls[0].function.arguments));
});

test("gives logprobs", { skip }, async () => {
  const answer = await client.chat.completions.create({ ...short, max_tokens: 8, logprobs: true, top_logprobs: 3 });
  const { content, reasoning_content: reasoning } = answer.choices[0].logprobs;
  const all = [...(reasoning ?? []), ...content];
  assert.ok(all.length > 0);
  for (const token of all) {
    assert.ok(token.logprob <= 0);
    assert.ok(token.top_logprobs.length <= 3);
    assert.ok(token.bytes.every((byte) => byte >= 0 && byte < 256));
  }
});

test("makes several answers, and can take a vote", { skip }, async () => {
  const two = await client.chat.completions.create({ ...short, max_tokens: 20, n: 2, temperature: 1 });
  assert.deepEqual(two.choices.map((choice) => choice.index), [0, 1]);
  const vote = await client.chat.completions.create({ ...short, n: 3, temperature: 1, cons: true });
  assert.equal(vote.choices.length, 3);
  assert.ok(vote.cons.votes <= vote.cons.counted && vote.cons.counted <= 3);
});

test("goes on with a prefix", { skip }, async () => {
  const answer = await client.chat.completions.create({
    ...short, max_tokens: 20,
    messages: [...messages, { role: "assistant", prefix: true, content: "The sum of 2 and 3 is" }],
  });
  assert.equal(typeof answer.choices[0].message.content, "string");
});

test("counts a cached beginning the second time", { skip }, async () => {
  const long = { role: "system", content: "Rules: be brief. ".repeat(40) };
  const ask = { ...short, max_tokens: 4, messages: [long, ...messages] };
  await client.chat.completions.create(ask);
  const again = await client.chat.completions.create(ask);
  assert.ok(again.usage.prompt_cache_hit_tokens > 0);
});

test("says what is wrong with a request", { skip }, async () => {
  await assert.rejects(client.chat.completions.create({ ...short, temperature: 3 }), (error) => {
    assert.ok(error instanceof BadRequestError);
    assert.equal(error.status, 400);
    assert.equal(error.type, "invalid_request_error");
    assert.match(error.message, /temperature/);
    return true;
  });
  await assert.rejects(client.chat.completions.create({ ...short, messages: [{ role: "boss", content: "a" }] }), /messages\[0\]\.role/);
  await assert.rejects(client.chat.completions.create({ ...short, model: "no-such-model" }), NotFoundError);
  const length = card.context_length;
  await assert.rejects(client.chat.completions.create({
    ...short, messages: [{ role: "user", content: "a b c d ".repeat(length) }],
  }), BadRequestError);
});

test("ends when its client leaves", { skip }, async () => {
  const stream = await client.chat.completions.create({ ...short, max_tokens: 2000, stream: true });
  let id;
  for await (const chunk of stream) {
    id = chunk.id;
    break;  // closes the connection
  }
  if (id) await assertEnds(id);
  const controller = new AbortController();
  const pending = client.chat.completions.create({ ...short, max_tokens: 2000 }, { signal: controller.signal });
  setTimeout(() => controller.abort(), 1);
  await assert.rejects(pending, APIUserAbortError);
  assert.ok((await client.chat.completions.create({ ...short, max_tokens: 4 })).id);
});

test("can be listened to again, from any event on", { skip }, async () => {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const first = await fetch(`${url}/v1/chat/completions`, {
    method: "POST", headers, body: JSON.stringify({ ...short, stream: true, detached: true }),
  });
  const id = first.headers.get("x-sputnik-generation");
  await first.body.cancel();
  const read = async (after) => {
    const reply = await fetch(`${url}/v1/generations/${id}/events?after=${after}`, { headers });
    const lines = (await reply.text()).split("\n").filter((line) => line.startsWith("data: "));
    assert.equal(lines.pop(), "data: [DONE]");
    return lines.map((line) => JSON.parse(line.slice(6)).choices[0]?.delta)
      .map((delta) => (delta?.reasoning_content ?? "") + (delta?.content ?? "")).join("");
  };
  const all = await read(-1);
  const rest = await read(0);
  assert.ok(all.length > 0 && all.endsWith(rest) && rest.length < all.length);
});

test("completes texts", { skip }, async () => {
  const answer = await client.completions.create({ model, prompt: "1 2 3 4", max_tokens: 4, temperature: 0, echo: true, logprobs: 2 });
  assert.equal(answer.object, "text_completion");
  assert.ok(answer.choices[0].text.startsWith("1 2 3 4"));
  const { tokens, token_logprobs: logprobs, text_offset: offsets } = answer.choices[0].logprobs;
  assert.equal(tokens.length, logprobs.length);
  assert.equal(tokens.length, offsets.length);
});

test("speaks the Responses API", { skip }, async () => {
  const ask = { model, input: "What is 2 + 3?", max_output_tokens: 200, temperature: 0, instructions: "Be brief." };
  const whole = await client.responses.create(ask);
  assert.ok(["completed", "incomplete"].includes(whole.status));
  assert.equal(typeof whole.output_text, "string");
  assert.equal(whole.usage.total_tokens, whole.usage.input_tokens + whole.usage.output_tokens);
  const types = [];
  let text = "", final;
  for await (const event of await client.responses.create({ ...ask, stream: true })) {
    assert.equal(event.sequence_number, types.length);
    types.push(event.type);
    if (event.type === "response.output_text.delta") text += event.delta;
    if (event.type === "response.completed" || event.type === "response.incomplete") final = event.response;
  }
  assert.deepEqual(types.slice(0, 2), ["response.created", "response.in_progress"]);
  assert.ok(final, "no end");
  assert.equal(text, whole.output_text);
  const helped = await client.responses.stream(ask).finalResponse();
  assert.equal(helped.output_text, text);
});

test("calls tools through the Responses API", tools, async () => {
  const answer = await client.responses.create({
    model, input: "How warm is it in Paris?", max_output_tokens: 500, tool_choice: "required", reasoning: { effort: "minimal" },
    tools: [{ type: "function", ...weather, strict: true }],
  });
  const call = answer.output.find((item) => item.type === "function_call");
  assertWeatherArguments(JSON.parse(call.arguments));
});

test("embeds texts", { skip }, async () => {
  for (const encoding_format of ["float", "base64", undefined]) {
    const { data } = await client.embeddings.create({ model, input: ["one", "two"], encoding_format });
    assert.equal(data.length, 2);
    if (encoding_format === "base64") continue;
    const norm = Math.hypot(...data[0].embedding);
    assert.ok(Math.abs(norm - 1) < 1e-3, `its length is ${norm}`);
  }
});

test("is affordable", { skip }, async () => {
  const reply = await fetch(`${url}/user/balance`, { headers: { authorization: `Bearer ${key}` } });
  assert.equal((await reply.json()).is_available, true);
});
