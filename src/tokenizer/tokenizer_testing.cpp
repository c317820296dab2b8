#include "tokenizer/tokenizer_testing.h"

#include <zstd.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <nlohmann/json.hpp>

#include "base/mapped_file.h"
#include "base/utf8.h"
#include "formats/json.h"

namespace sputnik {
namespace {

constexpr std::string_view kLlamaCppSeparator = "\n__ggml_vocab_test__\n";

std::string unpack(const std::string& packed) {
  const auto size = ZSTD_getFrameContentSize(packed.data(), packed.size());
  SPUTNIK_ASSERT(size != ZSTD_CONTENTSIZE_ERROR && size != ZSTD_CONTENTSIZE_UNKNOWN);
  std::string text(size, '\0');
  const std::size_t n = ZSTD_decompress(text.data(), text.size(), packed.data(), packed.size());
  SPUTNIK_ASSERT(n == size);
  return text;
}

// For what tests cannot go on without.
template <class T>
T value_or_die(Result<T> result) {
  if (!result.ok()) fmt::print(stderr, "{}\n", result.error().message);
  return std::move(result).value();
}

std::vector<std::string> split_at(std::string_view text, std::string_view separator) {
  std::vector<std::string> parts;
  for (;;) {
    const std::size_t end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + separator.size());
  }
}

}  // namespace

std::string read_tokenizer_data(std::string_view path) {
  const auto folder = std::filesystem::path(SPUTNIK_SOURCE_DIR) / "tests" / "tokenizers";
  std::string content = value_or_die(read_file(folder / path));
  return path.ends_with(".zst") ? unpack(content) : content;
}

std::vector<std::string_view> tokenizer_families() {
  return {"deepseek-v3",      "deepseek-r1", "r1-distill-qwen",
          "r1-distill-llama", "qwen2.5",     "llama-3.1"};
}

TokenizerSpec load_family_spec(std::string_view family) {
  return value_or_die(
      parse_tokenizer_json(read_tokenizer_data(fmt::format("{}/tokenizer.json.zst", family))));
}

const Tokenizer& family_tokenizer(std::string_view family) {
  static std::map<std::string, Tokenizer, std::less<>> tokenizers;
  auto found = tokenizers.find(family);
  if (found == tokenizers.end()) {
    found = tokenizers.emplace(family, value_or_die(Tokenizer::from_spec(load_family_spec(family))))
                .first;
  }
  return found->second;
}

Tokenizer load_llama_cpp_tokenizer(std::string_view name) {
  const TestFolder folder;
  const auto path = folder.write(
      "vocab.gguf",
      read_tokenizer_data(fmt::format("llama.cpp-vocab/ggml-vocab-{}.gguf.zst", name)));
  return value_or_die(Tokenizer::load(path));
}

std::vector<EncodeVector> load_encode_vectors(std::string_view family) {
  const auto json = value_or_die(
      parse_json(read_tokenizer_data(fmt::format("{}/encode-vectors.json.zst", family))));
  std::vector<EncodeVector> vectors;
  for (const auto& item : json) {
    EncodeVector vector;
    vector.category = item.at("cat").get<std::string>();
    vector.text = item.at("text").get<std::string>();
    vector.ids = item.at("ids").get<std::vector<std::int32_t>>();
    // Left out where they are the same as what stands before them.
    vector.decoded = item.value("decoded", vector.text);
    vector.decoded_skip_special = item.value("decoded_skip_special", vector.decoded);
    vectors.push_back(std::move(vector));
  }
  return vectors;
}

std::vector<LlamaCppVector> load_llama_cpp_vectors(std::string_view name) {
  const std::string input = read_tokenizer_data("llama.cpp-vocab/ggml-vocab.gguf.inp");
  const std::string output =
      read_tokenizer_data(fmt::format("llama.cpp-vocab/ggml-vocab-{}.gguf.out", name));
  const auto texts = split_at(input, kLlamaCppSeparator);
  const auto lines = split_at(output, "\n");
  // The file of texts ends with a separator, that of ids with a newline.
  SPUTNIK_ASSERT(texts.size() == lines.size() && texts.back().empty() && lines.back().empty());
  std::vector<LlamaCppVector> vectors;
  for (std::size_t i = 0; i + 1 < texts.size(); ++i) {
    LlamaCppVector vector{texts[i], {}};
    for (const std::string& number : split_at(lines[i], " ")) {
      if (number.empty()) continue;
      std::int32_t id = -1;
      std::from_chars(number.data(), number.data() + number.size(), id);
      vector.ids.push_back(id);
    }
    vectors.push_back(std::move(vector));
  }
  return vectors;
}

