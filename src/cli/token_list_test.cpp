#include "cli/token_list.h"

#include <gtest/gtest.h>

namespace sputnik::cli {
namespace {

using Ids = std::vector<std::int32_t>;

TEST(TokenList, ReadsNumbersWithSpacesOrCommasBetweenThem) {
  EXPECT_EQ(parse_token_list(" 1, 2\n3,,4 ").value(), (Ids{1, 2, 3, 4}));
  EXPECT_EQ(parse_token_list(" [1, 2] ").value(), (Ids{1, 2}));
  EXPECT_EQ(parse_token_list("").value(), Ids{});
  EXPECT_EQ(parse_token_list("2147483647").value(), (Ids{2147483647}));
}

TEST(TokenList, RefusesWhatIsNoId) {
  for (const char* text :
       {"-1", "1.5", "1e3", "0x10", "2147483648", "99999999999999999999", "a", "[1", "[[1]]",
        "[-1]", "[1.0]", "[\"1\"]", "[null]", "{}x", "[18446744073709551615]"})
    EXPECT_FALSE(parse_token_list(text).ok()) << text;
}

TEST(TokenList, OfProgramsIsAJsonArray) {
  EXPECT_EQ(parse_token_array("[ 1,\n2 ]").value(), (Ids{1, 2}));
  EXPECT_FALSE(parse_token_array("1 2").ok());
  EXPECT_FALSE(parse_token_array("{\"ids\":[1]}").ok());
}

}  // namespace
}  // namespace sputnik::cli
