#include "tokenizer/tokenizer.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "formats/gguf.h"
#include "formats/printable.h"
#include "tokenizer/added_tokens.h"
#include "tokenizer/bpe.h"
#include "tokenizer/flat_hash.h"
#include "tokenizer/gguf_tokenizer.h"
#include "tokenizer/nfc.h"
#include "tokenizer/piece_table.h"
#include "tokenizer/pre_tokenizer.h"
#include "tokenizer/sentencepiece.h"

namespace sputnik {
namespace {

constexpr std::size_t kMaxAddedTokenBytes = 1024;
// Of all added tokens together: the tables that find them take up to 130 bytes for each.
constexpr std::size_t kMaxAddedBytes = std::size_t{1} << 20;

// Tokens known by name to begin and to end texts, for files that do not say.
constexpr std::string_view kBosNames[] = {"<｜begin▁of▁sentence｜>", "<|begin_of_text|>", "<s>"};
constexpr std::string_view kEosNames[] = {"<｜end▁of▁sentence｜>", "<|end_of_text|>",
                                          "<|endoftext|>", "</s>"};
constexpr std::string_view kEndNames[] = {"<｜end▁of▁sentence｜>",
                                          "<|end_of_text|>",
                                          "<|endoftext|>",
                                          "</s>",
                                          "<|im_end|>",
                                          "<|eot_id|>",
                                          "<|eom_id|>",
                                          "<|EOT|>"};

// A token written like "<think>" or "[PAD7]" is meant for programs, whatever its flags say.
bool is_bracketed(std::string_view content) {
  return content.size() > 2 && ((content.front() == '<' && content.back() == '>') ||
                                (content.front() == '[' && content.back() == ']'));
}

// Finds the added tokens of one kind: those matched before and those matched after normalisation.
struct AddedTokens {
  AddedTokenMatcher raw, normalized;
};

AddedTokens make_matchers(const std::vector<AddedToken>& tokens, bool nfc, bool with_control) {
  std::vector<AddedToken> raw, normalized;
  for (AddedToken token : tokens) {
    if (!with_control && (token.special || is_bracketed(token.content))) continue;
    if (token.normalized && nfc) token.content = to_nfc(token.content);
    (token.normalized ? normalized : raw).push_back(std::move(token));
  }
  return {AddedTokenMatcher(std::move(raw)), AddedTokenMatcher(std::move(normalized))};
}

}  // namespace

struct Tokenizer::State {
  TokenizerModel model = TokenizerModel::kByteLevelBpe;
  bool nfc = false;
  bool add_space_prefix = false;
  PieceTable pieces;
  std::optional<PreTokenizer> pre_tokenizer;  // kByteLevelBpe
  std::optional<BytePairEncoder> bpe;         // kByteLevelBpe
  std::optional<SentencePieceEncoder> spm;    // kSentencePieceBpe
  AddedTokens all_tokens, harmless_tokens;    // with parse_special, and without
  std::unordered_map<std::string, std::int32_t, SeededHash, std::equal_to<>> added_ids;
  std::vector<bool> special, control;  // by id
  std::optional<std::int32_t> bos_id, eos_id;
  std::vector<std::int32_t> end_ids;
  bool add_bos = false;
  std::string chat_template;

  struct Run {
    std::vector<std::int32_t> out;
    BpeScratch scratch;
    std::string buffer;
  };

  void encode_text(std::string_view text, const AddedTokens& added, Run& run) const;
  void encode_normalized(std::string_view text, const AddedTokenMatcher& added, Run& run) const;
  void encode_ordinary(std::string_view text, Run& run) const;

