#include "train/report.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "base/mapped_file.h"
#include "formats/gguf_testing.h"
#include "train/report_assets.h"
#include "train/report_parts.h"
#include "train/run_record.h"

namespace sputnik {
namespace {

using nlohmann::json;

constexpr std::string_view kHostile = "</script><script>alert('1')</script><img src=x>\x1b[2J\xff";

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t n = 0;
  for (std::size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1))
    ++n;
  return n;
}

// What stands between the first begin and the end behind it.
std::string_view between(std::string_view text, std::string_view begin, std::string_view end) {
  const std::size_t from = text.find(begin);
  if (from == std::string_view::npos) return {};
  const std::string_view rest = text.substr(from + begin.size());
  return rest.substr(0, rest.find(end));
}

// The page as a tree that a strict reader of HTML accepts: every element closed where it must be,
// attributes quoted and only once, ids unique, no stray markup.
testing::AssertionResult is_well_formed(std::string_view page) {
  static const std::set<std::string_view> kVoid = {"meta", "link", "br", "img", "input"};
  static const std::set<std::string_view> kRaw = {"script", "style"};
  const auto wrong = [&](std::string_view what, std::size_t at) {
    return testing::AssertionFailure() << what << " at: " << page.substr(at, 120);
  };
  const std::string_view kDoctype = "<!DOCTYPE html>\n";
  if (!page.starts_with(kDoctype)) return wrong("no doctype", 0);
  std::vector<std::string_view> open;
  std::set<std::string_view> ids;
  std::size_t at = kDoctype.size();
  while (at < page.size()) {
    if (page[at] == '&') {
      const std::string_view name = page.substr(at, page.find(';', at) - at + 1);
      static const std::set<std::string_view> kNames = {"&amp;",  "&lt;",  "&gt;",
                                                        "&quot;", "&#39;", "&nbsp;"};
      if (!kNames.contains(name)) return wrong("a strange entity", at);
    }
    if (page[at] == '>') return wrong("a stray >", at);
    if (page[at] != '<') {
      ++at;
      continue;
    }
    const std::size_t begin = at;
    const bool is_end = page[++at] == '/';
    if (is_end) ++at;
    const std::size_t name_end = page.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789", at);
    const std::string_view name = page.substr(at, name_end - at);
    if (name.empty()) return wrong("a stray <", begin);
    at = name_end;
    std::set<std::string_view> attributes;
    while (page[at] == ' ') {
      const std::size_t end =
          page.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-B", ++at);
      const std::string_view attribute = page.substr(at, end - at);
      if (attribute.empty() || !attributes.insert(attribute).second)
        return wrong("a wrong attribute", begin);
      at = end;
      if (page[at] != '=') continue;
      if (page[++at] != '"') return wrong("an attribute without quotes", begin);
      const std::size_t close = page.find('"', ++at);
      const std::string_view value = page.substr(at, close - at);
      if (value.find('<') != std::string_view::npos) return wrong("markup in an attribute", begin);
      if (attribute == "id" && !ids.insert(value).second) return wrong("an id that is used", begin);
      if (attribute == "style" || attribute == "src" || attribute.starts_with("on"))
        return wrong("what has no place in this page", begin);
      at = close + 1;
    }
    const bool is_empty = page.substr(at, 2) == "/>";
    if (is_empty) ++at;
    if (page[at] != '>') return wrong("a tag that does not end", begin);
    ++at;
    if (is_end) {
      if (open.empty() || open.back() != name) return wrong("an end without its beginning", begin);
      open.pop_back();
    } else if (!is_empty && !kVoid.contains(name)) {
      open.push_back(name);
      if (kRaw.contains(name)) at = page.find(fmt::format("</{}", name), at);
    }
  }
  if (!open.empty()) return testing::AssertionFailure() << open.back() << " is not closed";
  return testing::AssertionSuccess();
}

