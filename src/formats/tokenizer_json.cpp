#include "formats/tokenizer_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/utf8.h"
#include "formats/printable.h"

namespace sputnik {
namespace {

using json = nlohmann::json;

constexpr std::size_t kMaxDepth = 64;
constexpr std::size_t kMaxNormalizers = 16;
constexpr std::size_t kMaxPreTokenizers = 16;
// Values beside vocab and merges, which take up to 100 bytes each. Real files have some ten
// thousand.
constexpr std::size_t kMaxDocumentValues = std::size_t{1} << 20;

// Takes the two large members, model.vocab and model.merges, as they stream by, and builds a
// document of the rest: a document of 400,000 strings would take ten times as long as all that is
// done with them.
class TokenizerSax {
 public:
  using number_integer_t = json::number_integer_t;
  using number_unsigned_t = json::number_unsigned_t;
  using number_float_t = json::number_float_t;
  using string_t = json::string_t;
  using binary_t = json::binary_t;

  struct VocabEntry {
    std::string piece;
    std::int32_t id;
  };

  bool null() { return value(nullptr); }
  bool boolean(bool b) { return value(b); }
  bool number_float(number_float_t x, const string_t&) { return value(x); }
  bool binary(binary_t&) { return fail(corrupt("binary data is not JSON")); }
  bool number_integer(number_integer_t n) { return value(n); }
  bool number_unsigned(number_unsigned_t n) {
    if (within_ != Within::kVocab) return value(n);
    if (n > std::numeric_limits<std::int32_t>::max()) return not_an_id();
    vocab_.push_back({std::move(key_), static_cast<std::int32_t>(n)});
    return true;
  }
  bool string(string_t& text) {
    switch (within_) {
      case Within::kMerges: {
        const std::size_t space = text.find(' ');
        if (space == std::string::npos || space == 0 || space + 1 == text.size()) {
          return fail(corrupt("model.merges[{}] is not two pieces with a space between them",
                              merges_.size()));
        }
        merges_.push_back({text.substr(0, space), text.substr(space + 1)});
        return true;
      }
      case Within::kMergePair:
        pair_.push_back(std::move(text));
        return pair_.size() <= 2 || not_a_pair();
      default:
        return value(std::move(text));
    }
  }
  bool key(string_t& name) {
    key_ = std::move(name);
    return true;
  }
  bool start_object(std::size_t) {
    if (within_ == Within::kDocument && stack_.size() == 2 && in_model_ && key_ == "vocab") {
      if (std::exchange(has_vocab_, true)) return fail(corrupt("model.vocab appears twice"));
      within_ = Within::kVocab;
      return true;
    }
    return open(json::object());
  }
  bool end_object() {
    if (within_ == Within::kVocab) {
      within_ = Within::kDocument;
      return true;
    }
    return close();
  }
  bool start_array(std::size_t) {
    if (within_ == Within::kMerges) {
      within_ = Within::kMergePair;
      pair_.clear();
      return true;
    }
    if (within_ == Within::kDocument && stack_.size() == 2 && in_model_ && key_ == "merges") {
      if (std::exchange(has_merges_, true)) return fail(corrupt("model.merges appears twice"));
      within_ = Within::kMerges;
      return true;
    }
    return open(json::array());
  }
  bool end_array() {
    if (within_ == Within::kMergePair) {
      if (pair_.size() != 2 || pair_[0].empty() || pair_[1].empty()) return not_a_pair();
      merges_.push_back({std::move(pair_[0]), std::move(pair_[1])});
      within_ = Within::kMerges;
      return true;
    }
    if (within_ == Within::kMerges) {
      within_ = Within::kDocument;
      return true;
    }
    return close();
  }
  bool parse_error(std::size_t position, const std::string&, const json::exception&) {
    return fail(corrupt("not JSON: error at byte {}", position));
  }

