// What masks cost beside a token that takes 30 ms: a document is written token by token, and each
// step makes a mask and accepts the next token, with Qwen2.5's vocabulary of 152k tokens.
//
// Times are those of the thread, whatever else the machine does.
//
// "cold": a grammar that nobody has used, compiled anew for every document, as for a client's own
// schema. "warm": one that has been used before.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <ctime>
#include <map>

#include "grammar/constraint.h"
#include "tokenizer/tokenizer_testing.h"

namespace sputnik::grammar {
namespace {

constexpr std::string_view kFamily = "qwen2.5";

const char* const kPersonSchema =
    R"({"type":"object","properties":{"name":{"type":"string"},"bio":{"type":"string","maxLength":500},"email":{"type":"string","format":"email"},"age":{"type":"integer","minimum":0,"maximum":150},"tags":{"type":"array","items":{"type":"string"}},"address":{"type":"object","properties":{"street":{"type":"string"},"city":{"enum":["Berlin","Paris","Roma"]}},"required":["street","city"],"additionalProperties":false}},"required":["name","bio","email","age","tags","address"],"additionalProperties":false})";
const char* const kPerson =
    R"({"name": "Ada Lovelace", "bio": "She wrote what is often called the first program, for a machine that was never built: the “Analytical Engine”. Her notes (1843) describe loops, and say what such a machine could not do.", "email": "ada@example.org", "age": 36, "tags": ["mathematics", "computing", "poetry & science"], "address": {"street": "12 St. James's Square", "city": "Paris"}})";

const std::shared_ptr<const Vocabulary>& vocabulary() {
  static const auto made = [] {
    const Tokenizer& tokenizer = family_tokenizer(kFamily);
    const auto ends = tokenizer.end_ids();
    return Vocabulary::create(tokenizer, {ends.begin(), ends.end()}, 151936);
  }();
  return made;
}

struct Case {
  Result<GrammarPtr> (*grammar)();
  std::string text;
};

std::string long_text() {
  std::string text;
  for (int i = 0; i < 20; ++i) text += "It said: x < y, \"so be it\" <t>, and went on.\n";
  return text;
}

const std::map<std::string, Case>& cases() {
  static const std::map<std::string, Case> all = {
      {"person", {[] { return json_schema(kPersonSchema); }, kPerson}},
      {"any_object", {[] { return json_object(); }, kPerson}},
      {"regex", {[] { return regex("(?:[A-Za-z ,.:\"'()0-9;&{}@_\\[\\]“”]|-)+"); }, kPerson}},
      {"free_text",
       {[] { return Result<GrammarPtr>(text_without({}, {"<tool_call>"})); }, long_text()}},
  };
  return all;
}

double now_us() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return 1e6 * static_cast<double>(time.tv_sec) + 1e-3 * static_cast<double>(time.tv_nsec);
}

void write_document(benchmark::State& state, const Case& which, bool cold) {
  const auto ids = family_tokenizer(kFamily).encode(which.text);
  std::vector<std::uint64_t> mask(mask_words(151936));
  auto grammar = which.grammar().value();
  std::vector<double> us;
  double compile_ms = 0;
  for (auto _ : state) {
    if (cold) {
      const double begin = now_us();
      grammar = which.grammar().value();
      compile_ms = 1e-3 * (now_us() - begin);
    }
    const auto constraint = constrain(grammar, vocabulary());
    for (const std::int32_t id : ids) {
      const double begin = now_us();
      constraint->allowed(mask);
      us.push_back(now_us() - begin);
      if ((mask[id / 64] >> (id % 64) & 1) == 0) return state.SkipWithError("a token is refused");
      constraint->accept(id);
    }
  }
  std::sort(us.begin(), us.end());
  double sum = 0;
  for (const double one : us) sum += one;
  state.counters["tokens"] = static_cast<double>(ids.size());
  state.counters["mask_us"] = sum / static_cast<double>(us.size());
  state.counters["p50_us"] = us[us.size() / 2];
  state.counters["p99_us"] = us[us.size() * 99 / 100];
  state.counters["max_us"] = us.back();
  if (cold) state.counters["compile_ms"] = compile_ms;
}

void make_vocabulary(benchmark::State& state) {
  const Tokenizer& tokenizer = family_tokenizer(kFamily);
  for (auto _ : state)
    benchmark::DoNotOptimize(Vocabulary::create(tokenizer, {tokenizer.end_ids()[0]}, 151936));
}
BENCHMARK(make_vocabulary)->Unit(benchmark::kMillisecond);

const bool registered = [] {
  for (const auto& [name, which] : cases()) {
    for (const bool cold : {true, false}) {
      benchmark::RegisterBenchmark(
          ("masks/" + name + (cold ? "/cold" : "/warm")).c_str(),
          [&which = which, cold](benchmark::State& state) { write_document(state, which, cold); })
          ->Unit(benchmark::kMillisecond)
          ->MinTime(0.3);
    }
  }
  return true;
}();

}  // namespace
}  // namespace sputnik::grammar
