// Blocks of the key/value cache in files, so that a conversation is not read again after a restart.
// The format is in docs/formats/kv-cache.md.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "engine/prefix_cache.h"

namespace sputnik {

struct DiskCacheOptions {
  std::filesystem::path directory;  // made if it is not there
  std::int64_t max_bytes = std::int64_t{8} << 30;
  // Names everything that cached numbers depend on beside the tokens: weights, arithmetic, layout.
  // Files of another key are left alone and never read.
  BlockHash key{};
  std::int64_t block_bytes = 0;
};

// One file per block, named by the block's hash and found again by its parent's. What a file says
// is believed only if its size, key, names and checksum are right; one that is not is removed.
// Files are written by a thread of its own, and those used least recently make room for new ones. A
// disk that is full or cannot be written ends the writing, not the serving: error() says why, once.
// All functions are for one thread, the engine's.
class DiskCache {
 public:
  // kIo: the directory can be neither made nor read. Reads the heads of all files.
  static Result<std::unique_ptr<DiskCache>> open(const DiskCacheOptions& options);
  ~DiskCache();  // writes what is waiting

  struct Found {
    BlockHash hash{};
    std::int64_t n_tokens = 0;  // of the block
    std::int64_t n_equal = 0;   // of these, the first that agree
  };
  // The stored block behind `parent` whose tokens agree longest with tokens; nullopt: none does.
  std::optional<Found> find(const BlockHash& parent, std::span<const std::int32_t> tokens);

  // Reads the block into memory of block_bytes. False: the file is gone or not what it should be;
  // the memory holds anything then.
  bool read(const BlockHash& hash, std::span<std::byte> block);

  // Copies the block for the thread to write. Does nothing if it is stored already, if writing has
  // failed before, or if the thread is too far behind.
  void store(const BlockHash& parent, const BlockHash& hash, std::span<const std::int32_t> tokens,
             std::span<const std::byte> block);
  // Waits until all that was given to store() is written, or given up.
  void flush();

  std::int64_t n_blocks() const { return static_cast<std::int64_t>(index_.size()); }
  std::int64_t bytes() const { return bytes_; }
  std::int64_t n_rejected() const {
    return n_rejected_;
  }  // files that were not what they should be
  // Why nothing is written any more; each error is told once.
  std::optional<Error> error();

 private:
  struct Entry {
    BlockHash parent;
    std::vector<std::int32_t> tokens;
    std::int64_t file_bytes = 0;
    std::uint64_t last_used = 0;
  };
  struct Job {
    BlockHash parent, hash;
    std::vector<std::int32_t> tokens;
    std::vector<std::byte> file;  // the whole of it
  };

  explicit DiskCache(const DiskCacheOptions& options) : options_(options) {}
  Result<void> read_index();
  std::filesystem::path path_of(const BlockHash& hash) const;
  void add(const BlockHash& hash, Entry entry);
  void forget(const BlockHash& hash);
  void make_room(std::int64_t n_bytes);
  void take_written();
  void write_files();
  static Result<void> write_file(const std::filesystem::path& path,
                                 std::span<const std::byte> file);

  const DiskCacheOptions options_;
  std::filesystem::path folder_;  // of this key
  std::map<BlockHash, Entry> index_;
  std::multimap<BlockHash, BlockHash> children_;  // by parent
  std::int64_t bytes_ = 0;
  std::int64_t n_rejected_ = 0;
  std::uint64_t clock_ = 0;

  std::mutex mutex_;  // of all below
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  std::int64_t job_bytes_ = 0;
  std::vector<Job> written_;  // their files emptied
  bool writing_ = false, ending_ = false, failed_ = false;
  std::optional<Error> error_;
  std::thread thread_;
};

}  // namespace sputnik
