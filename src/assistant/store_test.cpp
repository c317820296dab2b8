// Trees, search, what is kept and what is refused.
#include "assistant/store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <set>

#include "assistant/schema.h"
#include "assistant/store_testing.h"

namespace sputnik::assistant {
namespace {

NewMessage message(std::int64_t conversation, std::optional<std::int64_t> parent, Role role,
                   std::string content, std::string reasoning = {}) {
  NewMessage made;
  made.conversation_id = conversation;
  made.parent_id = parent;
  made.role = role;
  made.content = std::move(content);
  made.reasoning = std::move(reasoning);
  return made;
}

class StoreTest : public testing::Test {
 protected:
  std::vector<Message> turn(std::optional<std::int64_t> parent, std::string question,
                            std::string answer) {
    const NewMessage reply = message(id_, {}, Role::kAssistant, std::move(answer), "thought");
    return store_
        ->add_turn(message(id_, parent, Role::kUser, std::move(question)), std::span(&reply, 1))
        .value();
  }
  Conversation now() { return store_->conversation(id_).value(); }

  std::unique_ptr<Store> store_ = Store::open_in_memory().value();
  std::int64_t id_ = store_->add_conversation({}).value().id;
};

TEST_F(StoreTest, BranchesStayAndTheNewestIsShown) {
  const auto first = turn({}, "one?", "one.");
  const auto second = turn(first[1].id, "two?", "two.");
  const auto edited = turn(first[1].id, "two, or three?", "three.");
  EXPECT_EQ(now().active_leaf_id, edited[1].id);
  EXPECT_EQ(now().n_messages, 6);
  const auto path = store_->path_to(second[1].id).value();
  ASSERT_EQ(path.size(), 4u);
  EXPECT_EQ(path[2].content, "two?");
  EXPECT_EQ(path[3].reasoning, "thought");
  ConversationChange change;
  change.show_message = second[0].id;
  EXPECT_EQ(store_->change_conversation(id_, change).value().active_leaf_id, second[1].id);
}

TEST_F(StoreTest, ARemovedMessageTakesItsBranchAlongOrLeavesIt) {
  const auto first = turn({}, "one?", "one.");
  const auto second = turn(first[1].id, "two?", "two.");
  const auto other = turn(first[1].id, "three?", "three.");
  EXPECT_EQ(store_->remove_message(other[0].id, Store::Children::kDelete).value().size(), 2u);
  EXPECT_EQ(now().active_leaf_id, second[1].id);
  EXPECT_EQ(store_->remove_message(first[1].id, Store::Children::kReattach).value().size(), 1u);
  EXPECT_EQ(store_->message(second[0].id).value().parent_id, first[0].id);
  EXPECT_EQ(now().n_messages, 3);
  EXPECT_EQ(store_->remove_message(first[0].id, Store::Children::kDelete).value().size(), 3u);
  EXPECT_EQ(now().active_leaf_id, std::nullopt);
  EXPECT_TRUE(store_->search("two", 10, 0).value().empty());
}

// Deeper than SQLite follows triggers and cascades.
TEST_F(StoreTest, ADeepConversationCanBeRemoved) {
  std::optional<std::int64_t> parent;
  for (int i = 0; i < 1200; ++i) parent = turn(parent, "q", "a")[1].id;
  EXPECT_EQ(store_->path_to(*parent).value().size(), 2400u);
  const auto root = store_->path_to(*parent).value().front().id;
  EXPECT_EQ(store_->remove_message(root, Store::Children::kDelete).value().size(), 2400u);
  for (int i = 0; i < 1200; ++i) parent = turn(i == 0 ? std::nullopt : parent, "q", "a")[1].id;
  EXPECT_TRUE(store_->remove_conversation(id_).ok());
  EXPECT_EQ(store_->conversation(id_).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(store_->message(*parent).error().code, ErrorCode::kNotFound);
}

TEST_F(StoreTest, SearchFindsWordsBeginningsAndIdeographs) {
  turn({}, "Where does the Neckar flow?", "Through Tübingen.");
  turn({}, "北京的天气怎么样？", "今天很热。");
  const auto fields = [&](std::string_view words) {
    std::string found;
    for (const SearchResult& result : store_->search(words, 10, 0).value())
      found += result.field + " " + result.snippet + "\n";
    return found;
  };
  EXPECT_EQ(fields("neckar"), "content Where does the \x01Neckar\x02 flow?\n");
  EXPECT_EQ(fields("tubing"), "content Through \x01Tübingen\x02.\n");
  EXPECT_NE(fields("天气").find("天气"), std::string::npos);
  EXPECT_EQ(fields("气天"), "");
  EXPECT_EQ(store_->search("thought", 10, 0).value().size(), 2u);
  EXPECT_EQ(fields("neckar tubingen"), "");
  // Nothing that somebody types is FTS5's language.
  for (const char* odd :
       {"\"", "a\" OR \"b", "NOT", "*", "content:x", "(", "", "   ", "a NEAR/2 b"})
    EXPECT_TRUE(store_->search(odd, 10, 0).ok()) << odd;
  ConversationChange change;
  change.title = "A river";
  ASSERT_TRUE(store_->change_conversation(id_, change).ok());
  EXPECT_EQ(fields("river"), "title A \x01river\x02\n");
}

TEST_F(StoreTest, AGrowingAnswerIsFoundOnceItHasEnded) {
  NewMessage answer = message(id_, {}, Role::kAssistant, "");
  answer.state = MessageState::kRunning;
  answer.generation_id = "gen-1";
  const auto made =
      store_->add_turn(message(id_, {}, Role::kUser, "q"), std::span(&answer, 1)).value();
  EXPECT_TRUE(now().running);
  const AnswerPiece piece{made[1].id, "so ", "wal", 3};
  const AnswerPiece more{made[1].id, "on", "rus", 7};
  ASSERT_TRUE(store_->append(std::span(&piece, 1)).ok());
  ASSERT_TRUE(store_->append(std::span(&more, 1)).ok());
  EXPECT_TRUE(store_->search("walrus", 10, 0).value().empty());
  EXPECT_EQ(store_->running_messages().value().front().n_events, 7);
  const AnswerEnd end{made[1].id, MessageState::kInterrupted, R"({"model":"m"})", "{}"};
  ASSERT_TRUE(store_->finish(std::span(&end, 1), std::nullopt).ok());
  EXPECT_EQ(store_->search("walrus", 10, 0).value().size(), 1u);
  EXPECT_TRUE(store_->restart_answer(made[1].id, "gen-2", "{}", "{}").ok());
  EXPECT_TRUE(store_->search("walrus", 10, 0).value().empty());
  EXPECT_FALSE(store_->restart_answer(made[1].id, "gen-3", "{}", "{}").ok());
  EXPECT_EQ(store_->message(made[1].id).value().content, "walrus");
}

TEST_F(StoreTest, PagesHoldEveryConversationOnceAndPinnedOnesFirst) {
  for (int i = 0; i < 24; ++i) ASSERT_TRUE(store_->add_conversation({}).ok());
  ConversationChange change;
  change.pinned = true;
  ASSERT_TRUE(store_->change_conversation(id_, change).ok());
  ConversationQuery query;
  query.limit = 10;
  std::vector<std::int64_t> seen;
  for (int page = 0; page < 3; ++page) {
    const ConversationPage got = store_->conversations(query).value();
    for (const Conversation& one : got.conversations) seen.push_back(one.id);
    query.cursor = got.next_cursor;
  }
  EXPECT_EQ(query.cursor, "");
  EXPECT_EQ(seen.front(), id_);
  EXPECT_EQ(seen.size(), 25u);
  EXPECT_EQ(std::set<std::int64_t>(seen.begin(), seen.end()).size(), 25u);
  query.cursor = "1.x.3";
  EXPECT_EQ(store_->conversations(query).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(StoreTest, WhatIsTooLongOrNoTextIsRefused) {
  EXPECT_FALSE(store_->add_note(std::string(limits::kNote + 1, 'x')).ok());
  EXPECT_FALSE(store_->add_note("\xff").ok());
  EXPECT_FALSE(store_->add_folder("", {}).ok());
  const NewMessage wrong = message(id_, 4711, Role::kAssistant, "");
  EXPECT_EQ(store_->add_turn({}, std::span(&wrong, 1)).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(now().n_messages, 0);
}

// ------------------------------------------------------------------------------------------------

TEST(StoreFile, IsForItsOwnerAloneAndOutlivesItsProcess) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "deep" / "assistant.db";
  std::int64_t id = 0;
  {
    const auto store = Store::open(path).value();
    id = store->add_conversation({"kept", {}, {}, "{}"}).value().id;
    struct stat status {};
    for (const char* end : {"", "-wal"}) {
      ASSERT_EQ(::stat((path.string() + end).c_str(), &status), 0) << end;
      EXPECT_EQ(status.st_mode & 0777, 0600u) << end;
    }
  }
  EXPECT_EQ(Store::open(path).value()->conversation(id).value().title, "kept");
}

TEST(StoreFile, ADamagedOrForeignOneIsNamedAndLeftAlone) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "assistant.db";
  const auto refused = [&](const std::string& content) {
    std::ofstream(path, std::ios::binary) << content;
    const auto store = Store::open(path);
    EXPECT_FALSE(store.ok());
    EXPECT_NE(store.error().message.find("assistant.db"), std::string::npos);
    std::ifstream file(path, std::ios::binary);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), content);
    return store.error().code;
  };
  EXPECT_EQ(refused("this is no database, but it is long enough to be taken for one " +
                    std::string(4096, '.')),
            ErrorCode::kCorrupt);
  std::filesystem::remove(path);
  {
    const auto store = Store::open(path).value();
    for (int i = 0; i < 200; ++i)
      ASSERT_TRUE(store->add_conversation({std::string(500, 'a'), {}, {}, "{}"}).ok());
  }
  std::ifstream file(path, std::ios::binary);
  std::string damaged(std::istreambuf_iterator<char>(file), {});
  for (std::size_t i = 4096; i < damaged.size(); ++i) damaged[i] = static_cast<char>(i * 7);
  EXPECT_EQ(refused(damaged), ErrorCode::kCorrupt);
}

TEST(StoreFile, MigrationsGoStepByStepWithACopyBeforeEach) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a.db";
  const char* const steps[] = {"CREATE TABLE t(x INTEGER); INSERT INTO t VALUES (1);",
                               "ALTER TABLE t ADD COLUMN y INTEGER DEFAULT 5;",
                               "CREATE TABLE u(z); nonsense;"};
  ASSERT_TRUE(Database::open(path, std::span(steps, 1)).ok());
  {
    auto database = Database::open(path, std::span(steps, 2)).value();
    Statement row = database.query("SELECT x, y FROM t").value();
    ASSERT_TRUE(row.step().value());
    EXPECT_EQ(row.integer(1), 5);
  }
  const auto backup = folder.path() / "a.db.v1.backup";
  {
    auto old = Database::open(backup, std::span(steps, 1)).value();
    EXPECT_FALSE(old.query("SELECT y FROM t").ok());
  }
  // A step that fails is undone.
  EXPECT_FALSE(Database::open(path, std::span(steps, 3)).ok());
  EXPECT_TRUE(Database::open(path, std::span(steps, 2)).ok());
  const auto newer = Database::open(path, std::span(steps, 1));
  ASSERT_FALSE(newer.ok());
  EXPECT_EQ(newer.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(newer.error().message.find("newer version"), std::string::npos);
}

}  // namespace
}  // namespace sputnik::assistant