  const std::optional<Error>& error() const { return error_; }
  const json& document() const { return document_; }
  bool has_vocab() const { return has_vocab_; }
  bool has_merges() const { return has_merges_; }
  std::vector<VocabEntry>& vocab() { return vocab_; }
  std::vector<TokenizerMerge>& merges() { return merges_; }

 private:
  enum class Within { kDocument, kVocab, kMerges, kMergePair };

  bool fail(Error error) {
    error_ = std::move(error);
    return false;
  }
  bool not_an_id() { return fail(corrupt("model.vocab[\"{}\"] is not an id", printable(key_))); }
  bool not_a_pair() {
    return fail(corrupt("model.merges[{}] is not a pair of pieces", merges_.size()));
  }

  // Puts a value where the document stands: under key_, or at the end of an array.
  json* put(json&& v) {
    if (stack_.empty()) {
      document_ = std::move(v);
      return &document_;
    }
    if (stack_.back()->is_array()) {
      stack_.back()->push_back(std::move(v));
      return &stack_.back()->back();
    }
    return &((*stack_.back())[key_] = std::move(v));
  }
  // Whether a value may stand here.
  bool admit() {
    if (within_ == Within::kVocab) return not_an_id();
    if (within_ != Within::kDocument) return not_a_pair();
    if (++n_document_values_ > kMaxDocumentValues) {
      return fail(corrupt("more than {} values beside vocab and merges", kMaxDocumentValues));
    }
    return true;
  }
  bool value(json&& v) {
    if (!admit()) return false;
    put(std::move(v));
    return true;
  }
  bool open(json&& v) {
    if (!admit()) return false;
    if (stack_.size() == kMaxDepth) return fail(corrupt("nested deeper than {}", kMaxDepth));
    if (stack_.size() == 1) in_model_ = key_ == "model";
    stack_.push_back(put(std::move(v)));
    return true;
  }
  bool close() {
    stack_.pop_back();
    return true;
  }