RunHistory example(int n_steps = 300) {
  RunHistory history;
  LogStart start;
  start.n_steps = 400;
  start.n_parameters = 166'856;
  start.recipe = "r";
  start.price_per_hour = 0.08;
  start.currency = "USD";
  history.add(start);
  for (int i = 1; i <= n_steps; ++i) {
    LogStep step;
    step.step = i;
    step.loss = 1 + 5.0 / i;
    step.mtp_loss = 2 + 5.0 / i;
    step.learning_rate = 0.001;
    step.gradient_norm = i == 3 ? 0 : 0.5;
    step.tokens = 1000;
    step.tokens_total = 1000.0 * i;
    step.seconds = 0.5;
    step.energy_j = 8;
    step.flops = 1e9;
    step.mfu = 0.4375;
    history.add(step);
    if (i % 20 == 0) history.add(LogExpertLoads{i, {{0.5f, 0.125f, 0.375f, 0}, {0.25f, 0.75f}}});
    if (i % 100 == 0) {
      history.add(LogEvaluation{i, {{"addition", 20, i / 20.0}, {std::string(kHostile), 10, 5}}});
      history.add(LogSample{i, "What is 2 plus 3?", fmt::format("at {}: 5\nsecond line", i)});
      history.add(LogSample{i, std::string(kHostile), std::string(kHostile)});
    }
  }
  return history;
}

std::string bill_text() {
  return json{{"currency", "USD"},
              {"stages",
               {{{"stage", std::string(kHostile.substr(0, 40))},
                 {"money", 0.19},
                 {"tokens", 6e7},
                 {"flops", 1.3e15},
                 {"seconds", 8640},
                 {"energy_j", 36000},
                 {"mfu", 0.4}}}},
              {"total", {{"money", 0.25}}},
              {"deepseek",
               {{"stages", {{{"stage", "V3"}, {"h800_hours", 2664000}, {"dollars", 5328000}}}}}},
              {"comparison", "Cheap because it is small."}}
      .dump();
}

json data_of(std::string_view page) {
  return json::parse(between(page, "id=\"data\">", "</script>"), nullptr, false);
}

const json* plot_of(const json& data, std::string_view id) {
  for (const json& plot : data["plots"]) {
    if (plot["id"] == id) return &plot;
  }
  return nullptr;
}

TEST(Report, IsWellFormedWhateverTheRunHolds) {
  EXPECT_TRUE(is_well_formed(report_page({}, {"nothing", "", 0, 0})));
  EXPECT_TRUE(is_well_formed(report_page(example(1), {"one step", "", 1.7e9, 0})));
  EXPECT_TRUE(is_well_formed(report_page(example(), {"run", bill_text(), 1.7e9, 0})));
  EXPECT_TRUE(is_well_formed(report_page(example(), {std::string(kHostile), "{", 1e300, 1})));
  for (const char* bill : {"[]", "7", "{}", R"({"stages":7,"total":[],"deepseek":3})",
                           R"({"stages":[1,{}],"deepseek":{"stages":[4,{"stage":5}]}})"}) {
    EXPECT_TRUE(is_well_formed(report_page({}, {"run", bill, 1.7e9, 0}))) << bill;
  }
}

TEST(Report, AsksForNothingFromAnywhere) {
  const std::string page = report_page(example(), {"run", bill_text(), 1.7e9, 0});
  for (const char* forbidden : {"http:", "https:", "url(", "@import", "<img", "<iframe", "<object",
                                "fetch(", "XMLHttpRequest", "WebSocket", "import("})
    EXPECT_EQ(page.find(forbidden), std::string::npos) << forbidden;
  EXPECT_EQ(count(page, "href="), 1u);
  EXPECT_NE(page.find("href=\"data:,\""), std::string::npos);
  EXPECT_NE(page.find("default-src 'none'"), std::string::npos);
}

// The hashes in the policy are those of what stands in the page: otherwise no browser would run it.
TEST(Report, ItsPolicyAllowsItsOwnStyleAndScriptAlone) {
  const std::string page = report_page(example(), {"run", "", 1.7e9, 0});
  const std::string_view policy = between(page, "Content-Security-Policy\" content=\"", "\"");
  EXPECT_EQ(policy.find("unsafe"), std::string_view::npos) << policy;
  const TestFolder folder;
  const auto hash_of = [&](std::string_view text) {
    const auto file = folder.write("text", text);
    const std::string command = fmt::format(
        "sha256sum '{}' | cut -c 1-64 | tr a-f A-F | basenc --base16 -d | base64", file.string());
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(::popen(command.c_str(), "r"),
                                                               ::pclose);
    std::array<char, 64> line{};
    EXPECT_NE(std::fgets(line.data(), line.size(), pipe.get()), nullptr);
    const std::string hash = line.data();
    return "'sha256-" + hash.substr(0, hash.find('\n')) + "'";
  };
  EXPECT_NE(policy.find("script-src " + hash_of(between(page, "<script>", "</script>")) + ";"),
            std::string_view::npos);
  EXPECT_NE(policy.find("style-src " + hash_of(between(page, "<style>", "</style>")) + ";"),
            std::string_view::npos);
}

