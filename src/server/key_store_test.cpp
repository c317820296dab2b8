#include "server/key_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <set>
#include <sstream>
#include <thread>

namespace sputnik::server {
namespace {

class KeyStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = testing::TempDir() + "keys-XXXXXX";
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    file_ = folder_ / "below" / "keys.json";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  NewKey create(std::string name = "somebody") {
    ApiKey of;
    of.name = std::move(name);
    auto made = create_key(file_, of);
    EXPECT_TRUE(made.ok()) << made.error().message;
    return std::move(made).value();
  }
  std::string content() {
    std::ifstream in(file_);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
  }

  std::filesystem::path folder_, file_;
};

TEST_F(KeyStoreTest, AKeyIsFoundByItsSecretAndByNothingElse) {
  const NewKey made = create(), other = create();
  auto store = std::move(KeyStore::open(file_)).value();
  const auto found = store->find(made.secret);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->id, made.key.id);
  EXPECT_EQ(found->name, "somebody");
  EXPECT_EQ(made.secret.size(), 46u);
  EXPECT_TRUE(made.secret.starts_with("sk-" + made.key.id));
  for (std::size_t i = 0; i < made.secret.size(); ++i) {
    std::string wrong = made.secret;
    wrong[i] = wrong[i] == 'a' ? 'b' : 'a';
    EXPECT_EQ(store->find(wrong), nullptr) << i;
  }
  const std::string mixed = made.secret.substr(0, 11) + other.secret.substr(11);
  for (const std::string& wrong : {std::string(), std::string("sk-"), made.secret + "a",
                                   made.secret.substr(0, 45), made.key.id, mixed})
    EXPECT_EQ(store->find(wrong), nullptr) << wrong;
}

TEST_F(KeyStoreTest, TheFileHoldsNoSecretAndIsItsOwnersAlone) {
  const NewKey made = create();
  EXPECT_EQ(content().find(made.secret), std::string::npos);
  EXPECT_EQ(content().find(made.secret.substr(11)), std::string::npos);
  struct stat info {};
  ASSERT_EQ(::stat(file_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(KeyStoreTest, EqualKeysWouldHaveDifferentHashes) {
  const NewKey a = create(), b = create();
  EXPECT_NE(a.key.salt, b.key.salt);
  EXPECT_NE(a.secret, b.secret);
}

TEST_F(KeyStoreTest, ARevokedKeyIsOutWithoutARestart) {
  const NewKey made = create(), stays = create();
  auto store = std::move(KeyStore::open(file_)).value();
  ASSERT_NE(store->find(made.secret), nullptr);
  const auto revoked = revoke_key(file_, made.key.id);
  ASSERT_TRUE(revoked.ok());
  EXPECT_EQ(store->find(made.secret), nullptr);
  EXPECT_NE(store->find(stays.secret), nullptr);
  const NewKey later = create();
  EXPECT_NE(store->find(later.secret), nullptr) << "and a new one is in";
  EXPECT_EQ(revoke_key(file_, made.key.id).error().code, ErrorCode::kNotFound);
}

TEST_F(KeyStoreTest, AServerThatHadKeysNeverBecomesOpen) {
  auto store = std::move(KeyStore::open(file_)).value();
  EXPECT_FALSE(store->needs_key());
  const NewKey made = create();
  EXPECT_TRUE(store->needs_key()) << "the first key closes the door";
  std::filesystem::remove(file_);
  EXPECT_EQ(store->find(made.secret), nullptr);
  EXPECT_TRUE(store->needs_key());
}

TEST_F(KeyStoreTest, AFileThatBreaksLeavesTheKeysAsTheyWere) {
  const NewKey made = create();
  auto store = std::move(KeyStore::open(file_)).value();
  std::ofstream(file_) << "{\"version\":1,";
  EXPECT_NE(store->find(made.secret), nullptr);
  EXPECT_NE(store->problem(), "");
  EXPECT_FALSE(KeyStore::open(file_).ok()) << "but nobody starts with it";
}

TEST_F(KeyStoreTest, AFileThatOthersMayWriteIsNotTrusted) {
  create();
  ASSERT_EQ(::chmod(file_.c_str(), 0666), 0);
  const auto read = read_keys(file_);
  ASSERT_FALSE(read.ok());
  EXPECT_NE(read.error().message.find("chmod 600"), std::string::npos);
}

TEST_F(KeyStoreTest, DamagedEntriesAreNamed) {
  create();
  const std::string good = content();
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"\"version\": 1", "\"version\": 2"},
           {"\"salt\": \"", "\"salt\": \"x"},
           {"\"hash\": \"", "\"hash\": \"00"},
           {"\"id\": \"", "\"id\": \"-"},
           {"\"name\"", "\"game\""},
           {"\"tokens_per_min\": 0", "\"tokens_per_min\": -1"}}) {
    std::string bad = good;
    ASSERT_NE(bad.find(from), std::string::npos);
    bad.replace(bad.find(from), from.size(), to);
    std::ofstream(file_, std::ios::trunc) << bad;
    EXPECT_FALSE(read_keys(file_).ok()) << to;
  }
}

TEST_F(KeyStoreTest, ProgramsThatWriteAtOnceLoseNothing) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5; ++i) create();
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto keys = read_keys(file_);
  ASSERT_TRUE(keys.ok());
  std::set<std::string> ids;
  for (const ApiKey& key : keys.value()) ids.insert(key.id);
  EXPECT_EQ(ids.size(), 20u);
}

TEST_F(KeyStoreTest, NamesThatCouldHideSomethingAreRefused) {
  for (const std::string& name : {std::string(), std::string("a\nb"), std::string("\x1b[2J"),
                                  std::string("\xff"), std::string(101, 'a')}) {
    ApiKey of;
    of.name = name;
    EXPECT_FALSE(create_key(file_, of).ok()) << name;
  }
}

}  // namespace
}  // namespace sputnik::server
