// JSON documents of bounded size and depth, read through getters that name what is wrong.
// nlohmann's header is slow to compile, so it stays in .cpp files; this header only names its type.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sputnik {

constexpr int kMaxJsonDepth = 64;  // arrays and objects within each other

// Whether text, read as JSON, nests deeper than limit. Exact for well-formed text; of malformed
// text it counts at least as deep as a parser gets before it stops.
bool json_is_deeper_than(std::string_view text, int limit);

// Parses any JSON value. kCorrupt with line and column; nothing is thrown. Include
// <nlohmann/json.hpp> to use the result.
Result<nlohmann::json> parse_json(std::string_view text, int max_depth = kMaxJsonDepth);

// A JSON object inside a JsonDocument, which must outlive it. Copies are cheap. null counts as
// missing everywhere.
//
// Errors are kCorrupt and say where: "config.json: hidden_size is missing", "config.json:
// rope_scaling.factor is a string, not a number".
class JsonObject {
 public:
  bool has(std::string_view key) const;  // present and not null
  std::vector<std::string> keys() const;

  // Integers must be written as integers and lie within [low, high].
  Result<std::int64_t> get_i64(std::string_view key, std::int64_t low = kLowest,
                               std::int64_t high = kHighest) const;
  Result<double> get_f64(std::string_view key) const;  // integers too
  Result<bool> get_bool(std::string_view key) const;
  Result<std::string> get_string(std::string_view key) const;
  Result<JsonObject> get_object(std::string_view key) const;

  // The default stands for a missing key; a value of the wrong type remains an error.
  Result<std::int64_t> get_i64_or(std::string_view key, std::int64_t otherwise,
                                  std::int64_t low = kLowest, std::int64_t high = kHighest) const;
  Result<double> get_f64_or(std::string_view key, double otherwise) const;
  Result<bool> get_bool_or(std::string_view key, bool otherwise) const;
  Result<std::string> get_string_or(std::string_view key, std::string_view otherwise) const;
  Result<std::optional<JsonObject>> find_object(std::string_view key) const;

  // Lists, where a single value counts as a list of one and a missing key as an empty list
  // (eos_token_id may be 1, [1, 2] or null).
  Result<std::vector<std::int64_t>> get_i64_list(std::string_view key) const;
  Result<std::vector<double>> get_f64_list(std::string_view key) const;
  Result<std::vector<std::string>> get_string_list(std::string_view key) const;
  Result<std::vector<JsonObject>> get_object_list(std::string_view key) const;

  // For what the getters cannot say; error() makes a message of the same form about a key.
  const nlohmann::json& raw() const { return *json_; }
  Error error(std::string_view key, std::string_view what) const;

 private:
  friend class JsonDocument;
  static constexpr std::int64_t kLowest = std::numeric_limits<std::int64_t>::min();
  static constexpr std::int64_t kHighest = std::numeric_limits<std::int64_t>::max();

  JsonObject(const nlohmann::json& json, std::string source, std::string path)
      : json_(&json), source_(std::move(source)), path_(std::move(path)) {}

  const nlohmann::json* find(std::string_view key) const;  // nullptr: missing or null
  Error wrong_type(std::string_view key, const nlohmann::json& value,
                   std::string_view wanted) const;
  Error missing(std::string_view key) const { return error(key, "is missing"); }
  template <class T, class Convert>
  Result<std::vector<T>> get_list(std::string_view key, std::string_view wanted,
                                  Convert convert) const;

  const nlohmann::json* json_;
  std::string source_;  // "config.json"
  std::string path_;    // "" or "rope_scaling."
};

// Owns a parsed document whose root is an object.
class JsonDocument {
 public:
  // source names the document in messages.
  static Result<JsonDocument> parse(std::string_view text, std::string source);
  // kNotFound, kIo, kExhausted above max_bytes, kCorrupt. Messages begin with the path; those of
  // the getters with the file's name.
  static Result<JsonDocument> read(const std::filesystem::path& path, std::size_t max_bytes);

  JsonObject root() const { return {*json_, source_, ""}; }

 private:
  JsonDocument(std::shared_ptr<const nlohmann::json> json, std::string source)
      : json_(std::move(json)), source_(std::move(source)) {}

  std::shared_ptr<const nlohmann::json> json_;  // shared by copies of the document; never changes
  std::string source_;
};

}  // namespace sputnik
