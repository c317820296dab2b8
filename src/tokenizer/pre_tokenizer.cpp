#include "tokenizer/pre_tokenizer.h"

#include <algorithm>
#include <string>

#include "formats/printable.h"

namespace sputnik {
namespace {

constexpr std::string_view kGpt2 =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr std::string_view kLlama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|)"
    R"(\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|)"
    R"(\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kDeepseekV3Numbers = R"(\p{N}{1,3})";
constexpr std::string_view kDeepseekV3Cjk = "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+";
constexpr std::string_view kDeepseekV3Words =
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+|)"
    R"( ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

// DeepSeek-LLM and V2. The letters are most of those that have case.
constexpr std::string_view kDeepseekLlmLetters =
    "\\s?[A-Za-z\u00b5\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u01ba\u01bc-\u01bf\u01c4-\u0293"
    "\u0295-\u02af\u0370-\u0373\u0376\u0377\u037b-\u037d\u037f\u0386\u0388-\u038a\u038c"
    "\u038e-\u03a1\u03a3-\u03f5\u03f7-\u0481\u048a-\u052f\u0531-\u0556\u10a0-\u10c5"
    "\u13a0-\u13f5\u13f8-\u13fd\u1c90-\u1cba\u1cbd-\u1cbf\u1d00-\u1d2b\u1d6b-\u1d77"
    "\u1d79-\u1d9a\u1e00-\u1f15\u1f18-\u1f1d\u1f20-\u1f45\u1f48-\u1f4d\u1f50-\u1f57\u1f59"
    "\u1f5b\u1f5d\u1f5f-\u1f7d\u1f80-\u1fb4\u1fb6-\u1fbc\u1fbe\u1fc2-\u1fc4\u1fc6-\u1fcc"
    "\u1fd0-\u1fd3\u1fd6-\u1fdb\u1fe0-\u1fec\u1ff2-\u1ff4\u1ff6-\u1ffc\u2102\u2107"
    "\u210a-\u2113\u2115\u2119-\u211d\u2124\u2126\u2128\u212a-\u212d\u212f-\u2134\u2139"
    "\u213c-\u213f\u2145-\u2149\u214e\u2183\u2184\u2c00-\u2c7b\u2c7e-\u2ce4\u2ceb-\u2cee"
    "\u2cf2\u2cf3\ua640-\ua66d\ua680-\ua69b\ua722-\ua76f\ua771-\ua787\ua78b-\ua78e"
    "\uab70-\uabbf\ufb00-\ufb06\ufb13-\ufb17\uff21-\uff3a\uff41-\uff5a\U00010400-\U0001044f"
    "\U000104b0-\U000104d3\U000104d8-\U000104fb\U00010c80-\U00010cb2\U00010cc0-\U00010cf2"
    "\U000118a0-\U000118df\U0001e900-\U0001e943]+";
constexpr std::string_view kDeepseekLlmPunctuation =
    "\\s?[!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3000-\u3002]+";
constexpr std::string_view kDeepseekLlmCjk = "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+";

// What a message about a pattern shows of it.
constexpr std::size_t kShownPatternBytes = 80;

