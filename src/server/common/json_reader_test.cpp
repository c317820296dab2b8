#include "server/common/json_reader.h"

#include <gtest/gtest.h>

namespace sputnik::server {
namespace {

std::string error_of(const auto& result) {
  EXPECT_FALSE(result.ok());
  return result.ok() ? "" : result.error().message;
}

TEST(JsonReader, TakesIntegersHoweverTheyAreWrittenButOnlyThose) {
  const auto json =
      parse_body(R"({"a":3.0,"b":3.5,"c":1e3,"d":9223372036854775808,"e":-0,"f":1e300})");
  ASSERT_TRUE(json.ok());
  const JsonView body(json.value());
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(body.get_integer("a", 0, 10).value(), 3);
  EXPECT_EQ(body.get_integer("c", 0, 1000).value(), 1000);
  EXPECT_EQ(body.get_integer("e", 0, 0).value(), 0);
  EXPECT_EQ(error_of(body.get_integer("b", 0, 10)), "b: 3.5 is not an integer from 0 to 10");
  EXPECT_FALSE(body.get_integer("d", 0, kMost).ok());
  EXPECT_FALSE(body.get_integer("f", 0, kMost).ok());
  EXPECT_EQ(error_of(body.get_integer("a", 4, 10)), "a: 3.0 is not an integer from 4 to 10");
}

TEST(JsonReader, NamesThePlaceOfWhatIsNested) {
  const auto json = parse_body(R"({"a":[{"b":null},{"b":[true]}]})");
  ASSERT_TRUE(json.ok());
  const auto items = JsonView(json.value()).get_array("a");
  ASSERT_TRUE(items.ok());
  EXPECT_FALSE(items.value()[0].has("b"));
  EXPECT_EQ(error_of(items.value()[0].require("b")), "a[0].b: it is missing");
  EXPECT_EQ(error_of(items.value()[1].get_strings("b", 4)),
            "a[1].b[0]: expected a string, found a boolean");
}

TEST(JsonReader, ShowsNoControlCharactersOfStrangers) {
  const auto json = parse_body("{\"a\\u001b[31m\":1}");
  ASSERT_TRUE(json.ok());
  const std::string message = error_of(JsonView(json.value()).get_string("a\x1b[31m"));
  EXPECT_EQ(message.find('\x1b'), std::string::npos) << message;
}

TEST(JsonReader, HasNoMembersInWhatIsNoObject) {
  const auto json = parse_body(R"({"a":[1]})");
  ASSERT_TRUE(json.ok());
  const JsonView array = *JsonView(json.value()).find("a");
  EXPECT_FALSE(array.has("b"));
  EXPECT_EQ(error_of(array.as_object()), "a: expected an object, found an array");
}

}  // namespace
}  // namespace sputnik::server
