// Bodies of requests, read strictly: a value of the wrong type is an error that names its place
// ("messages[2].content: expected a string, found a number"), and so is a number out of its range.
// null counts as absent everywhere. Unknown members are ignored.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "chat/ordered_json.h"

namespace sputnik::server {

// Of one body: what a value takes in memory is many times what it may take in the text.
constexpr std::size_t kMaxJsonValues = 1'000'000;

// The body of a request, which must be an object. kInvalidArgument: not JSON, not UTF-8, nested
// more than chat::kMaxJsonDepth levels deep or of more than kMaxJsonValues values.
Result<chat::OrderedJson> parse_body(std::string_view body);

// A value inside a document, which must outlive it.
class JsonView {
 public:
  explicit JsonView(const chat::OrderedJson& json, std::string path = {})
      : json_(&json), path_(std::move(path)) {}

  const chat::OrderedJson& json() const { return *json_; }
  const std::string& path() const { return path_; }
  bool is_null() const { return json_->is_null(); }
  bool is_string() const { return json_->is_string(); }
  bool is_array() const { return json_->is_array(); }
  bool is_object() const { return json_->is_object(); }
  bool is_bool() const { return json_->kind == chat::OrderedJson::Kind::kBool; }
  bool is_number() const { return json_->kind == chat::OrderedJson::Kind::kNumber; }
  std::string text() const { return chat::to_python_json(*json_); }

  // The value itself. Integers may be written as 3 or 3.0.
  Result<std::string> as_string() const;
  Result<bool> as_bool() const;
  Result<std::int64_t> as_integer(std::int64_t low, std::int64_t high) const;
  Result<double> as_number(double low, double high) const;
  Result<std::vector<JsonView>> as_array() const;
  Result<JsonView> as_object() const;

  // Members of an object; of anything else, none.
  std::optional<JsonView> find(std::string_view key) const;
  bool has(std::string_view key) const { return find(key).has_value(); }
  Result<std::optional<std::string>> get_string(std::string_view key) const;
  Result<std::optional<bool>> get_bool(std::string_view key) const;
  Result<std::optional<std::int64_t>> get_integer(std::string_view key, std::int64_t low,
                                                  std::int64_t high) const;
  Result<std::optional<double>> get_number(std::string_view key, double low, double high) const;
  Result<std::optional<float>> get_float(std::string_view key, float low, float high) const;
  Result<std::optional<JsonView>> get_object(std::string_view key) const;
  Result<std::vector<JsonView>> get_array(std::string_view key) const;  // absent: empty
  // A string, or an array of at most `most` strings, none of them empty; absent: none.
  Result<std::vector<std::string>> get_strings(std::string_view key, std::size_t most) const;

  Result<std::string> require_string(std::string_view key) const;
  Result<JsonView> require(std::string_view key) const;

  // kInvalidArgument with this value's place before the message.
  Error error(std::string_view message) const;
  Error wrong(std::string_view wanted) const;  // "expected a string, found a number"
  std::string path_of(std::string_view key) const;

 private:
  const chat::OrderedJson* json_;
  std::string path_;  // "": the body itself
};

}  // namespace sputnik::server
