#include "formats/json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "formats/gguf_testing.h"

namespace sputnik {
namespace {

JsonDocument parse(std::string_view text) {
  auto document = JsonDocument::parse(text, "config.json");
  SPUTNIK_ASSERT(document.ok());
  return std::move(document).value();
}

std::string error_of(std::string_view text) {
  const auto document = JsonDocument::parse(text, "config.json");
  return document.ok() ? "" : document.error().message;
}

TEST(Json, ReadsEveryTypeOfValue) {
  const JsonDocument document = parse(
      R"({"hidden_size":7168,"eps":1e-06,"theta":10000,"tie":false,"act":"silu","none":null,"scaling":{"factor":40}})");
  const JsonObject root = document.root();
  EXPECT_EQ(root.get_i64("hidden_size").value(), 7168);
  EXPECT_EQ(root.get_f64("eps").value(), 1e-6);
  EXPECT_EQ(root.get_f64("theta").value(), 10000.0);
  EXPECT_FALSE(root.get_bool("tie").value());
  EXPECT_EQ(root.get_string("act").value(), "silu");
  EXPECT_EQ(root.get_object("scaling").value().get_f64("factor").value(), 40.0);
  EXPECT_FALSE(root.has("none"));
  EXPECT_TRUE(root.has("eps"));
  EXPECT_EQ(root.keys().size(), 7u);
}

TEST(Json, ErrorsNameFileAndKey) {
  const JsonDocument document = parse(
      R"({"a":"x","n":2.5,"rope_scaling":{"factor":"40"},"list":[1,"2"],"big":9223372036854775808})");
  const JsonObject root = document.root();
  EXPECT_EQ(root.get_i64("hidden_size").error().message, "config.json: hidden_size is missing");
  EXPECT_EQ(root.get_i64("a").error().message, "config.json: a is a string, not an integer");
  EXPECT_EQ(root.get_i64("n").error().message, "config.json: n is a fraction, not an integer");
  EXPECT_EQ(root.get_i64("big").error().message,
            "config.json: big is 9223372036854775808, which is out of range");
  EXPECT_EQ(root.get_object("rope_scaling").value().get_f64("factor").error().message,
            "config.json: rope_scaling.factor is a string, not a number");
  EXPECT_EQ(root.get_i64_list("list").error().message,
            "config.json: list[1] is a string, not an integer of 64 bits");
  EXPECT_EQ(root.get_object("a").error().message, "config.json: a is a string, not an object");
  EXPECT_EQ(root.get_bool("a").error().code, ErrorCode::kCorrupt);
}

TEST(Json, ChecksTheRangeOfIntegers) {
  const JsonDocument document = parse(R"({"n":5,"negative":-5})");
  EXPECT_EQ(document.root().get_i64("n", 0, 5).value(), 5);
  EXPECT_EQ(document.root().get_i64("n", 0, 4).error().message,
            "config.json: n is 5, which is out of range");
  EXPECT_FALSE(document.root().get_i64("negative", 0).ok());
  EXPECT_FALSE(document.root().get_i64_or("negative", 1, 0).ok());
}

TEST(Json, DefaultsStandForMissingAndNullOnly) {
  const JsonDocument document = parse(R"({"none":null,"text":"x"})");
  const JsonObject root = document.root();
  EXPECT_EQ(root.get_i64_or("none", 3).value(), 3);
  EXPECT_EQ(root.get_f64_or("missing", 0.5).value(), 0.5);
  EXPECT_TRUE(root.get_bool_or("missing", true).value());
  EXPECT_EQ(root.get_string_or("none", "y").value(), "y");
  EXPECT_FALSE(root.find_object("none").value().has_value());
  EXPECT_FALSE(root.get_i64_or("text", 3).ok());
  EXPECT_FALSE(root.get_f64_or("text", 3).ok());
  EXPECT_FALSE(root.get_bool_or("text", true).ok());
  EXPECT_FALSE(root.find_object("text").ok());
}

TEST(Json, ReadsOneOrManyAsAList) {
  const JsonDocument document =
      parse(R"({"one":1,"many":[1,2],"none":null,"names":["a","b"],"x":{}})");
  const JsonObject root = document.root();
  EXPECT_EQ(root.get_i64_list("one").value(), (std::vector<std::int64_t>{1}));
  EXPECT_EQ(root.get_i64_list("many").value(), (std::vector<std::int64_t>{1, 2}));
  EXPECT_TRUE(root.get_i64_list("none").value().empty());
  EXPECT_TRUE(root.get_string_list("missing").value().empty());
  EXPECT_EQ(root.get_f64_list("many").value(), (std::vector<double>{1, 2}));
  EXPECT_EQ(root.get_string_list("names").value(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(root.get_object_list("x").value().size(), 1u);
  EXPECT_EQ(root.get_object_list("many").error().message,
            "config.json: many[0] is an integer, not an object");
  EXPECT_EQ(root.get_i64_list("x").error().message,
            "config.json: x is an object, not an integer of 64 bits");
}

TEST(Json, SaysWhereTextIsMalformed) {
  EXPECT_EQ(error_of("{\"a\": 1,\n \"b\" 2}"), "config.json: malformed JSON at line 2, column 6");
  EXPECT_EQ(error_of(""), "config.json: malformed JSON at line 1, column 1");
  EXPECT_EQ(error_of("{} x"), "config.json: malformed JSON at line 1, column 4");
  EXPECT_EQ(error_of("{\"a\":1e999}"), "config.json: malformed JSON at line 1, column 10");
  EXPECT_EQ(error_of("[]"), "config.json: an array instead of an object");
  EXPECT_NE(error_of("{\"a\":\"\xC3\"}"), "");
}

TEST(Json, BoundsTheDepth) {
  const auto nested = [](int depth) {
    return "{\"a\":" + std::string(static_cast<std::size_t>(depth - 1), '[') +
           std::string(static_cast<std::size_t>(depth - 1), ']') + "}";
  };
  EXPECT_EQ(error_of(nested(kMaxJsonDepth)), "");
  EXPECT_EQ(error_of(nested(kMaxJsonDepth + 1)),
            "config.json: JSON is nested more than 64 levels deep");
  EXPECT_NE(error_of(std::string(10'000'000, '[')), "");
  // Brackets inside strings are text.
  EXPECT_FALSE(json_is_deeper_than(R"(["[[[[\"[[[["])", 1));
  EXPECT_TRUE(json_is_deeper_than("[[1],[[2]]]", 2));
  EXPECT_FALSE(json_is_deeper_than("[[1],[2],[3]]", 2));
}

TEST(Json, CutAtAnyByteIsAnError) {
  const std::string_view whole = R"({"a":[1,-2.5e3,"x\u00e9\n"],"b":{"c":null,"d":true}})";
  ASSERT_EQ(error_of(whole), "");
  for (std::size_t n = 0; n < whole.size(); ++n) {
    const std::vector<char> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(n));
    ASSERT_NE(error_of({cut.data(), cut.size()}), "") << n;
  }
}

TEST(Json, WithAnyBitFlippedIsAnErrorOrADocument) {
  const std::string whole = R"({"a":[1,-2.5e3,"x\u00e9\n"],"b":{"c":null,"d":true},"e":12})";
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    const auto document = JsonDocument::parse(flipped, "config.json");
    if (document.ok()) {
      read_everything(document.value().root());
    } else {
      ASSERT_EQ(document.error().message.find('\n'), std::string::npos);
    }
  }
}

TEST(Json, ReadsFilesUpToALimit) {
  const TestFolder folder;
  const auto path = folder.write("config.json", R"({"a":1})");
  EXPECT_EQ(JsonDocument::read(path, 100).value().root().get_i64("a").value(), 1);
  EXPECT_EQ(JsonDocument::read(path, 100).value().root().get_i64("b").error().message,
            "config.json: b is missing");
  EXPECT_EQ(JsonDocument::read(path, 3).error().code, ErrorCode::kExhausted);
  EXPECT_EQ(JsonDocument::read(folder.path() / "none.json", 3).error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(JsonDocument::read(folder.write("bad.json", "{"), 100)
                  .error()
                  .message.starts_with(folder.path().string()));
}

}  // namespace
}  // namespace sputnik
