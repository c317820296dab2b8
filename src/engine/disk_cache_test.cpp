#include "engine/disk_cache.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "base/mapped_file.h"
#include "engine/engine_testing.h"

namespace sputnik {
namespace {

namespace fs = std::filesystem;

// A folder that is gone afterwards.
class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "sputnik-kv-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

  std::vector<fs::path> files() const {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(path_))
      if (entry.is_regular_file()) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
  }

 private:
  fs::path path_;
};

constexpr std::int64_t kBytes = 1000;

DiskCacheOptions options(const Folder& folder, std::int64_t max_bytes = 1 << 20) {
  DiskCacheOptions o;
  o.directory = folder.path() / "kv";
  o.max_bytes = max_bytes;
  o.key[3] = 7;
  o.block_bytes = kBytes;
  return o;
}

std::vector<std::byte> block_of(int value) {
  return std::vector<std::byte>(kBytes, static_cast<std::byte>(value));
}

std::vector<std::int32_t> tokens_of(std::int32_t first, std::int64_t n = 64) {
  std::vector<std::int32_t> tokens;
  for (std::int32_t i = 0; i < n; ++i) tokens.push_back(first + i);
  return tokens;
}

BlockHash store(DiskCache& cache, const BlockHash& parent, std::int32_t first, int value,
                std::int64_t n = 64) {
  const auto tokens = tokens_of(first, n);
  const BlockHash hash = block_hash(parent, tokens);
  cache.store(parent, hash, tokens, block_of(value));
  return hash;
}

TEST(DiskCache, FindsAfterARestartWhatWasStoredBefore) {
  const Folder folder;
  const BlockHash root = first_block_parent(0);
  BlockHash first;
  {
    auto cache = DiskCache::open(options(folder)).value();
    first = store(*cache, root, 0, 1);
    (void)store(*cache, first, 64, 2, 30);
    (void)store(*cache, first, 64, 2, 30);
    cache->flush();
    EXPECT_EQ(cache->n_blocks(), 2);
  }
  auto cache = DiskCache::open(options(folder)).value();
  EXPECT_EQ(cache->n_blocks(), 2);
  EXPECT_EQ(cache->n_rejected(), 0);
  const auto found = cache->find(root, tokens_of(0, 200));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->hash, first);
  EXPECT_EQ(found->n_equal, 64);
  std::vector<std::byte> memory(kBytes);
  EXPECT_TRUE(cache->read(first, memory));
  EXPECT_EQ(memory, block_of(1));
  auto rest = tokens_of(64, 20);
  rest.push_back(-5);
  EXPECT_EQ(cache->find(first, rest)->n_equal, 20);
  EXPECT_FALSE(cache->find(root, tokens_of(1)));
  EXPECT_FALSE(cache->find(first_block_parent(1), tokens_of(0)));
}

TEST(DiskCache, BelievesNoFileThatWasChanged) {
  const Folder folder;
  const BlockHash root = first_block_parent(0);
  std::string good;
  fs::path path;
  BlockHash hash;
  {
    auto cache = DiskCache::open(options(folder)).value();
    hash = store(*cache, root, 0, 1);
    cache->flush();
    path = folder.files().at(0);
    good = read_file(path).value();
  }
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  const auto rejected = [&](const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
    auto cache = DiskCache::open(options(folder)).value();
    std::vector<std::byte> memory(kBytes);
    const bool read = cache->read(hash, memory);
    EXPECT_EQ(fs::exists(path), read);  // what is wrong is removed
    return !read;
  };
  EXPECT_FALSE(rejected(good));
  for (std::size_t at = 0; at < good.size(); at += at < 384 ? 1 : 37) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    EXPECT_TRUE(rejected(bad)) << "byte " << at;
  }
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{383}, std::size_t{384}, good.size() - 1})
    EXPECT_TRUE(rejected(good.substr(0, size))) << size << " bytes";
  EXPECT_TRUE(rejected(good + "x"));
}

TEST(DiskCache, FilesOfAnotherKeyAreNotReadAndFilesOfNobodyAreLeftAlone) {
  const Folder folder;
  {
    auto cache = DiskCache::open(options(folder)).value();
    (void)store(*cache, first_block_parent(0), 0, 1);
  }
  std::ofstream(folder.path() / "kv" / "notes.txt") << "mine";
  DiskCacheOptions other = options(folder);
  other.key[0] = 1;
  auto cache = DiskCache::open(other).value();
  EXPECT_EQ(cache->n_blocks(), 0);
  EXPECT_EQ(cache->n_rejected(), 0);
  EXPECT_EQ(folder.files().size(), 2u);
}

TEST(DiskCache, StaysWithinItsBytesAndForgetsTheOldest) {
  const Folder folder;
  const BlockHash root = first_block_parent(0);
  {
    auto cache = DiskCache::open(options(folder, 5 * 1500)).value();
    for (std::int32_t i = 0; i < 20; ++i) {
      (void)store(*cache, root, i * 1000, i);
      cache->flush();
      std::vector<std::byte> memory(kBytes);  // the first stays in use
      EXPECT_TRUE(cache->read(block_hash(root, tokens_of(0)), memory));
    }
    EXPECT_LE(cache->bytes(), 5 * 1500);
    EXPECT_TRUE(cache->find(root, tokens_of(19000)));
    EXPECT_FALSE(cache->find(root, tokens_of(5000)));
  }
  std::uintmax_t total = 0;
  for (const fs::path& file : folder.files()) total += fs::file_size(file);
  EXPECT_LE(total, 5u * 1500);
  // A smaller limit holds for what other models left, too.
  DiskCacheOptions smaller = options(folder, 2 * 1500);
  smaller.key[9] = 1;
  (void)DiskCache::open(smaller).value();
  EXPECT_LE(folder.files().size(), 2u);
}

