// How quickly text becomes ids, on one core, with DeepSeek-V3's tokenizer, and how long loading it
// takes.
//
// The texts are those of tests/tokenizers/text and this program's own sources. A file of one's own,
// several megabytes of it because a text that is encoded twice is faster the second time, is named
// by SPUTNIK_BENCH_TEXT.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "base/mapped_file.h"
#include "tokenizer/tokenizer_testing.h"

namespace sputnik {
namespace {

void encode(benchmark::State& state, const Tokenizer& tokenizer, std::string_view text) {
  std::size_t n_ids = 0;
  for (auto _ : state) {
    n_ids = tokenizer.encode(text).size();
    benchmark::DoNotOptimize(n_ids);
  }
  const double n = static_cast<double>(text.size());
  state.counters["MB/s"] =
      benchmark::Counter(n / 1e6, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["bytes/id"] = n / static_cast<double>(n_ids);
  state.counters["ns/byte"] = benchmark::Counter(
      n / 1e9, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

std::string all_sources() {
  std::vector<std::filesystem::path> paths;
  const auto folder = std::filesystem::path(SPUTNIK_SOURCE_DIR) / "src";
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const auto extension = entry.path().extension();
    if (extension == ".h" || extension == ".cpp") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::string text;
  for (const auto& path : paths) text += read_file(path).value();
  return text;
}

// The whole text in one call, as `sputnik tokenize` does.
void bench_encode(benchmark::State& state, std::string_view family, std::string (*make_text)()) {
  static std::map<std::string (*)(), std::string> texts;
  std::string& text = texts[make_text];
  if (text.empty()) text = make_text();
  encode(state, family_tokenizer(family), text);
}

std::string english() {
  return read_tokenizer_data("text/english.txt.zst");
}
std::string chinese() {
  return read_tokenizer_data("text/chinese.txt.zst");
}

BENCHMARK_CAPTURE(bench_encode, english, "deepseek-v3", english)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(bench_encode, chinese, "deepseek-v3", chinese)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(bench_encode, code, "deepseek-v3", all_sources)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(bench_encode, english_qwen, "qwen2.5", english)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(bench_encode, english_llama, "llama-3.1", english)->Unit(benchmark::kMillisecond);

// SentencePiece knows no words: it merges in the text as a whole.
void bench_encode_sentencepiece(benchmark::State& state, std::string (*make_text)()) {
  static const Tokenizer tokenizer = load_llama_cpp_tokenizer("llama-spm");
  encode(state, tokenizer, make_text());
}
BENCHMARK_CAPTURE(bench_encode_sentencepiece, english, english)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(bench_encode_sentencepiece, chinese, chinese)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(bench_encode_sentencepiece, letter_a, [] {
  return std::string(1'000'000, 'a');
})->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(bench_encode_sentencepiece, spaces, [] {
  return std::string(1'000'000, ' ');
})->Unit(benchmark::kMillisecond);

// Lines of chat, one call each.
void bench_encode_lines(benchmark::State& state) {
  const Tokenizer& tokenizer = family_tokenizer("deepseek-v3");
  const std::string text = english();
  std::vector<std::string_view> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size() - 1) + 1;
    lines.push_back(std::string_view(text).substr(begin, end - begin));
    begin = end;
  }
  for (auto _ : state) {
    for (const std::string_view line : lines) benchmark::DoNotOptimize(tokenizer.encode(line));
  }
  state.counters["MB/s"] = benchmark::Counter(static_cast<double>(text.size()) / 1e6,
                                              benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(bench_encode_lines)->Unit(benchmark::kMillisecond);

std::string own_text() {
  return read_file(std::getenv("SPUTNIK_BENCH_TEXT")).value();
}

// Texts made to be slow. The time per byte must not grow with their length.
struct Adversary {
  const char* name;
  // The next part of the text.
  std::string (*next)(Rng& rng);
};
constexpr Adversary kAdversaries[] = {
    {"letter_a", [](Rng&) -> std::string { return "a"; }},
    {"spaces", [](Rng&) -> std::string { return " "; }},
    {"newlines", [](Rng&) -> std::string { return "\n"; }},
    {"spaces_newlines", [](Rng&) -> std::string { return "  \n"; }},
    {"aA", [](Rng&) -> std::string { return "aA"; }},
    {"digits", [](Rng&) -> std::string { return "7"; }},
    {"apostrophes", [](Rng&) -> std::string { return "'"; }},
    {"less_than", [](Rng&) -> std::string { return "<"; }},
    {"half_a_token", [](Rng&) -> std::string { return "<\uff5cUser"; }},
    {"marks", [](Rng&) -> std::string { return "\u0301"; }},
    {"chinese", [](Rng&) -> std::string { return "\u4f60\u597d\u4e16\u754c"; }},
    {"random_chinese",
     [](Rng& rng) {
       const auto c = 0x4E00 + random_below(rng, 0x51A6);
       return std::string{static_cast<char>(0xE0 | c >> 12),
                          static_cast<char>(0x80 | (c >> 6 & 0x3F)),
                          static_cast<char>(0x80 | (c & 0x3F))};
     }},
    {"random_letters",
     [](Rng& rng) { return std::string(1, static_cast<char>('a' + random_below(rng, 26))); }},
    {"not_utf8", [](Rng&) -> std::string { return "\xFF"; }},
    {"random_bytes",
     [](Rng& rng) { return std::string(1, static_cast<char>(random_below(rng, 256))); }},
};

void bench_adversary(benchmark::State& state) {
  const Adversary& adversary = kAdversaries[state.range(0)];
  Rng rng(1);
  std::string text;
  while (text.size() < static_cast<std::size_t>(state.range(1))) text += adversary.next(rng);
  state.SetLabel(adversary.name);
  encode(state, family_tokenizer("deepseek-v3"), text);
}
BENCHMARK(bench_adversary)
    ->ArgsProduct({benchmark::CreateDenseRange(0, std::size(kAdversaries) - 1, 1),
                   {250'000, 500'000, 1'000'000}})
    ->Unit(benchmark::kMillisecond);

// Llama-3's merges are out of order, and take another way through huge words.
void bench_adversary_llama(benchmark::State& state) {
  encode(state, family_tokenizer("llama-3.1"),
         std::string(static_cast<std::size_t>(state.range(0)), 'a'));
}
BENCHMARK(bench_adversary_llama)
    ->Arg(250'000)
    ->Arg(500'000)
    ->Arg(1'000'000)
    ->Unit(benchmark::kMillisecond);

void bench_load(benchmark::State& state, std::string_view family) {
  const TestFolder folder;
  const auto path = folder.write("tokenizer.json",
                                 read_tokenizer_data(fmt::format("{}/tokenizer.json.zst", family)));
  for (auto _ : state) benchmark::DoNotOptimize(Tokenizer::load(path).ok());
}
BENCHMARK_CAPTURE(bench_load, deepseek_v3, "deepseek-v3")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(bench_load, qwen2_5, "qwen2.5")->Unit(benchmark::kMillisecond);

const bool has_own_text = [] {
  if (std::getenv("SPUTNIK_BENCH_TEXT") == nullptr) return false;
  benchmark::RegisterBenchmark("bench_encode/own_text", [](benchmark::State& state) {
    bench_encode(state, "deepseek-v3", own_text);
  })->Unit(benchmark::kMillisecond);
  return true;
}();

}  // namespace
}  // namespace sputnik