TEST(Report, HoldsTheRunAsDataPicturesAndTables) {
  const std::string page = report_page(example(), {"tiny & small", bill_text(), 1.7e9, 0});
  const json data = data_of(page);
  ASSERT_TRUE(data.is_object());
  EXPECT_EQ(data["running"], true);
  const json* loss = plot_of(data, "loss");
  ASSERT_NE(loss, nullptr);
  EXPECT_EQ((*loss)["steps"].size(), 300u);
  EXPECT_EQ((*loss)["series"][0]["values"][1], 3.5);
  EXPECT_EQ((*loss)["series"][1]["values"][0], 7);
  for (const char* id : {"learning-rate", "gradient-norm", "speed", "mfu", "accuracy"}) {
    EXPECT_NE(plot_of(data, id), nullptr) << id;
    EXPECT_NE(page.find(fmt::format("data-plot=\"{}\"", id)), std::string::npos) << id;
  }
  EXPECT_EQ((*plot_of(data, "speed"))["series"][0]["values"][7], 2000);
  const json& accuracy = *plot_of(data, "accuracy");
  EXPECT_EQ(accuracy["steps"], json({100, 200, 300}));
  EXPECT_EQ(accuracy["series"].size(), 3u);
  EXPECT_EQ(accuracy["series"][0]["en"], "all");
  EXPECT_EQ(accuracy["series"][2]["values"], json({0.25, 0.5, 0.75}));

  EXPECT_EQ(count(page, "<figure>"), 6u);
  EXPECT_EQ(count(page, "<svg "), 6u);
  EXPECT_EQ(count(page, "<polyline "), 9u);
  EXPECT_GE(count(page, "<details>"), 7u);
  EXPECT_NE(page.find("<tr><td>300</td><td>1.017</td><td>2.017</td></tr>"), std::string::npos);
  EXPECT_NE(page.find("<h1><bdi>tiny &amp; small</bdi></h1>"), std::string::npos);
  EXPECT_NE(page.find("at 100: 5\nsecond line"), std::string::npos);
  EXPECT_NE(page.find("$0.19"), std::string::npos);
  EXPECT_NE(page.find("$5.33M"), std::string::npos);
  EXPECT_NE(page.find("2023-11-14 22:13:20 UTC"), std::string::npos);
  EXPECT_NE(page.find("15 / 20"), std::string::npos);
}

TEST(Report, ARunThatWasKilledIsNotCalledRunning) {
  EXPECT_NE(report_page(example(), {"run", "", 1.7e9, 1.7e9 - 60}).find("running when"),
            std::string::npos);
  const std::string page = report_page(example(), {"run", "", 1.7e9, 1.7e9 - 3600});
  EXPECT_EQ(page.find("running when"), std::string::npos);
  EXPECT_NE(page.find("nothing new since 2023-11-14 21:13:20 UTC"), std::string::npos);
}

TEST(Report, LoadsOfExpertsAreOneDigitEach) {
  const json loads = data_of(report_page(example(), {"run", "", 0, 0}))["loads"];
  EXPECT_EQ(loads["steps"].size(), 15u);
  ASSERT_EQ(loads["layers"].size(), 2u);
  EXPECT_EQ(loads["layers"][0]["n"], 4);
  // Twice, half, one and a half times, and nothing: 63 * (log2 + 3) / 6 as digits.
  EXPECT_EQ(loads["layers"][0]["cells"].get<std::string>().substr(0, 4), "qVmA");
  EXPECT_EQ(loads["layers"][1]["cells"].get<std::string>().size(), 30u);
}