  Within within_ = Within::kDocument;
  bool in_model_ = false;  // inside the top-level member "model"
  bool has_vocab_ = false, has_merges_ = false;
  std::size_t n_document_values_ = 0;
  std::string key_;
  std::vector<std::string> pair_;
  std::vector<VocabEntry> vocab_;
  std::vector<TokenizerMerge> merges_;
  json document_;
  std::vector<json*>
      stack_;  // open objects and arrays; a parent does not move while a child is open
  std::optional<Error> error_;
};

Result<bool> bool_or(const json& object, const char* key, bool otherwise) {
  const auto it = object.find(key);
  if (it == object.end() || it->is_null()) return otherwise;
  if (!it->is_boolean()) return corrupt("{} is not true or false", key);
  return it->get<bool>();
}

Result<std::string> required_string(const json& object, const char* key) {
  const auto it = object.find(key);
  if (it == object.end()) return corrupt("{} is missing", key);
  if (!it->is_string()) return corrupt("{} is not a string", key);
  return it->get<std::string>();
}

// "" for null and for what is not there.
Result<std::string> optional_string(const json& object, const char* key) {
  const auto it = object.find(key);
  if (it == object.end() || it->is_null()) return std::string();
  return required_string(object, key);
}

Result<AddedToken> parse_added_token(const json& entry) {
  if (!entry.is_object()) return corrupt("not an object");
  AddedToken token;
  const auto id = entry.find("id");
  if (id == entry.end()) return corrupt("id is missing");
  if (!id->is_number_unsigned() ||
      id->get<std::uint64_t>() > std::numeric_limits<std::int32_t>::max()) {
    return corrupt("id is not an id");
  }
  token.id = id->get<std::int32_t>();
  SPUTNIK_TRY(token.content, required_string(entry, "content"));
  if (token.content.empty()) return corrupt("content is empty");
  SPUTNIK_TRY(token.special, bool_or(entry, "special", false));
  SPUTNIK_TRY(token.normalized, bool_or(entry, "normalized", !token.special));
  SPUTNIK_TRY(token.lstrip, bool_or(entry, "lstrip", false));
  SPUTNIK_TRY(token.rstrip, bool_or(entry, "rstrip", false));
  SPUTNIK_TRY(token.single_word, bool_or(entry, "single_word", false));
  return token;
}

Result<std::vector<AddedToken>> parse_added_tokens(const json& document) {
  std::vector<AddedToken> tokens;
  const auto list = document.find("added_tokens");
  if (list == document.end() || list->is_null()) return tokens;
  if (!list->is_array()) return corrupt("added_tokens is not an array");
  for (std::size_t i = 0; i < list->size(); ++i) {
    auto token = parse_added_token((*list)[i]);
    if (!token.ok()) return std::move(token).error().in(fmt::format("added_tokens[{}]", i));
    tokens.push_back(std::move(token).value());
  }
  return tokens;
}

// The members of a "Sequence" object, or the object itself as a list of one.
Result<std::vector<json>> sequence_members(const json& object, const char* list_key,
                                           std::size_t max_members) {
  std::vector<json> members;
  if (object.is_null()) return members;
  if (!object.is_object()) return corrupt("not an object");
  SPUTNIK_TRY(const std::string type, required_string(object, "type"));
  if (type != "Sequence") {
    members.push_back(object);
    return members;
  }
  const auto list = object.find(list_key);
  if (list == object.end() || !list->is_array()) return corrupt("{} is not an array", list_key);
  if (list->size() > max_members) return corrupt("{} has {} members", list_key, list->size());
  for (const json& member : *list) {
    if (!member.is_object()) return corrupt("{} holds what is not an object", list_key);
    members.push_back(member);
  }
  return members;
}

// True for NFC, false for none.
Result<bool> parse_normalizer(const json& normalizer) {
  SPUTNIK_TRY(const auto members, sequence_members(normalizer, "normalizers", kMaxNormalizers));
  for (const json& member : members) {
    SPUTNIK_TRY(const std::string type, required_string(member, "type"));
    if (type != "NFC") {
      return unsupported("type \"{}\": only NFC is applied", printable(type));
    }
  }
  return !members.empty();
}

Result<PreTokenizerStep> parse_split(const json& member) {
  PreTokenizerStep step;
  const auto pattern = member.find("pattern");
  if (pattern == member.end() || !pattern->is_object()) return corrupt("pattern is not an object");
  if (!pattern->contains("Regex")) return unsupported("pattern is not a Regex");
  SPUTNIK_TRY(step.pattern, required_string(*pattern, "Regex"));
  SPUTNIK_TRY(const std::string behavior, required_string(member, "behavior"));
  if (behavior != "Isolated") {
    return unsupported("behavior \"{}\": only Isolated is done", printable(behavior));
  }
  SPUTNIK_TRY(const bool invert, bool_or(member, "invert", false));
  if (invert) return unsupported("invert is true");
  return step;
}

Result<PreTokenizerStep> parse_pre_tokenizer_step(const json& member) {
  SPUTNIK_TRY(const std::string type, required_string(member, "type"));
  if (type == "Split") return parse_split(member);
  PreTokenizerStep step;
  if (type == "Digits") {
    step.kind = PreTokenizerStep::Kind::kDigits;
    SPUTNIK_TRY(step.individual_digits, bool_or(member, "individual_digits", false));
    return step;
  }
  if (type == "ByteLevel") {
    step.kind = PreTokenizerStep::Kind::kByteLevel;
    SPUTNIK_TRY(step.add_prefix_space, bool_or(member, "add_prefix_space", true));
    SPUTNIK_TRY(step.use_regex, bool_or(member, "use_regex", true));
    return step;
  }
  return unsupported("type \"{}\": only Split, Digits and ByteLevel are read", printable(type));
}

Result<std::vector<PreTokenizerStep>> parse_pre_tokenizer(const json& pre_tokenizer) {
  SPUTNIK_TRY(const auto members,
              sequence_members(pre_tokenizer, "pretokenizers", kMaxPreTokenizers));
  std::vector<PreTokenizerStep> steps;
  for (std::size_t i = 0; i < members.size(); ++i) {
    auto step = parse_pre_tokenizer_step(members[i]);
    if (!step.ok()) return std::move(step).error().in(fmt::format("pretokenizers[{}]", i));
    steps.push_back(std::move(step).value());
  }
  if (steps.empty() || steps.back().kind != PreTokenizerStep::Kind::kByteLevel) {
    return unsupported(
        "does not end in ByteLevel: only byte-level BPE is read from tokenizer.json");
  }
  return steps;
}

// Options of the model that no tokenizer here uses, and that would change its tokens.
Result<void> check_model(const json& model) {
  SPUTNIK_TRY(const std::string type, optional_string(model, "type"));
  if (!type.empty() && type != "BPE") {
    return unsupported("type \"{}\": only BPE is read", printable(type));
  }
  for (const char* key : {"unk_token", "continuing_subword_prefix", "end_of_word_suffix"}) {
    SPUTNIK_TRY(const std::string text, optional_string(model, key));
    if (!text.empty()) return unsupported("{} is set", key);
  }
  const auto dropout = model.find("dropout");
  if (dropout != model.end() && !dropout->is_null() && *dropout != 0.0) {
    return unsupported("dropout is set");
  }
  SPUTNIK_TRY(const bool byte_fallback, bool_or(model, "byte_fallback", false));
  if (byte_fallback) return unsupported("byte_fallback: only byte-level BPE is read");
  return ok_result();
}

Result<std::vector<std::string>> pieces_by_id(std::vector<TokenizerSax::VocabEntry>& vocab) {
  std::vector<std::string> pieces;
  // Ids may leave gaps, but not such that the table outgrows what the file justifies.
  const std::size_t max_size = 2 * vocab.size() + 1024;
  for (auto& [piece, id] : vocab) {
    const auto index = static_cast<std::size_t>(id);
    const auto where = [&, &name = piece] { return printable(name); };
    if (piece.empty()) return corrupt("vocab holds an empty piece, id {}", id);
    if (index >= max_size) {
      return corrupt("vocab[\"{}\"] is {}, but there are only {} pieces", where(), id,
                     vocab.size());
    }
    if (index >= pieces.size()) pieces.resize(index + 1);
    if (!pieces[index].empty()) {
      return corrupt("vocab[\"{}\"] and vocab[\"{}\"] are both {}", printable(pieces[index]),
                     where(), id);
    }
    pieces[index] = std::move(piece);
  }
  return pieces;
}

// The member of an object, null for what is not there or no object.
const json& member_or_null(const json& value, const char* key) {
  static const json null;
  if (!value.is_object()) return null;
  const auto it = value.find(key);
  return it == value.end() ? null : *it;
}

// BOS as TemplateProcessing, alone or in a sequence of processors, puts it: {"single":
// [{"SpecialToken": {"id": "<s>"}}, {"Sequence": …}]}. Anything that does not look like that is
// left alone, because it cannot change the tokens of a text.
std::optional<std::string> template_bos(const json& post_processor) {
  const auto bos_of = [](const json& processor) -> std::optional<std::string> {
    const json& single = member_or_null(processor, "single");
    if (!single.is_array() || single.empty()) return std::nullopt;
    const json& id = member_or_null(member_or_null(single[0], "SpecialToken"), "id");
    return id.is_string() ? std::optional(id.get<std::string>()) : std::nullopt;
  };
  for (const json& processor : member_or_null(post_processor, "processors")) {
    if (auto bos = bos_of(processor)) return bos;
  }
  return bos_of(post_processor);
}

template <class T>
Result<T> in_member(Result<T> result, const char* key) {
  if (!result.ok()) return std::move(result).error().in(key);
  return result;
}

}  // namespace

Result<TokenizerSpec> parse_tokenizer_json(std::string_view text) {
  TokenizerSax sax;
  if (!json::sax_parse(text, &sax)) {
    return sax.error() ? *sax.error() : corrupt("not JSON");
  }
  const json& document = sax.document();
  if (!document.is_object()) return corrupt("not an object");
  const json& model = member_or_null(document, "model");
  if (!model.is_object()) return corrupt("model is missing");
  if (auto checked = check_model(model); !checked.ok()) {
    return std::move(checked).error().in("model");
  }
  if (!sax.has_vocab()) return corrupt("model.vocab is missing, or is not an object");
  if (!sax.has_merges()) return corrupt("model.merges is missing, or is not an array");

  TokenizerSpec spec;
  SPUTNIK_TRY(spec.ignore_merges, in_member(bool_or(model, "ignore_merges", false), "model"));
  SPUTNIK_TRY(spec.pieces, in_member(pieces_by_id(sax.vocab()), "model"));
  spec.merges = std::move(sax.merges());
  SPUTNIK_TRY(spec.added_tokens, parse_added_tokens(document));
  SPUTNIK_TRY(spec.nfc,
              in_member(parse_normalizer(member_or_null(document, "normalizer")), "normalizer"));
  SPUTNIK_TRY(
      spec.pre_tokenizer,
      in_member(parse_pre_tokenizer(member_or_null(document, "pre_tokenizer")), "pre_tokenizer"));
  if (const auto bos = template_bos(member_or_null(document, "post_processor"))) {
    const auto token = std::find_if(spec.added_tokens.begin(), spec.added_tokens.end(),
                                    [&](const AddedToken& t) { return t.content == *bos; });
    if (token != spec.added_tokens.end()) {
      spec.bos_id = token->id;
      spec.add_bos = true;
    }
  }
  return spec;
}

std::string letters_of_bytes(std::string_view bytes) {
  // Printable bytes stand for themselves, the others for U+0100 and up, in order.
  static const std::vector<std::string> kLetters = [] {
    std::vector<std::string> letters(256);
    std::uint32_t next = 0x100;
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
      const bool printable = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD);
      append_utf8(letters[byte], printable ? byte : next++);
    }
    return letters;
  }();
  std::string letters;
  for (const char byte : bytes) letters += kLetters[static_cast<unsigned char>(byte)];
  return letters;
}