// Files spell a newline in a character class as \n or as itself.
std::string with_escaped_newlines(std::string_view pattern) {
  std::string out;
  for (const char c : pattern) {
    if (c == '\r') {
      out += "\\r";
    } else if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

PreTokenizerStep split(std::string_view pattern) {
  PreTokenizerStep step;
  step.pattern = std::string(pattern);
  return step;
}

// The patterns that one step stands for: none, if it only maps bytes.
std::vector<std::string> patterns_of(const PreTokenizerStep& step) {
  switch (step.kind) {
    case PreTokenizerStep::Kind::kSplit:
      return {with_escaped_newlines(step.pattern)};
    case PreTokenizerStep::Kind::kDigits:
      return {step.individual_digits ? "\\p{N}" : "\\p{N}+"};
    case PreTokenizerStep::Kind::kByteLevel:
      if (step.use_regex) return {std::string(kGpt2)};
      return {};
  }
  return {};
}

std::vector<std::string> patterns_of(std::span<const PreTokenizerStep> steps) {
  std::vector<std::string> patterns;
  for (const PreTokenizerStep& step : steps) {
    for (std::string& pattern : patterns_of(step)) patterns.push_back(std::move(pattern));
  }
  return patterns;
}

// Names with different meanings, one for each meaning.
constexpr std::string_view kPreTokenizerNames[] = {
    "deepseek-v3", "deepseek-llm", "deepseek-coder", "qwen2", "llama-bpe", "smollm", "gpt-2"};

Scanner scanner_for(std::string_view pattern) {
  if (pattern == kGpt2) return scan_gpt2;
  if (pattern == kLlama3) return scan_llama3;
  if (pattern == kQwen2) return scan_qwen2;
  if (pattern == kDeepseekV3Words) return scan_deepseek_v3_words;
  return nullptr;
}

}  // namespace

Result<PreTokenizer> PreTokenizer::create(std::span<const PreTokenizerStep> steps) {
  PreTokenizer result;
  for (const PreTokenizerStep& step : steps) {
    if (step.kind == PreTokenizerStep::Kind::kByteLevel && step.add_prefix_space) {
      // In a sequence every piece would get its own space, which no known tokenizer wants.
      if (steps.size() != 1) return unsupported("add_prefix_space after another pre-tokenizer");
      result.add_prefix_space_ = true;
    }
  }
  const std::vector<std::string> patterns = patterns_of(steps);
  const std::string_view deepseek_v3[] = {kDeepseekV3Numbers, kDeepseekV3Cjk, kDeepseekV3Words};
  if (std::equal(patterns.begin(), patterns.end(), std::begin(deepseek_v3),
                 std::end(deepseek_v3))) {
    result.stages_.push_back(scan_deepseek_v3);
    return result;
  }
  for (const std::string& pattern : patterns) {
    if (const Scanner scanner = scanner_for(pattern)) {
      result.stages_.push_back(scanner);
      continue;
    }
    auto run = RunPattern::parse(pattern);
    if (!run.ok()) {
      return std::move(run).error().in(
          fmt::format("pre-tokenizer pattern \"{}\"", printable(pattern, kShownPatternBytes)));
    }
    result.stages_.push_back(std::move(run).value());
  }
  return result;
}

Result<NamedPreTokenizer> named_pre_tokenizer(std::string_view pre) {
  // Normalisation is not written into GGUF files; the tokenizers that they are made from define it.
  if (pre == "deepseek-v3") {
    return NamedPreTokenizer{
        {split(kDeepseekV3Numbers), split(kDeepseekV3Cjk), split(kDeepseekV3Words)}};
  }
  if (pre == "deepseek-llm") {
    return NamedPreTokenizer{{split("[\\r\\n]"), split(kDeepseekLlmLetters),
                              split(kDeepseekLlmPunctuation), split("\\s+$"),
                              split(kDeepseekLlmCjk), split("\\p{N}+")}};
  }
  if (pre == "deepseek-coder") {
    return NamedPreTokenizer{{split("[\\r\\n]"), split("\\s?\\p{L}+"), split("\\s?\\p{P}+"),
                              split(kDeepseekLlmCjk), split("\\p{N}")}};
  }
  if (pre == "qwen2" || pre == "deepseek-r1-qwen") {
    return NamedPreTokenizer{{split(kQwen2)}, /*nfc=*/true};
  }
  if (pre == "llama-bpe" || pre == "llama3" || pre == "llama-v3") {
    return NamedPreTokenizer{{split(kLlama3)}, /*nfc=*/false, /*ignore_merges=*/true};
  }
  // Every digit is a word. Our own tokenizers are cut like that (bpe_trainer.cpp).
  if (pre == "smollm" || pre == "starcoder" || pre == "refact" || pre == "command-r")
    return NamedPreTokenizer{{split("\\p{N}"), split(kGpt2)}};
  if (pre == "gpt-2" || pre == "gpt2" || pre == "default") return NamedPreTokenizer{{split(kGpt2)}};
  return unsupported(
      "\"{}\" is not a known pre-tokenizer: deepseek-llm, deepseek-coder, deepseek-v3, "
      "deepseek-r1-qwen, qwen2, llama-bpe, smollm and gpt-2 are",
      printable(pre));
}

Result<std::string_view> pre_tokenizer_name(const NamedPreTokenizer& pre_tokenizer) {
  const bool adds_space =
      std::any_of(pre_tokenizer.steps.begin(), pre_tokenizer.steps.end(),
                  [](const PreTokenizerStep& step) { return step.add_prefix_space; });
  const std::vector<std::string> patterns = patterns_of(pre_tokenizer.steps);
  for (const std::string_view name : kPreTokenizerNames) {
    const NamedPreTokenizer known = named_pre_tokenizer(name).value();
    if (!adds_space && known.nfc == pre_tokenizer.nfc &&
        known.ignore_merges == pre_tokenizer.ignore_merges && patterns_of(known.steps) == patterns)
      return name;
  }
  std::string shown;
  for (const std::string& pattern : patterns) shown += (shown.empty() ? "" : ", ") + pattern;
  return unsupported(
      "no name in GGUF means this pre-tokenizer: add_prefix_space {}, NFC {}, ignore_merges {}, "
      "patterns {}",
      adds_space, pre_tokenizer.nfc, pre_tokenizer.ignore_merges,
      printable(shown, kShownPatternBytes));
}

}  // namespace sputnik
