// `sputnik key`, run as a person runs it.
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/program_testing.h"
#include "server/key_store.h"

namespace sputnik::cli {
namespace {

class KeyCommand : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = testing::TempDir() + "key-XXXXXX";
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    file_ = (folder_ / "keys.json").string();
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_;
  std::string file_;
};

TEST_F(KeyCommand, AKeyIsMadeShownOnceAndRevoked) {
  const ProgramResult created = run_program({"key", "create", "laptop", "--keys", file_});
  ASSERT_EQ(created.status, 0) << created.err;
  ASSERT_TRUE(created.out.ends_with('\n'));
  const std::string secret = created.out.substr(0, created.out.size() - 1);
  const auto store = server::KeyStore::open(file_);
  ASSERT_TRUE(store.ok());
  ASSERT_NE(store.value()->find(secret), nullptr) << "standard output is the key and nothing else";

  const ProgramResult listed = run_program({"key", "list", "--keys", file_});
  EXPECT_NE(listed.out.find("laptop"), std::string::npos);
  EXPECT_EQ(listed.out.find(secret.substr(11)), std::string::npos) << "never again";

  const std::string id(server::key_id(secret));
  EXPECT_EQ(run_program({"key", "revoke", id, "--keys", file_}).status, 0);
  EXPECT_EQ(store.value()->find(secret), nullptr);
  EXPECT_TRUE(fails_with(run_program({"key", "revoke", id, "--keys", file_}), {id, "key list"}));
}

TEST_F(KeyCommand, SpeaksJson) {
  const auto created =
      run_for_json({"key", "create", "ci", "--scope", "infer,manage", "--requests-per-min", "5",
                    "--tokens-per-min", "1000", "--json", "--keys", file_});
  EXPECT_EQ(created["scopes"], nlohmann::json({"infer", "manage"}));
  EXPECT_EQ(created["requests_per_min"], 5);
  EXPECT_TRUE(created["secret"].is_string());
  const auto listed = run_for_json({"key", "list", "--json", "--keys", file_});
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0]["id"], created["id"]);
  EXPECT_EQ(listed[0].count("hash") + listed[0].count("secret"), 0u);
  const auto revoked = run_for_json({"key", "revoke", created["id"], "--json", "--keys", file_});
  EXPECT_EQ(revoked["revoked"]["name"], "ci");
}

TEST_F(KeyCommand, WrongUseIsSaid) {
  EXPECT_EQ(run_program({"key"}).status, 2);
  EXPECT_EQ(run_program({"key", "create"}).status, 2);
  EXPECT_EQ(run_program({"key", "create", "x", "--scope", "root", "--keys", file_}).status, 2);
  EXPECT_EQ(run_program({"key", "create", "x", "--requests-per-min", "-1", "--keys", file_}).status,
            2);
  EXPECT_TRUE(fails_with(run_program({"key", "create", "a\nb", "--keys", file_}), {"name"}));
}

}  // namespace
}  // namespace sputnik::cli
