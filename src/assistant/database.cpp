#include "assistant/database.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "assistant/search_tokenizer.h"

namespace sputnik::assistant {
namespace {

namespace fs = std::filesystem;

constexpr int kBusyMs = 10'000;             // another process writes
constexpr std::int64_t kOurs = 0x53505554;  // "SPUT", the application id in the file's head
constexpr std::uintmax_t kCheckedBytes = std::uintmax_t{256} << 20;

Error error_of(sqlite3* database, std::string_view what) {
  const int code = database == nullptr ? SQLITE_NOMEM : sqlite3_errcode(database);
  const char* message = database == nullptr ? "out of memory" : sqlite3_errmsg(database);
  ErrorCode kind = ErrorCode::kIo;
  switch (code) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      kind = ErrorCode::kCorrupt;
      break;
    case SQLITE_FULL:
    case SQLITE_NOMEM:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_TOOBIG:
      kind = ErrorCode::kExhausted;
      break;
    case SQLITE_CONSTRAINT:
      kind = ErrorCode::kInvalidArgument;
      break;
    default:
      break;
  }
  return make_error(kind, "{}: {}", what, message);
}

// SQLite makes its files readable by everybody if nobody was first; those beside it (-wal, -shm)
// get the mode of this one.
Result<void> make_private_file(const fs::path& path) {
  std::error_code error;
  if (path.has_parent_path() && !fs::exists(path.parent_path(), error)) {
    fs::create_directories(path.parent_path(), error);
    if (error) return io_error("{}: {}", path.parent_path().string(), error.message());
    fs::permissions(path.parent_path(), fs::perms::owner_all, error);
  }
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return io_error("{}: {}", path.string(), std::strerror(errno));
  struct stat status {};
  const bool is_open_to_others = ::fstat(fd, &status) == 0 && (status.st_mode & 077) != 0;
  if (is_open_to_others) (void)::fchmod(fd, 0600);
  ::close(fd);
  return ok_result();
}

}  // namespace

// ------------------------------------------------------------------------------------------------

void Statement::Finalizer::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

void Statement::bind(int index, std::int64_t value) {
  SPUTNIK_ASSERT(sqlite3_bind_int64(statement_.get(), index, value) == SQLITE_OK);
}

