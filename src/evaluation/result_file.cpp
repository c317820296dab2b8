#include "evaluation/result_file.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/mapped_file.h"
#include "formats/json.h"
#include "formats/printable.h"

namespace sputnik::evaluation {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMaxResultBytes = std::size_t{1} << 30;
constexpr std::int64_t kMaxSamples = 1 << 20;
constexpr int kVersion = 1;

Result<SavedItem> read_item(const JsonObject& object, std::int64_t n_samples) {
  SavedItem item;
  SPUTNIK_TRY(item.id, object.get_string("id"));
  SPUTNIK_TRY(item.section, object.get_string_or("section", ""));
  SPUTNIK_TRY(item.row, object.get_string_or("row", ""));
  SPUTNIK_TRY(item.column, object.get_string_or("column", ""));
  SPUTNIK_TRY(const std::int64_t n_right, object.get_i64("right", 0, n_samples));
  item.right = 2 * n_right > n_samples;
  return item;
}

Result<SavedSuite> read_suite(const JsonObject& object, std::int64_t n_samples) {
  SavedSuite suite;
  SPUTNIK_TRY(suite.suite, object.get_string("suite"));
  SPUTNIK_TRY(suite.fingerprint, object.get_string("fingerprint"));
  SPUTNIK_TRY(const auto items, object.get_object_list("items"));
  if (items.empty()) return object.error("items", "are missing");
  for (const JsonObject& item : items) {
    SPUTNIK_TRY(SavedItem saved, read_item(item, n_samples));
    suite.items.push_back(std::move(saved));
  }
  return suite;
}

void count(Comparison& comparison, const SavedItem& first, const SavedItem& second) {
  ++comparison.n;
  comparison.n_both += first.right && second.right ? 1 : 0;
  comparison.n_only_first += first.right && !second.right ? 1 : 0;
  comparison.n_only_second += !first.right && second.right ? 1 : 0;
}

Result<void> compare_suite(const SavedSuite& first, const SavedSuite& second,
                           std::vector<Comparison>& comparisons) {
  if (first.fingerprint != second.fingerprint || first.items.size() != second.items.size()) {
    return invalid_argument(
        "the two results are about different items of {} ({} and {}): they cannot be compared",
        printable(first.suite), printable(first.fingerprint), printable(second.fingerprint));
  }
  const std::size_t begin = comparisons.size();
  comparisons.push_back({first.suite, "", "", 0, 0, 0, 0});
  for (std::size_t i = 0; i < first.items.size(); ++i) {
    const SavedItem& item = first.items[i];
    count(comparisons[begin], item, second.items[i]);
    if (item.section.empty() && item.column.empty()) continue;
    auto it = std::find_if(
        comparisons.begin() + static_cast<std::ptrdiff_t>(begin) + 1, comparisons.end(),
        [&](const Comparison& c) { return c.section == item.section && c.column == item.column; });
    if (it == comparisons.end())
      it = comparisons.insert(it, {first.suite, item.section, item.column, 0, 0, 0, 0});
    count(*it, item, second.items[i]);
  }
  return ok_result();
}

}  // namespace

Json make_result(const Json& identity, const Json& run, std::span<const Item> items,
                 std::span<const Record> records, std::int64_t n_samples) {
  const auto outcomes = outcomes_of(items, records, n_samples);
  Json result{{"sputnik_eval", kVersion}};
  for (const auto& [key, value] : identity.items()) result[key] = value;
  result["run"] = run;
  Json& suites = result["suites"] = Json::array();
  std::size_t at = 0;
  for (const SuiteSummary& summary : summarize(items, records, n_samples)) {
    Json suite = to_json(summary);
    Json& list = suite["items"] = Json::array();
    for (; at < items.size() && items[at].suite == summary.suite; ++at) {
      const Item& item = items[at];
      Json entry{{"id", item.id}};
      if (!item.section.empty()) entry["section"] = item.section;
      entry["row"] = item.row;
      if (!item.column.empty()) entry["column"] = item.column;
      entry["right"] = outcomes[at].n_right;
      if (n_samples > 1) entry["vote_right"] = outcomes[at].consensus_right;
      list.push_back(std::move(entry));
    }
    suites.push_back(std::move(suite));
  }
  return result;
}

Result<SavedResult> read_result(const std::filesystem::path& path) {
  std::error_code ignored;
  const std::filesystem::path file =
      std::filesystem::is_directory(path, ignored) ? path / "result.json" : path;
  SPUTNIK_TRY(const std::string text, read_file(file, kMaxResultBytes));
  return parse_result(text, file.string());
}

Result<SavedResult> parse_result(std::string_view text, const std::string& where) {
  SPUTNIK_TRY(const JsonDocument document, JsonDocument::parse(text, where));
  const JsonObject root = document.root();
  SPUTNIK_TRY(const std::int64_t version, root.get_i64("sputnik_eval"));
  if (version != kVersion) return root.error("sputnik_eval", fmt::format("is {}, not 1", version));
  SavedResult result;
  SPUTNIK_TRY(const JsonObject model, root.get_object("model"));
  SPUTNIK_TRY(result.model, model.get_string("name"));
  SPUTNIK_TRY(const JsonObject options, root.get_object("options"));
  SPUTNIK_TRY(result.n_samples, options.get_i64("samples", 1, kMaxSamples));
  SPUTNIK_TRY(const auto suites, root.get_object_list("suites"));
  for (const JsonObject& object : suites) {
    SPUTNIK_TRY(SavedSuite suite, read_suite(object, result.n_samples));
    result.suites.push_back(std::move(suite));
  }
  return result;
}

Result<std::vector<Comparison>> compare(const SavedResult& first, const SavedResult& second) {
  std::vector<Comparison> comparisons;
  for (const SavedSuite& suite : first.suites) {
    const auto it = std::find_if(second.suites.begin(), second.suites.end(),
                                 [&](const SavedSuite& s) { return s.suite == suite.suite; });
    if (it != second.suites.end()) SPUTNIK_CHECK_OK(compare_suite(suite, *it, comparisons));
  }
  if (comparisons.empty()) return invalid_argument("the two results have no suite in common");
  return comparisons;
}

}  // namespace sputnik::evaluation
