#include "evaluation/report_html.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace sputnik::evaluation {
namespace {

constexpr const char* kHostile =
    "</pre></details><script>alert(1)</script><img src=x onerror=alert(1)>\"' onload='x' &lt; "
    "\x1b[2J\x00\u202e\u2066 ]]> <!-- --> \xff\xfe javascript:x";

struct Fixture {
  std::vector<Item> items;
  std::vector<Record> records;

  explicit Fixture(const std::string& text, std::int64_t n_samples = 1) {
    for (const char* column : {"in range", "level + 1"}) {
      for (const char* row : {"sum", "order"}) {
        Item item;
        item.suite = "gym" + text;
        item.section = "families" + text;
        item.row = row + text;
        item.column = column + text;
        item.id = "id" + text;
        item.question = "question" + text;
        item.answer = "answer" + text;
        for (std::int64_t sample = 0; sample < n_samples; ++sample) {
          Record record;
          record.item = static_cast<std::int64_t>(items.size());
          record.sample = sample;
          record.right = items.size() % 2 == 0;
          record.thought = "thought" + text;
          record.text = "text" + text;
          records.push_back(record);
        }
        items.push_back(std::move(item));
      }
    }
  }

  std::string html(const std::string& text, std::int64_t n_samples = 1) const {
    return html_report(
        {"title" + text, {{"fact" + text, "value" + text}}, items, records, n_samples, true});
  }
};

// The names of the elements, in order; each end tag must match. Attributes are quoted.
std::vector<std::string> elements_of(const std::string& html) {
  std::vector<std::string> names, open;
  for (std::size_t at = html.find('<'); at != std::string::npos; at = html.find('<', at)) {
    const std::size_t end = html.find('>', at);
    EXPECT_NE(end, std::string::npos);
    std::string tag = html.substr(at + 1, end - at - 1);
    at = end;
    if (tag.starts_with('!')) continue;
    const bool closes = tag.starts_with('/'), is_empty = tag.ends_with('/');
    std::string name = tag.substr(closes ? 1 : 0);
    name = name.substr(0, name.find_first_of(" /"));
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz123"), std::string::npos) << tag;
    EXPECT_EQ(std::count(tag.begin(), tag.end(), '"') % 2, 0) << tag;
    if (closes) {
      EXPECT_FALSE(open.empty());
      if (!open.empty()) {
        EXPECT_EQ(open.back(), name);
        open.pop_back();
      }
      continue;
    }
    names.push_back(name);
    if (!is_empty && name != "meta") open.push_back(name);
    if (name == "style") at = html.find("</style>", at);
  }
  EXPECT_TRUE(open.empty());
  return names;
}

TEST(HtmlReport, WhatAModelWroteStaysText) {
  const std::string hostile(kHostile, 160);
  const std::string page = Fixture(hostile).html(hostile);
  const auto tame = elements_of(Fixture("").html(""));
  EXPECT_EQ(elements_of(page), tame);  // no element more, and none less
  EXPECT_EQ(std::count(tame.begin(), tame.end(), "script"), 0);
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_EQ(page.find("<img"), std::string::npos);
  EXPECT_NE(page.find("&lt;script&gt;alert(1)"), std::string::npos);
  EXPECT_EQ(page.find('\x1b'), std::string::npos);
  EXPECT_EQ(page.find("\u202e"), std::string::npos);
  EXPECT_EQ(page.find('\0'), std::string::npos);
  EXPECT_NE(page.find("default-src 'none'"), std::string::npos);
}

TEST(HtmlReport, HasATableBesideEveryPictureAndNamesForBoth) {
  const std::string page = Fixture("", 4).html("", 4);
  const auto elements = elements_of(page);
  EXPECT_EQ(std::count(elements.begin(), elements.end(), "svg"), 1);
  EXPECT_EQ(std::count(elements.begin(), elements.end(), "table"), 2);
  EXPECT_NE(page.find("role=\"img\" aria-labelledby=\"t1 d1\""), std::string::npos);
  EXPECT_NE(page.find("<th scope=\"row\">sum</th>"), std::string::npos);
  EXPECT_NE(page.find("50.0 % <small>(15.0 to 85.0)</small>"), std::string::npos);
  EXPECT_NE(page.find("pass@4"), std::string::npos);
  EXPECT_NE(page.find("cons@4"), std::string::npos);
  EXPECT_NE(page.find("prefers-color-scheme:dark"), std::string::npos);
}

TEST(HtmlReport, LongTextsAreCutBetweenCharacters) {
  std::string text;
  for (int i = 0; i < 4000; ++i) text += "\u00e9";
  const std::string page = Fixture(text).html("");
  EXPECT_NE(page.find("bytes more"), std::string::npos);
  EXPECT_EQ(page.find("\uFFFD"), std::string::npos);
}

TEST(HtmlEscaped, KeepsTextAndLineBreaks) {
  EXPECT_EQ(html_escaped("a < b && c\n\t\"\u00e9\""),
            "a &lt; b &amp;&amp; c\n\t&quot;\u00e9&quot;");
  EXPECT_EQ(html_escaped("\x07\x7f\u0085\u200f"), "\uFFFD\uFFFD\uFFFD\uFFFD");
}

}  // namespace
}  // namespace sputnik::evaluation