std::string tokenizer_json_of(const TokenizerSpec& spec) {
  nlohmann::ordered_json vocab = json::object(), merges = json::array(), added = json::array(),
                         steps = json::array();
  for (std::size_t id = 0; id < spec.pieces.size(); ++id) {
    if (!spec.pieces[id].empty()) vocab[spec.pieces[id]] = id;
  }
  for (const TokenizerMerge& merge : spec.merges) merges.push_back(merge.left + " " + merge.right);
  for (const AddedToken& token : spec.added_tokens) {
    added.push_back({{"id", token.id},
                     {"content", token.content},
                     {"single_word", token.single_word},
                     {"lstrip", token.lstrip},
                     {"rstrip", token.rstrip},
                     {"normalized", token.normalized},
                     {"special", token.special}});
  }
  for (const PreTokenizerStep& step : spec.pre_tokenizer) {
    if (step.kind == PreTokenizerStep::Kind::kSplit) {
      steps.push_back({{"type", "Split"},
                       {"pattern", {{"Regex", step.pattern}}},
                       {"behavior", "Isolated"},
                       {"invert", false}});
    } else if (step.kind == PreTokenizerStep::Kind::kDigits) {
      steps.push_back({{"type", "Digits"}, {"individual_digits", step.individual_digits}});
    } else {
      steps.push_back({{"type", "ByteLevel"},
                       {"add_prefix_space", step.add_prefix_space},
                       {"use_regex", step.use_regex}});
    }
  }
  nlohmann::ordered_json document = {
      {"version", "1.0"},
      {"added_tokens", added},
      {"normalizer", nullptr},
      {"pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", steps}}},
      {"model",
       {{"type", "BPE"},
        {"ignore_merges", spec.ignore_merges},
        {"vocab", vocab},
        {"merges", merges}}}};
  if (spec.nfc) document["normalizer"] = {{"type", "NFC"}};
  return document.dump();
}

}  // namespace sputnik
