#include "grammar/vocabulary.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"

namespace sputnik::grammar {
namespace {

using Entry = std::pair<std::string_view, std::int32_t>;

Trie make_trie(std::vector<Entry> entries) {
  std::sort(entries.begin(), entries.end());
  Trie trie;
  std::vector<std::uint32_t> path;  // nodes above, one for each byte
  std::string_view last;
  const auto close_to = [&](std::size_t depth) {
    for (; path.size() > depth; path.pop_back())
      trie[path.back()].next = static_cast<std::uint32_t>(trie.size());
  };
  for (const auto& [bytes, id] : entries) {
    std::size_t shared = 0;
    while (shared < last.size() && shared < bytes.size() && last[shared] == bytes[shared]) ++shared;
    // The same bytes again: a second leaf beside the first, which has nothing below it yet.
    if (shared == bytes.size()) --shared;
    close_to(shared);
    for (std::size_t i = shared; i < bytes.size(); ++i) {
      path.push_back(static_cast<std::uint32_t>(trie.size()));
      trie.push_back({0, i + 1 == bytes.size() ? id : -1, static_cast<std::uint16_t>(i),
                      static_cast<std::uint8_t>(bytes[i])});
    }
    last = bytes;
  }
  close_to(0);
  return trie;
}

// The number of characters of a text of plain ones; -1 for others.
int plain_length(std::string_view text) {
  int n = 0;
  while (!text.empty()) {
    const auto [code_point, n_bytes, valid] = decode_utf8(text);
    if (!valid || code_point < 0x20 || code_point == '"' || code_point == '\\') return -1;
    text.remove_prefix(n_bytes);
    ++n;
  }
  return n;
}

}  // namespace

bool VocabularyData::is_end(std::int32_t id) const {
  return std::binary_search(end_ids.begin(), end_ids.end(), id);
}

std::shared_ptr<const Vocabulary> Vocabulary::create(const Tokenizer& tokenizer,
                                                     std::vector<std::int32_t> end_ids,
                                                     std::int64_t vocab_size) {
  auto data = std::make_shared<VocabularyData>();
  data->vocab_size = vocab_size;
  std::sort(end_ids.begin(), end_ids.end());
  end_ids.erase(std::unique(end_ids.begin(), end_ids.end()), end_ids.end());
  std::erase_if(end_ids, [&](std::int32_t id) { return id < 0 || id >= vocab_size; });
  SPUTNIK_ASSERT(!end_ids.empty());
  data->end_ids = std::move(end_ids);

  const auto n_tokens =
      static_cast<std::int32_t>(std::min<std::int64_t>(vocab_size, tokenizer.vocab_size()));
  data->token_bytes.resize(vocab_size);
  data->exists.resize(vocab_size);
  std::array<std::vector<Entry>, kPlainLengths.size()> plain;
  std::vector<Entry> other, single_bytes;
  for (std::int32_t id = 0; id < n_tokens; ++id) {
    const std::string_view bytes = tokenizer.token_bytes(id);
    if (bytes.empty()) continue;
    data->exists[id] = true;
    if (tokenizer.is_control(id) || data->is_end(id) || bytes.size() > UINT16_MAX) continue;
    std::string& copy = data->token_bytes[id];
    copy = bytes;
    data->max_depth = std::max(data->max_depth, static_cast<int>(bytes.size()));
    if (bytes.size() == 1) single_bytes.emplace_back(copy, id);
    const int length = plain_length(bytes);
    if (length < 0) {
      other.emplace_back(copy, id);
    } else {
      std::size_t part = 0;
      while (length > kPlainLengths[part]) ++part;
      plain[part].emplace_back(copy, id);
    }
  }
  const auto fill = [&](VocabularyData::Part& part, std::vector<Entry>& entries) {
    part.mask.resize(mask_words(vocab_size));
    for (const auto& [bytes, id] : entries) part.mask[id / 64] |= std::uint64_t{1} << (id % 64);
    part.trie = make_trie(std::move(entries));
  };
  for (std::size_t i = 0; i < plain.size(); ++i) fill(data->plain[i], plain[i]);
  fill(data->other, other);
  data->single_bytes = make_trie(std::move(single_bytes));
  return data;
}

const VocabularyData& data_of(const Vocabulary& vocabulary) {
  return static_cast<const VocabularyData&>(vocabulary);
}

}  // namespace sputnik::grammar
