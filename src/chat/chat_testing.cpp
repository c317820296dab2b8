#include "chat/chat_testing.h"

#include <zstd.h>

#include <array>
#include <charconv>
#include <filesystem>

#include "base/mapped_file.h"
#include "base/utf8.h"

namespace sputnik::chat {
namespace {

std::filesystem::path tests_folder() {
  return std::filesystem::path(SPUTNIK_SOURCE_DIR) / "tests";
}

std::string unpack(const std::string& packed) {
  const auto size = ZSTD_getFrameContentSize(packed.data(), packed.size());
  SPUTNIK_ASSERT(size != ZSTD_CONTENTSIZE_ERROR);
  // Streams do not say their size; the test data are small.
  std::string text(size == ZSTD_CONTENTSIZE_UNKNOWN ? std::size_t{64} << 20 : std::size_t{size},
                   '\0');
  const std::size_t n_bytes =
      ZSTD_decompress(text.data(), text.size(), packed.data(), packed.size());
  SPUTNIK_ASSERT(ZSTD_isError(n_bytes) == 0);
  text.resize(n_bytes);
  return text;
}

const OrderedJson& member(const OrderedJson& json, std::string_view key) {
  const OrderedJson* value = json.find(key);
  SPUTNIK_ASSERT(value != nullptr);
  return *value;
}

}  // namespace

std::string read_test_data(std::string_view path) {
  auto text = read_file(tests_folder() / path);
  if (!text.ok()) fmt::print(stderr, "{}\n", text.error().message);
  std::string content = std::move(text).value();
  return path.ends_with(".zst") ? unpack(content) : content;
}

ChatRequest parse_request(const OrderedJson& json) {
  return parse_chat_request_json(to_python_json(json)).value();
}

std::vector<ChatVector> load_chat_vectors(std::string_view family) {
  const auto json = parse_ordered_json(
      read_test_data(fmt::format("tokenizers/{}/chat-vectors.json.zst", family)));
  std::vector<ChatVector> vectors;
  for (const OrderedJson& item : json.value().items) {
    ChatVector vector{
        member(item, "name").text, parse_request(item), member(item, "rendered").text, {}};
    for (const OrderedJson& id : member(item, "ids").items) {
      std::int32_t value = -1;
      std::from_chars(id.text.data(), id.text.data() + id.text.size(), value);
      vector.ids.push_back(value);
    }
    vectors.push_back(std::move(vector));
  }
  return vectors;
}

std::vector<std::string_view> vector_families() {
  return {"deepseek-v3",      "deepseek-r1", "r1-distill-qwen",
          "r1-distill-llama", "qwen2.5",     "llama-3.1"};
}

std::string load_template_text(std::string_view family) {
  for (const std::string_view name : vector_families()) {
    if (name != family) continue;
    const auto config = parse_ordered_json(
        read_test_data(fmt::format("tokenizers/{}/tokenizer_config.json", family)));
    return member(config.value(), "chat_template").text;
  }
  return read_test_data(fmt::format("chat/templates/{}.jinja", family));
}

Tokenizer load_family_tokenizer(std::string_view family) {
  auto spec =
      parse_tokenizer_json(read_test_data(fmt::format("tokenizers/{}/tokenizer.json.zst", family)));
  auto tokenizer = Tokenizer::from_spec(std::move(spec).value());
  return std::move(tokenizer).value();
}

Tokenizer make_byte_tokenizer(const std::vector<std::string>& pieces) {
  // GPT-2's alphabet: printable bytes stand for themselves, the others for U+0100 and up, in order.
  std::array<std::string, 256> letters;
  std::uint32_t next = 0x100;
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    const bool is_printable = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD);
    append_utf8(letters[byte], is_printable ? byte : next++);
  }
  TokenizerSpec spec;
  spec.pieces.assign(letters.begin(), letters.end());
  for (const std::string& piece : pieces) {
    std::string spelled;
    for (const char c : piece) spelled += letters[static_cast<unsigned char>(c)];
    spec.pieces.push_back(spelled);
  }
  for (const char* token : {"<think>", "</think>", "<eos>"}) {
    AddedToken added;
    added.id = static_cast<std::int32_t>(spec.pieces.size());
    added.content = token;
    added.special = std::string_view(token) == "<eos>";
    spec.added_tokens.push_back(added);
    spec.pieces.emplace_back(token);
  }
  spec.pre_tokenizer.push_back({.kind = PreTokenizerStep::Kind::kByteLevel, .pattern = {}});
  auto tokenizer = Tokenizer::from_spec(std::move(spec));
  if (!tokenizer.ok()) fmt::print(stderr, "{}\n", tokenizer.error().message);
  return std::move(tokenizer).value();
}

}  // namespace sputnik::chat
