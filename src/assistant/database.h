// SQLite without its sharp edges: every failure is a Result, nothing is left open.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace sputnik::assistant {

// A prepared statement with its parameters. Must not outlive its database.
class Statement {
 public:
  Statement(Statement&&) noexcept = default;
  Statement& operator=(Statement&&) noexcept = default;

  // Parameters are numbered from 1. Texts are copied.
  void bind(int index, std::int64_t value);
  void bind(int index, int value) { bind(index, std::int64_t{value}); }
  void bind(int index, bool value) { bind(index, std::int64_t{value}); }
  void bind(int index, std::string_view value);
  void bind(int index, const std::string& value) { bind(index, std::string_view(value)); }
  void bind(int index, const char* value) { bind(index, std::string_view(value)); }
  template <class T>
  void bind(int index, const std::optional<T>& value) {
    if (value) bind(index, *value);  // parameters are NULL until they are bound
  }

  // true: there is a row to look at. kExhausted: the disk is full or the database locked by another
  // program for too long; kCorrupt; kIo.
  Result<bool> step();

  // Of the row; columns are numbered from 0.
  bool is_null(int column) const;
  std::int64_t integer(int column) const;
  std::string text(int column) const;
  std::optional<std::int64_t> optional_integer(int column) const;

 private:
  friend class Database;
  struct Finalizer {
    void operator()(sqlite3_stmt* statement) const;
  };
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}

  std::unique_ptr<sqlite3_stmt, Finalizer> statement_;
};

// How a database becomes one of the next version. Migration i leads from version i to i + 1.
using Migrations = std::span<const char* const>;

// One connection, for one thread at a time. Several processes may have the same file open.
class Database {
 public:
  // Makes the file, readable by its owner alone, and its folder where they are missing; brings an
  // older one to the newest version, after a copy of it has been laid beside it
  // (NAME.vN.backup). kUnsupported: it was written by a newer program. kCorrupt: it is damaged, or
  // no database of ours. In both cases nothing is changed.
  static Result<Database> open(const std::filesystem::path& path, Migrations migrations);
  // In memory only; gone with this object.
  static Result<Database> open_in_memory(Migrations migrations);

  Database(Database&&) noexcept = default;
  Database& operator=(Database&&) noexcept = default;

  template <class... Args>
  Result<Statement> query(std::string_view sql, const Args&... args) {
    SPUTNIK_TRY(Statement statement, prepare(sql));
    int index = 0;
    (statement.bind(++index, args), ...);
    return statement;
  }
  // For statements without rows.
  template <class... Args>
  Result<void> execute(std::string_view sql, const Args&... args) {
    SPUTNIK_TRY(Statement statement, query(sql, args...));
    auto stepped = statement.step();
    if (!stepped.ok()) return std::move(stepped).error();
    return ok_result();
  }
  // Several statements, without parameters.
  Result<void> script(const char* sql);
  // All or nothing: an error of work undoes what it has done. Not nested.
  Result<void> transaction(const std::function<Result<void>()>& work);

  std::int64_t last_insert_id() const;
  std::int64_t n_changed() const;  // rows, by the last statement
  // A whole copy, made under another name first: there never is half of one.
  Result<void> copy_to(const std::filesystem::path& path);

 private:
  struct Closer {
    void operator()(sqlite3* database) const;
  };
  explicit Database(sqlite3* database) : database_(database) {}

  static Result<Database> connect(const std::string& name);
  Result<Statement> prepare(std::string_view sql);
  Result<std::int64_t> number(std::string_view sql);
  Result<void> check(const std::filesystem::path& path);
  Result<void> migrate(const std::filesystem::path& path, Migrations migrations);

  std::unique_ptr<sqlite3, Closer> database_;
};

}  // namespace sputnik::assistant