TEST(DiskCache, WhatCannotBeWrittenIsSaidOnceAndNothingElseStops) {
  const Folder folder;
  auto cache = DiskCache::open(options(folder)).value();
  const BlockHash root = first_block_parent(0);
  (void)store(*cache, root, 0, 1);
  cache->flush();
  fs::remove_all(folder.path() / "kv");
  (void)store(*cache, root, 1000, 1);
  cache->flush();
  const auto error = cache->error();
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, ErrorCode::kIo);
  EXPECT_FALSE(cache->error());
  (void)store(*cache, root, 2000, 1);
  cache->flush();
  EXPECT_FALSE(cache->error());
  std::vector<std::byte> memory(kBytes);
  EXPECT_FALSE(cache->read(block_hash(root, tokens_of(0)), memory));

  std::ofstream(folder.path() / "file") << "x";
  DiskCacheOptions bad = options(folder);
  bad.directory = folder.path() / "file";
  EXPECT_FALSE(DiskCache::open(bad).ok());
}

EngineOptions engine_options(const Folder& folder, const std::string& digest = "tiny") {
  EngineOptions o = small_options();
  o.disk_cache = folder.path() / "kv";
  o.model_digest = digest;
  o.speculate = false;  // passes are counted here
  return o;
}

// The second turn of a conversation, after a restart: only what is new is computed.
TEST(Engine, AConversationGoesOnAfterARestartWithoutBeingReadAgain) {
  const Folder folder;
  const LoadedModel loaded = load_golden(kTinyV3);
  std::vector<std::int32_t> history = prompt_of(100);
  {
    const auto engine = Engine::create(*loaded.model, engine_options(folder)).value();
    const EngineAnswer answer = run_alone(*engine, make_request(prompt_of(100), 50));
    history.insert(history.end(), answer.tokens.begin(), answer.tokens.end());
  }
  for (const std::int32_t token : {1, 2, 3}) history.push_back(token);
  const auto fresh = Engine::create(*loaded.model, small_options()).value();
  const EngineAnswer expected = run_alone(*fresh, make_request(history, 20));

  const auto engine = Engine::create(*loaded.model, engine_options(folder)).value();
  const SequenceId id = engine->add(make_request(history, 20)).value();
  engine->step();
  EXPECT_EQ(engine->state(id)->n_cache_hits, 128);
  // 149 tokens were computed before; the last of the answer never was.
  EXPECT_EQ(engine->n_computed_tokens(), 4);
  EXPECT_EQ(engine->stats().n_disk_hits, 3);
  auto rest = run_to_end(*engine)[id];
  EXPECT_EQ(rest.tokens,
            std::vector<std::int32_t>(expected.tokens.begin() + 1, expected.tokens.end()));

  // Another model does not take these numbers for its own.
  const auto other = Engine::create(*loaded.model, engine_options(folder, "other")).value();
  (void)run_alone(*other, make_request(history, 1));
  EXPECT_EQ(other->n_computed_tokens(), 153);
}

TEST(Engine, TheThoughtIsNotStoredAndTheWayToItIs) {
  const Folder folder;
  const LoadedModel loaded = load_golden(kTinyV3);
  GenerationRequest request = make_request(prompt_of(100), 60);
  request.thought.end_id = 319;
  request.thought.starts_in_thought = true;
  {
    const auto engine = Engine::create(*loaded.model, engine_options(folder)).value();
    (void)run_alone(*engine, request);
  }
  // 64 tokens, and the 36 before the thought.
  EXPECT_EQ(folder.files().size(), 2u);
  const auto engine = Engine::create(*loaded.model, engine_options(folder)).value();
  std::vector<std::int32_t> next = prompt_of(100);
  next.push_back(3);
  (void)run_alone(*engine, make_request(next, 1));
  EXPECT_EQ(engine->n_computed_tokens(), 1);
}

TEST(Engine, WhatIsToBeKeptOffTheDiskIs) {
  const Folder folder;
  const LoadedModel loaded = load_golden(kTinyV3);
  {
    const auto engine = Engine::create(*loaded.model, engine_options(folder)).value();
    GenerationRequest request = make_request(prompt_of(100), 50);
    request.keep_off_disk = true;
    (void)run_alone(*engine, request);
  }
  EXPECT_EQ(folder.files().size(), 0u);
}

TEST(Engine, ADamagedCacheIsComputedAgain) {
  const Folder folder;
  const LoadedModel loaded = load_golden(kTinyV3);
  const auto fresh = Engine::create(*loaded.model, small_options()).value();
  const EngineAnswer expected = run_alone(*fresh, make_request(prompt_of(200), 20));
  {
    const auto engine = Engine::create(*loaded.model, engine_options(folder)).value();
    (void)run_alone(*engine, make_request(prompt_of(200), 20));
  }
  // One byte of the numbers in each of them: heads are right.
  for (const fs::path& file : folder.files()) {
    std::fstream stream(file, std::ios::binary | std::ios::in | std::ios::out);
    stream.seekp(2000);
    stream.put('?');
  }
  const auto engine = Engine::create(*loaded.model, engine_options(folder)).value();
  EXPECT_EQ(run_alone(*engine, make_request(prompt_of(200), 20)), expected);
  EXPECT_EQ(engine->n_computed_tokens(), 219);
  EXPECT_GE(engine->stats().n_disk_rejected, 1);
}

}  // namespace
}  // namespace sputnik