Bytes gguf_of_spec(const TokenizerSpec& spec, std::string_view pre) {
  constexpr std::int32_t kNormal = 1, kControl = 3, kUserDefined = 4, kUnused = 5;
  std::size_t size = spec.pieces.size();
  for (const AddedToken& token : spec.added_tokens) {
    size = std::max(size, static_cast<std::size_t>(token.id) + 1);
  }
  std::vector<std::string> tokens(size);
  std::vector<std::int32_t> types(size, kNormal);
  for (std::size_t id = 0; id < size; ++id) {
    if (id < spec.pieces.size()) tokens[id] = spec.pieces[id];
    if (!tokens[id].empty()) continue;
    tokens[id] = fmt::format("[PAD{}]", id);
    types[id] = kUnused;
  }
  for (const AddedToken& token : spec.added_tokens) {
    const auto id = static_cast<std::size_t>(token.id);
    tokens[id] = token.content;
    types[id] = token.special ? kControl : kUserDefined;
  }
  std::vector<std::string> merges;
  for (const TokenizerMerge& merge : spec.merges) merges.push_back(merge.left + " " + merge.right);
  GgufWriter writer;
  writer.add_string("tokenizer.ggml.model", "gpt2").add_string("tokenizer.ggml.pre", pre);
  writer.add_string_array("tokenizer.ggml.tokens", tokens);
  writer.add_array<std::int32_t>("tokenizer.ggml.token_type", GgufType::kInt32, types);
  writer.add_string_array("tokenizer.ggml.merges", merges);
  return writer.bytes();
}

TokenizerSpec byte_level_spec(const std::vector<std::pair<std::string, std::string>>& merges) {
  TokenizerSpec spec;
  for (int byte = 0; byte < 256; ++byte) {
    spec.pieces.push_back(letters_of_bytes(std::string(1, static_cast<char>(byte))));
  }
  for (const auto& [left, right] : merges) {
    spec.merges.push_back({letters_of_bytes(left), letters_of_bytes(right)});
    const std::string both = letters_of_bytes(left + right);
    if (std::find(spec.pieces.begin(), spec.pieces.end(), both) == spec.pieces.end()) {
      spec.pieces.push_back(both);
    }
  }
  PreTokenizerStep step;
  step.kind = PreTokenizerStep::Kind::kByteLevel;
  step.use_regex = true;
  spec.pre_tokenizer.push_back(step);
  return spec;
}

AddedToken added_token(std::int32_t id, std::string_view content, bool special) {
  AddedToken token;
  token.id = id;
  token.content = std::string(content);
  token.special = special;
  return token;
}

std::size_t random_below(Rng& rng, std::size_t n) {
  return static_cast<std::size_t>(rng.next() % n);
}

std::string random_text(Rng& rng, std::size_t n) {
  // What the patterns treat specially comes often, the rest of Unicode now and then.
  static constexpr std::string_view kOften[] = {" ",
                                                " ",
                                                "  ",
                                                "\n",
                                                "\r",
                                                "\r\n",
                                                "\t",
                                                "\u00a0",
                                                "\u2028",
                                                "\u3000",
                                                "\u0085",
                                                "\x1c",
                                                "\v",
                                                "a",
                                                "b",
                                                "s",
                                                "t",
                                                "re",
                                                "ve",
                                                "ll",
                                                "d",
                                                "m",
                                                "S",
                                                "RE",
                                                "'s",
                                                "'T",
                                                "'Re",
                                                "'lL",
                                                "\u017f",
                                                "'\u017f",
                                                "'",
                                                "\u2019",
                                                "0",
                                                "7",
                                                "12",
                                                "345",
                                                "\u0664",
                                                "\u00b2",
                                                "\u2167",
                                                "\u4e00",
                                                "\u9fa5",
                                                "\u9fa6",
                                                "\u3042",
                                                "\u30ab",
                                                "\u30fc",
                                                "\u3041",
                                                "\u4e2d\u6587",
                                                "\uac00",
                                                "\u00e9",
                                                "\u0301",
                                                "\u0308",
                                                "e\u0301",
                                                "\u0e01\u0e33",
                                                "\u0915\u094d",
                                                "\u05d0\u05b0",
                                                "\u0627\u064b",
                                                ".",
                                                ",",
                                                "!",
                                                "-",
                                                "_",
                                                "/",
                                                "{",
                                                "}",
                                                "\\",
                                                "\"",
                                                "$",
                                                "+",
                                                "<",
                                                "|",
                                                "~",
                                                "^",
                                                "`",
                                                "\u3002",
                                                "\uff0c",
                                                "\uff01",
                                                "\u2014",
                                                "\u20ac",
                                                "\u221e",
                                                "\U0001F600",
                                                "\U0001F468\u200d\U0001F469",
                                                "\u200b",
                                                "\ufeff",
                                                "\x01",
                                                "\x7f",
                                                "\U00010400",
                                                "\U0001D54F",
                                                "\ufffd",
                                                "\ue000",
                                                "\u0378"};
  std::string text;
  for (std::size_t i = 0; i < n; ++i) {
    if (random_below(rng, 8) > 0) {
      text += kOften[random_below(rng, std::size(kOften))];
      continue;
    }
    const std::size_t limit = random_below(rng, 3) == 0 ? 0x110000 : 0x3000;
    std::uint32_t c = 0;
    do {
      c = static_cast<std::uint32_t>(random_below(rng, limit));
    } while (c >= 0xD800 && c < 0xE000);
    append_utf8(text, c);
  }
  return text;
}

std::string random_bytes(Rng& rng, std::size_t n) {
  std::string bytes;
  while (bytes.size() < n) {
    std::string part = random_text(rng, 1 + random_below(rng, 4));
    const std::size_t change = random_below(rng, 4);
    if (change == 0) part.resize(random_below(rng, part.size()));
    if (change == 1) part[random_below(rng, part.size())] = static_cast<char>(rng.next() & 0xFF);
    bytes += part;
  }
  bytes.resize(n);
  return bytes;
}

}  // namespace sputnik