void Statement::bind(int index, std::string_view value) {
  // A text that is too long leaves NULL, which the schema refuses. The pointer of an empty view may
  // be null, which would mean NULL too.
  const char* data = value.data() == nullptr ? "" : value.data();
  (void)sqlite3_bind_text64(statement_.get(), index, data, value.size(), SQLITE_TRANSIENT,
                            SQLITE_UTF8);
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return error_of(sqlite3_db_handle(statement_.get()), "the store");
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::string Statement::text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  if (text == nullptr) return {};
  return {text, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

std::optional<std::int64_t> Statement::optional_integer(int column) const {
  if (is_null(column)) return std::nullopt;
  return integer(column);
}

// ------------------------------------------------------------------------------------------------

void Database::Closer::operator()(sqlite3* database) const {
  (void)sqlite3_close_v2(database);
}

Result<Database> Database::connect(const std::string& name) {
  sqlite3* handle = nullptr;
  const int flags =
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
  const int code = sqlite3_open_v2(name.c_str(), &handle, flags, nullptr);
  Database database(handle);
  if (code != SQLITE_OK) return error_of(handle, "it cannot be opened");
  (void)sqlite3_busy_timeout(handle, kBusyMs);
  // Our SQL never writes into the tables behind an index by itself.
  (void)sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  SPUTNIK_CHECK_OK(add_search_tokenizer(handle));
  return database;
}

Result<Database> Database::open(const fs::path& path, Migrations migrations) {
  const auto open = [&]() -> Result<Database> {
    SPUTNIK_TRY(Database database, connect(path.string()));
    SPUTNIK_CHECK_OK(database.check(path));
    // A commit has reached the disk when it returns: a power cut loses no message.
    SPUTNIK_CHECK_OK(database.script(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"));
    SPUTNIK_CHECK_OK(database.migrate(path, migrations));
    return database;
  };
  SPUTNIK_CHECK_OK(make_private_file(path));
  auto database = open();
  if (!database.ok()) return std::move(database).error().in(path.string());
  return database;
}

Result<Database> Database::open_in_memory(Migrations migrations) {
  SPUTNIK_TRY(Database database, connect(":memory:"));
  SPUTNIK_CHECK_OK(database.script("PRAGMA foreign_keys = ON;"));
  SPUTNIK_CHECK_OK(database.migrate({}, migrations));
  return database;
}

Result<Statement> Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v2(database_.get(), sql.data(), static_cast<int>(sql.size()),
                                      &statement, nullptr);
  if (code != SQLITE_OK) return error_of(database_.get(), "the store");
  return Statement(statement);
}

Result<void> Database::script(const char* sql) {
  if (sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK)
    return ok_result();
  return error_of(database_.get(), "the store");
}

Result<void> Database::transaction(const std::function<Result<void>()>& work) {
  SPUTNIK_CHECK_OK(script("BEGIN IMMEDIATE"));
  auto done = work();
  if (done.ok()) done = script("COMMIT");
  // Some errors have rolled back already.
  if (!done.ok() && sqlite3_get_autocommit(database_.get()) == 0) (void)script("ROLLBACK").ok();
  return done;
}

std::int64_t Database::last_insert_id() const {
  return sqlite3_last_insert_rowid(database_.get());
}

std::int64_t Database::n_changed() const {
  return sqlite3_changes64(database_.get());
}

Result<std::int64_t> Database::number(std::string_view sql) {
  SPUTNIK_TRY(Statement statement, prepare(sql));
  SPUTNIK_TRY(const bool has_row, statement.step());
  return has_row ? statement.integer(0) : 0;
}

Result<void> Database::copy_to(const fs::path& path) {
  fs::path part = path;
  part += ".part";
  std::error_code error;
  fs::remove(part, error);
  SPUTNIK_CHECK_OK(make_private_file(part));  // VACUUM INTO accepts an empty file
  SPUTNIK_CHECK_OK(execute("VACUUM INTO ?1", part.string()));
  fs::rename(part, path, error);
  if (error) return io_error("{}: {}", path.string(), error.message());
  return ok_result();
}

// Reads only. Large files are looked through only when their last writer did not close them.
Result<void> Database::check(const fs::path& path) {
  SPUTNIK_TRY(const std::int64_t n_tables, number("SELECT count(*) FROM sqlite_schema"));
  if (n_tables == 0) return ok_result();
  SPUTNIK_TRY(const std::int64_t application, number("PRAGMA application_id"));
  if (application != kOurs) return corrupt("this is a database of another program");
  std::error_code error;
  fs::path log = path;
  log += "-wal";
  const bool was_closed = !fs::exists(log, error) || fs::file_size(log, error) == 0;
  if (was_closed && fs::file_size(path, error) > kCheckedBytes) return ok_result();
  SPUTNIK_TRY(Statement statement, prepare("PRAGMA quick_check(1)"));
  SPUTNIK_TRY(const bool has_row, statement.step());
  const std::string verdict = has_row ? statement.text(0) : "no answer";
  if (verdict != "ok")
    return corrupt("the file is damaged ({}); move it away, or put a backup in its place", verdict);
  return ok_result();
}

Result<void> Database::migrate(const fs::path& path, Migrations migrations) {
  const auto newest = static_cast<std::int64_t>(migrations.size());
  for (;;) {
    SPUTNIK_TRY(const std::int64_t version, number("PRAGMA user_version"));
    if (version > newest) {
      return unsupported(
          "it was written by a newer version of this program (format {}; this one "
          "knows {})",
          version, newest);
    }
    if (version == newest) return ok_result();
    if (version > 0 && !path.empty()) {
      fs::path backup = path;
      backup += fmt::format(".v{}.backup", version);
      auto copied = copy_to(backup);
      if (!copied.ok()) return std::move(copied).error().in("no backup before the upgrade");
    }
    const auto work = [&]() -> Result<void> {
      // Another process may have been here between the look and the lock.
      SPUTNIK_TRY(const std::int64_t now, number("PRAGMA user_version"));
      if (now != version) return ok_result();
      SPUTNIK_CHECK_OK(script(migrations[static_cast<std::size_t>(version)]));
      return script(
          fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {};", kOurs, version + 1)
              .c_str());
    };
    SPUTNIK_CHECK_OK(transaction(work));
  }
}

}  // namespace sputnik::assistant