  Result<void> add_tokens(const TokenizerSpec& spec, std::vector<std::string>& bytes,
                          std::vector<bool>& findable);
  Result<void> name_special_ids(const TokenizerSpec& spec);
};

namespace {

// The bytes of each piece, and which pieces merging may make.
Result<void> piece_bytes(const TokenizerSpec& spec, std::vector<std::string>& bytes,
                         std::vector<bool>& findable) {
  for (std::size_t id = 0; id < spec.pieces.size(); ++id) {
    if (spec.model == TokenizerModel::kByteLevelBpe) {
      if (spec.pieces[id].empty()) continue;
      auto letters = bytes_of_letters(spec.pieces[id]);
      // A piece that is not spelled in the alphabet cannot come from text, but has a meaning:
      // itself.
      findable[id] = letters.has_value();
      bytes[id] = letters ? std::move(*letters) : spec.pieces[id];
    } else {
      append_with_plain_spaces(spec.pieces[id], bytes[id]);
      findable[id] = true;
    }
  }
  if (spec.model != TokenizerModel::kSentencePieceBpe) return ok_result();
  for (std::size_t byte = 0; byte < spec.byte_ids.size(); ++byte) {
    const std::int32_t id = spec.byte_ids[byte];
    if (id < 0) continue;
    if (static_cast<std::size_t>(id) >= bytes.size()) {
      return corrupt("byte 0x{:02X} is token {}, but there are {}", byte, id, bytes.size());
    }
    bytes[static_cast<std::size_t>(id)] = std::string(1, static_cast<char>(byte));
    findable[static_cast<std::size_t>(id)] = false;
  }
  return ok_result();
}

Result<void> check_no_piece_twice(const PieceTable& pieces, const std::vector<bool>& findable) {
  for (std::size_t id = 0; id < findable.size(); ++id) {
    if (!findable[id] || pieces.bytes(id).empty()) continue;
    const std::int32_t first = pieces.find(pieces.bytes(id));
    if (first != static_cast<std::int32_t>(id)) {
      return corrupt("the pieces {} and {} are the same: \"{}\"", first, id,
                     printable(pieces.bytes(id)));
    }
  }
  return ok_result();
}

}  // namespace

Result<void> Tokenizer::State::add_tokens(const TokenizerSpec& spec,
                                          std::vector<std::string>& bytes,
                                          std::vector<bool>& findable) {
  std::vector<bool> is_added(bytes.size());
  std::size_t n_added_bytes = 0;
  for (const AddedToken& token : spec.added_tokens) {
    const auto id = static_cast<std::size_t>(token.id);
    n_added_bytes += token.content.size();
    if (n_added_bytes > kMaxAddedBytes) {
      return unsupported("the added tokens have more than {} bytes together", kMaxAddedBytes);
    }
    if (token.content.empty()) return corrupt("added token {} is empty", token.id);
    if (token.content.size() > kMaxAddedTokenBytes) {
      return unsupported("added token {} has {} bytes, at most {} are possible", token.id,
                         token.content.size(), kMaxAddedTokenBytes);
    }
    if (id < spec.pieces.size() && !spec.pieces[id].empty() && spec.pieces[id] != token.content) {
      return corrupt("the id {} belongs to \"{}\" and to \"{}\"", token.id,
                     printable(spec.pieces[id]), printable(token.content));
    }
    if (!added_ids.emplace(token.content, token.id).second) {
      return corrupt("the token \"{}\" is added twice", printable(token.content));
    }
    if (is_added[id]) return corrupt("the id {} is added twice", token.id);
    is_added[id] = true;
    special[id] = token.special;
    control[id] = token.special || is_bracketed(token.content);
    // Merging may make an added token only if that is a piece too, which means the same text: "ø"
    // is a letter of the alphabet, and as a piece another byte.
    if (control[id] || bytes[id] != token.content) findable[id] = false;
    bytes[id] = token.content;
  }
  return ok_result();
}

Result<void> Tokenizer::State::name_special_ids(const TokenizerSpec& spec) {
  const auto size = static_cast<std::int32_t>(pieces.size());
  const auto check = [&](std::optional<std::int32_t> id, std::string_view what) -> Result<void> {
    if (id && (*id < 0 || *id >= size)) {
      return corrupt("{} is {}, but there are {} tokens", what, *id, size);
    }
    return ok_result();
  };
  SPUTNIK_CHECK_OK(check(spec.bos_id, "BOS"));
  SPUTNIK_CHECK_OK(check(spec.eos_id, "EOS"));
  const auto control_token = [&](std::string_view name) -> std::optional<std::int32_t> {
    const auto found = added_ids.find(name);
    if (found == added_ids.end() || !control[static_cast<std::size_t>(found->second)]) {
      return std::nullopt;
    }
    return found->second;
  };
  bos_id = spec.bos_id;
  eos_id = spec.eos_id;
  for (const std::string_view name : kBosNames) {
    if (!bos_id) bos_id = control_token(name);
  }
  for (const std::string_view name : kEosNames) {
    if (!eos_id) eos_id = control_token(name);
  }
  if (eos_id) end_ids.push_back(*eos_id);
  for (const std::int32_t id : spec.end_ids) {
    SPUTNIK_CHECK_OK(check(id, "an end token"));
    end_ids.push_back(id);
  }
  for (const std::string_view name : kEndNames) {
    if (const auto id = control_token(name)) end_ids.push_back(*id);
  }
  std::sort(end_ids.begin(), end_ids.end());
  end_ids.erase(std::unique(end_ids.begin(), end_ids.end()), end_ids.end());
  add_bos = spec.add_bos && bos_id;
  return ok_result();
}

Result<Tokenizer> Tokenizer::from_spec(TokenizerSpec spec) {
  // Ids may leave gaps, but not such that the tables outgrow what the specification justifies.
  const std::size_t max_size = 2 * (spec.pieces.size() + spec.added_tokens.size()) + 1024;
  std::size_t size = spec.pieces.size();
  for (const AddedToken& token : spec.added_tokens) {
    if (token.id < 0 || static_cast<std::size_t>(token.id) >= max_size) {
      return corrupt("the added token \"{}\" has the id {}, but there are only {} tokens",
                     printable(token.content), token.id,
                     spec.pieces.size() + spec.added_tokens.size());
    }
    size = std::max(size, static_cast<std::size_t>(token.id) + 1);
  }
  auto state = std::make_unique<State>();
  std::vector<std::string> bytes(size);
  std::vector<bool> findable(size, false);
  state->special.resize(size);
  state->control.resize(size);
  SPUTNIK_CHECK_OK(piece_bytes(spec, bytes, findable));
  SPUTNIK_CHECK_OK(state->add_tokens(spec, bytes, findable));
  state->pieces = PieceTable(bytes, findable);
  SPUTNIK_CHECK_OK(state->name_special_ids(spec));

  state->model = spec.model;
  state->nfc = spec.nfc;
  state->chat_template = std::move(spec.chat_template);
  state->all_tokens = make_matchers(spec.added_tokens, spec.nfc, /*with_control=*/true);
  state->harmless_tokens = make_matchers(spec.added_tokens, spec.nfc, /*with_control=*/false);
  if (spec.model == TokenizerModel::kByteLevelBpe) {
    SPUTNIK_CHECK_OK(check_no_piece_twice(state->pieces, findable));
    SPUTNIK_TRY(auto pre_tokenizer, PreTokenizer::create(spec.pre_tokenizer));
    SPUTNIK_TRY(auto bpe, BytePairEncoder::create(state->pieces, spec.merges, spec.ignore_merges));
    state->pre_tokenizer = std::move(pre_tokenizer);
    state->bpe = std::move(bpe);
  } else {
    if (spec.scores.size() < spec.pieces.size()) {
      return corrupt("{} scores for {} pieces", spec.scores.size(), spec.pieces.size());
    }
    for (std::size_t id = 0; id < spec.scores.size(); ++id) {
      if (!std::isfinite(spec.scores[id]))
        return corrupt("the score of piece {} is not finite", id);
    }
    spec.scores.resize(size);
    const bool has_unknown =
        spec.unknown_id >= 0 && static_cast<std::size_t>(spec.unknown_id) < size;
    state->add_space_prefix = spec.add_space_prefix;
    state->spm.emplace(state->pieces, std::move(spec.scores), spec.byte_ids,
                       has_unknown ? spec.unknown_id : -1);
  }
  return Tokenizer(std::move(state));
}

// Text between the tokens that are matched as written.
void Tokenizer::State::encode_text(std::string_view text, const AddedTokens& added,
                                   Run& run) const {
  for (std::size_t begin = 0; begin < text.size();) {
    const auto match = added.raw.find(text, begin);
    const std::string_view between = text.substr(begin, match.begin - begin);
    if (nfc && !is_surely_nfc(between)) {
      encode_normalized(to_nfc(between), added.normalized, run);
    } else {
      encode_normalized(between, added.normalized, run);
    }
    if (match.id >= 0) run.out.push_back(match.id);
    begin = match.end;
  }
}

void Tokenizer::State::encode_normalized(std::string_view text, const AddedTokenMatcher& added,
                                         Run& run) const {
  for (std::size_t begin = 0; begin < text.size();) {
    const auto match = added.find(text, begin);
    if (match.begin > begin) encode_ordinary(text.substr(begin, match.begin - begin), run);
    if (match.id >= 0) run.out.push_back(match.id);
    begin = match.end;
  }
}

void Tokenizer::State::encode_ordinary(std::string_view text, Run& run) const {
  if (model == TokenizerModel::kSentencePieceBpe) {
    run.buffer.assign(add_space_prefix ? " " : "");
    append_with_plain_spaces(text, run.buffer);
    spm->encode(pieces, run.buffer, run.out);
    return;
  }
  if (pre_tokenizer->add_prefix_space() && text[0] != ' ') {
    run.buffer = " ";
    run.buffer += text;
    text = run.buffer;
  }
  pre_tokenizer->split(
      text, [&](std::string_view word) { bpe->encode(pieces, word, run.scratch, run.out); });
}

std::vector<std::int32_t> Tokenizer::encode(std::string_view text, EncodeOptions options) const {
  State::Run run;
  if (options.add_bos && state_->bos_id) run.out.push_back(*state_->bos_id);
  state_->encode_text(text, options.parse_special ? state_->all_tokens : state_->harmless_tokens,
                      run);
  return std::move(run.out);
}

std::string Tokenizer::decode(std::span<const std::int32_t> ids, DecodeOptions options) const {
  std::string text;
  bool at_start = has_space_prefix();
  for (const std::int32_t id : ids) {
    std::string_view bytes = token_bytes(id);
    if (is_special(id)) {
      if (!options.skip_special) text += bytes;
      continue;
    }
    if (at_start && bytes.starts_with(' ')) bytes.remove_prefix(1);
    at_start = false;
    text += bytes;
  }
  return text;
}

std::string_view Tokenizer::token_bytes(std::int32_t id) const {
  if (id < 0 || id >= vocab_size()) return {};
  return state_->pieces.bytes(static_cast<std::size_t>(id));
}

std::optional<std::int32_t> Tokenizer::id_of(std::string_view bytes) const {
  const auto added = state_->added_ids.find(bytes);
  if (added != state_->added_ids.end()) return added->second;
  const std::int32_t id = state_->pieces.find(bytes);
  return id == PieceTable::kNone ? std::nullopt : std::optional(id);
}

bool Tokenizer::is_special(std::int32_t id) const {
  return id >= 0 && id < vocab_size() && state_->special[static_cast<std::size_t>(id)];
}
bool Tokenizer::is_control(std::int32_t id) const {
  return id >= 0 && id < vocab_size() && state_->control[static_cast<std::size_t>(id)];
}

std::int32_t Tokenizer::vocab_size() const {
  return static_cast<std::int32_t>(state_->pieces.size());
}
std::optional<std::int32_t> Tokenizer::bos_id() const {
  return state_->bos_id;
}
std::optional<std::int32_t> Tokenizer::eos_id() const {
  return state_->eos_id;
}
std::span<const std::int32_t> Tokenizer::end_ids() const {
  return state_->end_ids;
}
bool Tokenizer::add_bos_by_default() const {
  return state_->add_bos;
}
std::string_view Tokenizer::chat_template() const {
  return state_->chat_template;
}
bool Tokenizer::has_space_prefix() const {
  return state_->add_space_prefix;
}

Tokenizer::Tokenizer(std::unique_ptr<const State> state) : state_(std::move(state)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

}  // namespace sputnik