TEST(Report, ALongRunMakesASmallPage) {
  const std::string page = report_page(example(100'000), {"run", "", 0, 0});
  EXPECT_LT(page.size(), 600'000u);
  const json data = data_of(page);
  const json& loss = *plot_of(data, "loss");
  EXPECT_LE(loss["steps"].size(), RunHistory::kMaxPoints);
  EXPECT_EQ(loss["steps"].back(), 100'000);
  // A point that stands for several steps says what lies between.
  EXPECT_EQ(loss["series"][0]["low"].size(), loss["steps"].size());
  EXPECT_GE(loss["series"][0]["high"][0], loss["series"][0]["values"][0]);
}

TEST(Report, TextIsNeverMarkup) {
  const std::string page = report_page(example(), {std::string(kHostile), bill_text(), 1.7e9, 0});
  EXPECT_EQ(count(page, "<script"), 2u);
  EXPECT_EQ(count(page, "</script"), 2u);
  EXPECT_EQ(count(page, "<img"), 0u);
  EXPECT_EQ(page.find('\x1b'), std::string::npos);
  EXPECT_NE(page.find("&lt;script&gt;alert(&#39;1&#39;)"), std::string::npos);
  EXPECT_EQ(report::escaped("a<b>&\"'\n\t\x01\x7f\xc2\x85\xff\u202E你"),
            "a&lt;b&gt;&amp;&quot;&#39;\n\t\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD你");
  EXPECT_EQ(report::script_data(json{{"a", "</script><!--\xff"}}),
            "{\"a\":\"\\u003c/script>\\u003c!--\uFFFD\"}");
}

TEST(Report, EveryLabelIsInBothLanguages) {
  const std::string page = report_page(example(), {"run", bill_text(), 1.7e9, 0});
  EXPECT_EQ(count(page, "class=\"en\""), count(page, "class=\"zh\" lang=\"zh\""));
  EXPECT_NE(page.find("<span class=\"en\">Loss</span><span class=\"zh\" lang=\"zh\">损失</span>"),
            std::string::npos);
}

TEST(Report, HoldsUPlotWithItsLicenceIfTheProgramDoes) {
  const ReportAssets assets = report_assets();
  if (assets.plots.empty()) GTEST_SKIP() << "npm was not there when this was built";
  EXPECT_TRUE(assets.plots.starts_with("uPlot ")) << assets.plots;
  EXPECT_NE(assets.script.find("var uPlot="), std::string_view::npos);
  EXPECT_NE(assets.script.find("The MIT License"), std::string_view::npos);
  EXPECT_NE(assets.style.find(".u-legend"), std::string_view::npos);
}

TEST(ReportWriter, WritesAtOnceAndThenNotForAWhile) {
  const TestFolder folder;
  ReportWriter writer(folder.path());
  ASSERT_TRUE(writer.write_if_due().ok());
  const std::string first = read_file(writer.path()).value();
  std::ofstream(folder.path() / "log.jsonl") << "{\"step\":1,\"loss\":1}\n";
  ASSERT_TRUE(writer.write_if_due().ok());
  EXPECT_EQ(read_file(writer.path()).value(), first);
  folder.write("bill.json", std::string_view(R"({"currency":"EUR","total":{"money":3}})"));
  ASSERT_TRUE(writer.write().ok());
  const std::string page = read_file(writer.path()).value();
  EXPECT_NE(page.find("EUR 3.00"), std::string::npos);
  EXPECT_EQ((*plot_of(data_of(page), "loss"))["steps"], json({1}));
}

TEST(RunRecord, ARunGoesOnWithoutAReportThatCannotBeWritten) {
  const TestFolder folder;
  std::filesystem::create_directory(folder.path() / "report.html");
  auto record = RunRecord::open(folder.path());
  ASSERT_TRUE(record.ok());
  ASSERT_TRUE(record.value().add({{"step", 1}, {"loss", 2}}).ok());
  const auto problem = record.value().take_problem();
  ASSERT_TRUE(problem.has_value());
  EXPECT_NE(problem->find("report.html"), std::string::npos) << *problem;
  ASSERT_TRUE(record.value().add({{"event", "finished"}, {"step", 1}}).ok());
  record.value().finish();
  EXPECT_FALSE(record.value().take_problem().has_value());  // once is enough
  EXPECT_EQ(read_file(folder.path() / "log.jsonl").value(),
            "{\"step\":1,\"loss\":2}\n{\"event\":\"finished\",\"step\":1}\n");
}

}  // namespace
}  // namespace sputnik
